import type { Metric } from '../metrics/metrics.ts'
import type { EtcdStore } from './etcd-store.ts'

/** What /metrics tells of etcd as this broker sees it. */
export function etcdMetrics(store: Pick<EtcdStore, 'stats' | 'knownRevision' | 'toldRevision'>): Metric[] {
  const { stats } = store
  return [
    {
      name: 'barnabas_etcd_request_latency_seconds',
      help: 'From a request to etcd until its answer, attempts on several members together. lease-renew counts the renewals.',
      type: 'histogram',
      collect(emit) {
        for (const [operation, histogram] of stats.latency) {
          const counts = histogram.cumulative(exponents)
          for (const [at, exponent] of exponents.entries())
            emit(counts[at] ?? 0, { operation, le: 2 ** exponent / 1e6 }, '_bucket')
          emit(histogram.count, { operation, le: '+Inf' }, '_bucket')
          emit(histogram.sumMs / 1000, { operation }, '_sum')
          emit(histogram.count, { operation }, '_count')
        }
      },
    },
    {
      name: 'barnabas_etcd_request_failures_total',
      help: 'Requests to etcd that failed for good, by operation and reason.',
      type: 'counter',
      collect(emit) {
        for (const [operation, kinds] of stats.failures) {
          for (const [reason, count] of kinds) emit(count, { operation, reason })
        }
      },
    },
    counter(
      'barnabas_etcd_watches_opened_total',
      'Streams opened to follow the metadata; more than one means that it was interrupted.',
      () => stats.watchesOpened,
    ),
    counter(
      'barnabas_etcd_watches_compacted_total',
      'How often everything was read and compared, because what an interruption missed was compacted.',
      () => stats.watchesCompacted,
    ),
    gauge(
      'barnabas_etcd_known_revision',
      'The latest revision that etcd told of.',
      () => store.knownRevision,
    ),
    gauge(
      'barnabas_metadata_revision_lag',
      'Revisions of etcd that this broker knows of and has not applied; those of other keys in etcd count until etcd tells of progress.',
      () => Math.max(0, store.knownRevision - (store.toldRevision ?? store.knownRevision)),
    ),
  ]
}

/** Powers of two of microseconds: 256 µs … 17 s. */
const exponents = Array.from({ length: 17 }, (_, at) => at + 8)

function counter(name: string, help: string, value: () => number): Metric {
  return { name, help, type: 'counter', collect: emit => emit(value()) }
}

function gauge(name: string, help: string, value: () => number): Metric {
  return { name, help, type: 'gauge', collect: emit => emit(value()) }
}
