import { expect, test } from 'vitest'
import { idleMetrics } from '../../../broker/metrics/idle-metrics.ts'
import { figures } from '../../support/figures.ts'

const names = [
  'kafka_network_socketserver_networkprocessoravgidle_percent',
  'kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent',
]

test('idleness is told of the last one to two minutes, the same under both names and to everybody who asks', () => {
  let times = { idle: 1000, active: 500 }
  const metrics = idleMetrics(() => times)
  const idle = (): number => {
    const values = names.flatMap(name => [...figures(metrics, name).values()])
    expect(values).toHaveLength(2)
    expect(new Set(values).size).toBe(1)
    return values[0] ?? Number.NaN
  }
  const pass = (idleMs: number, activeMs: number): void => {
    times = { idle: times.idle + idleMs, active: times.active + activeMs }
  }
  expect(idle()).toBe(1)
  pass(30_000, 10_000)
  expect(idle()).toBe(0.75)
  expect(idle()).toBe(0.75)
  pass(0, 40_000)
  expect(idle()).toBe(30_000 / 80_000)
  pass(0, 60_000)
  expect(idle()).toBe(0)
  pass(40_000, 0)
  expect(idle()).toBe(0.4)
})
