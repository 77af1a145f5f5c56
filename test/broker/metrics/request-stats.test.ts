import { expect, test } from 'vitest'
import { Metrics } from '../../../broker/metrics/metrics.ts'
import { RequestStats, requestMetrics } from '../../../broker/metrics/request-stats.ts'

test('requests, errors, bytes and times are shown under the names that dashboards know', async () => {
  const asked = new RequestStats('Fetch')
  asked.countRequest(12, 100)
  asked.countRequest(17, 100)
  asked.countRequest(17, 100)
  asked.countError(3)
  asked.bytesOut = 5000
  asked.total.record(40)
  asked.local.record(1)
  asked.requestQueue.record(2)
  asked.remote.record(25)
  asked.responseQueue.record(8)
  asked.responseSend.record(4)
  const metrics = new Metrics()
  metrics.register(
    ...requestMetrics(
      () => [asked, new RequestStats('NeverAsked')],
      () => 0,
    ),
  )
  const text = (await metrics.expose()).text
  for (const line of [
    'kafka_network_requestmetrics_requests_total{request="Fetch",version="12"} 1',
    'kafka_network_requestmetrics_requests_total{request="Fetch",version="17"} 2',
    'kafka_network_requestmetrics_errors_total{request="Fetch",error="UNKNOWN_TOPIC_OR_PARTITION"} 1',
    'kafka_network_requestmetrics_requestbytes_total{request="Fetch"} 300',
    'kafka_network_requestmetrics_responsebytes_total{request="Fetch"} 5000',
    'barnabas_kafka_request_latency_seconds_bucket{request="Fetch",le="0.032768"} 0',
    'barnabas_kafka_request_latency_seconds_bucket{request="Fetch",le="0.065536"} 1',
    'barnabas_kafka_request_latency_seconds_bucket{request="Fetch",le="+Inf"} 1',
    'barnabas_kafka_request_latency_seconds_sum{request="Fetch"} 0.04',
    'barnabas_kafka_request_latency_seconds_count{request="Fetch"} 1',
  ]) {
    expect(text).toContain(line)
  }
  expect(text).toMatch(/totaltimems\{request="Fetch",quantile="0.99"\} 4[0-5]/)
  expect(text).toMatch(/localtimems\{request="Fetch",quantile="0.5"\} 1/)
  expect(text).toMatch(/requestqueuetimems\{request="Fetch",quantile="0.5"\} 2/)
  expect(text).toMatch(/remotetimems\{request="Fetch",quantile="0.5"\} 2[5-8]/)
  expect(text).toMatch(/responsequeuetimems\{request="Fetch",quantile="0.999"\} [89]/)
  expect(text).toMatch(/responsesendtimems\{request="Fetch",quantile="0.999"\} 4/)
  expect(text).not.toContain('NeverAsked')
})
