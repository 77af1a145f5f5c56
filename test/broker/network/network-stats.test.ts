import { expect, test } from 'vitest'
import { NetworkStats, networkMetrics } from '../../../broker/network/network-stats.ts'
import { figures, total } from '../../support/figures.ts'

test('connections, bytes and memory are shown per listener and reason', () => {
  const inside = new NetworkStats('INSIDE')
  const outside = new NetworkStats('OUTSIDE')
  inside.open = 3
  inside.requestsInWork = 2
  outside.requestsInWork = 5
  outside.countClose('idle')
  outside.countClose('idle')
  outside.countRefusal('address')
  const metrics = networkMetrics(() => [inside, outside], {
    budget: { used: 100, waiting: 1, evictions: 2 },
    pool: { takenBytes: 10, retainedBytes: 20 },
  })
  expect(figures(metrics, 'kafka_server_socket_server_metrics_connection_count')).toEqual(
    new Map([
      ['listener=INSIDE', 3],
      ['listener=OUTSIDE', 0],
    ]),
  )
  expect(figures(metrics, 'barnabas_network_connections_closed_total')).toEqual(
    new Map([['listener=OUTSIDE,reason=idle', 2]]),
  )
  expect(figures(metrics, 'barnabas_network_connections_refused_total')).toEqual(
    new Map([['listener=OUTSIDE,limit=address', 1]]),
  )
  expect(total(metrics, 'kafka_network_requestchannel_requestqueuesize')).toBe(7)
  expect(total(metrics, 'barnabas_network_pool_bytes')).toBe(30)
})

test('every metric has a name of its own and a sentence', () => {
  const metrics = networkMetrics(() => [], {
    budget: { used: 0, waiting: 0, evictions: 0 },
    pool: { takenBytes: 0, retainedBytes: 0 },
  })
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length)
  for (const { help } of metrics) expect(help).toMatch(/^[A-Z].*\.$/)
})
