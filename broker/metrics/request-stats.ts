import { errorName } from '../../protocol/index.ts'
import { LatencyHistogram } from './latency-histogram.ts'
import type { Emit, Metric } from './metrics.ts'

/** What one API did so far: plain fields, counted on the hot path and read when scraped. */
export class RequestStats {
  readonly api: string
  /** Version → requests; versions nobody asked for are missing. */
  readonly byVersion: number[] = []
  /** Error code → how often it stood in an answer. Success is not counted. */
  readonly errors = new Map<number, number>()
  bytesIn = 0
  bytesOut = 0
  /** From when the request was there whole until its answer had left. The others are its parts, in order. */
  readonly total = new LatencyHistogram()
  /** Until it was begun: others that came before it. */
  readonly requestQueue = new LatencyHistogram()
  /** Reading the request and the handler's synchronous part. */
  readonly local = new LatencyHistogram()
  /** Waiting for disk, other brokers, more data. */
  readonly remote = new LatencyHistogram()
  /** There is an answer: waiting for those that go before. */
  readonly responseQueue = new LatencyHistogram()
  /** Encoding it, and until the operating system had taken it. */
  readonly responseSend = new LatencyHistogram()

  constructor(api: string) {
    this.api = api
  }

  countRequest(version: number, bytes: number): void {
    this.byVersion[version] = (this.byVersion[version] ?? 0) + 1
    this.bytesIn += bytes
  }

  countError(code: number): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1)
  }
}

/** kafka_network_requestmetrics_* under the names that dashboards for Kafka know, and a histogram in seconds. */
export function requestMetrics(all: () => Iterable<RequestStats>, monotonicMs: () => number): Metric[] {
  const asked = function* (): Iterable<RequestStats> {
    for (const stats of all()) if (stats.byVersion.length > 0) yield stats
  }
  const times = (name: string, help: string, pick: (stats: RequestStats) => LatencyHistogram): Metric => ({
    name: `kafka_network_requestmetrics_${name}`,
    help: `${help}, in milliseconds, over the last one to two minutes.`,
    type: 'gauge',
    collect(emit) {
      for (const stats of asked()) emitQuantiles(emit, stats.api, pick(stats), monotonicMs())
    },
  })
  return [
    {
      name: 'kafka_network_requestmetrics_requests_total',
      help: 'Requests, by API and version.',
      type: 'counter',
      collect(emit) {
        for (const { api, byVersion } of asked()) {
          for (const [version, count] of byVersion.entries()) {
            if (count !== undefined) emit(count, { request: api, version })
          }
        }
      },
    },
    {
      name: 'kafka_network_requestmetrics_errors_total',
      help: 'Errors in answers, by API and error; one answer may hold many.',
      type: 'counter',
      collect(emit) {
        for (const { api, errors } of asked()) {
          for (const [code, count] of errors) emit(count, { request: api, error: errorName(code) })
        }
      },
    },
    {
      name: 'kafka_network_requestmetrics_requestbytes_total',
      help: 'Bytes of requests, by API.',
      type: 'counter',
      collect(emit) {
        for (const { api, bytesIn } of asked()) emit(bytesIn, { request: api })
      },
    },
    {
      name: 'kafka_network_requestmetrics_responsebytes_total',
      help: 'Bytes of answers, by API.',
      type: 'counter',
      collect(emit) {
        for (const { api, bytesOut } of asked()) emit(bytesOut, { request: api })
      },
    },
    times('totaltimems', 'From the arrival of a request until its answer was sent', stats => stats.total),
    times(
      'requestqueuetimems',
      'From the arrival of a request until its work began',
      stats => stats.requestQueue,
    ),
    times(
      'localtimems',
      'Reading a request and the part of its work that needs no waiting',
      stats => stats.local,
    ),
    times('remotetimems', 'Waiting for disk, other brokers or more data', stats => stats.remote),
    times(
      'responsequeuetimems',
      'Answers waiting for earlier answers of their connection',
      stats => stats.responseQueue,
    ),
    times(
      'responsesendtimems',
      'Encoding an answer, and until the operating system has taken it',
      stats => stats.responseSend,
    ),
    {
      name: 'barnabas_kafka_request_latency_seconds',
      help: 'From the arrival of a request until its answer was sent.',
      type: 'histogram',
      collect(emit) {
        for (const { api, total } of asked()) emitHistogram(emit, api, total)
      },
    },
  ]
}

const quantiles = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999]
/** Powers of two of microseconds: 64 µs … 67 s. */
const exponents = Array.from({ length: 21 }, (_, at) => at + 6)

function emitQuantiles(emit: Emit, request: string, histogram: LatencyHistogram, nowMs: number): void {
  const values = histogram.quantilesMs(quantiles, nowMs)
  for (const [at, quantile] of quantiles.entries()) emit(values[at] ?? 0, { request, quantile })
}

function emitHistogram(emit: Emit, request: string, histogram: LatencyHistogram): void {
  const counts = histogram.cumulative(exponents)
  for (const [at, exponent] of exponents.entries()) {
    emit(counts[at] ?? 0, { request, le: 2 ** exponent / 1e6 }, '_bucket')
  }
  emit(histogram.count, { request, le: '+Inf' }, '_bucket')
  emit(histogram.sumMs / 1000, { request }, '_sum')
  emit(histogram.count, { request }, '_count')
}
