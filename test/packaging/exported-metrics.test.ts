/** What panels and rules ask for is what our programs export, whether or not there is a cluster to look at. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { etcdMetrics } from '../../broker/metadata/etcd-metrics.ts'
import { EtcdStats } from '../../broker/metadata/etcd-stats.ts'
import { OperatorMetrics } from '../../operator/controllers/operator-metrics.ts'
import { alertGroups } from '../../packaging/alerts/generated-files.ts'
import { boards } from '../../packaging/dashboards/generated-files.ts'
import { metricsIn } from '../support/promql.ts'
import { RunningBroker } from '../support/running-broker.ts'

/** Exported by etcd itself, or made by Prometheus. */
const foreign = /^(etcd_|up$)/

const exported = new Set<string>()
let broker: RunningBroker

beforeAll(async () => {
  broker = await RunningBroker.start()
  const texts = [await broker.metric(), await new OperatorMetrics().registry.metrics()]
  for (const [, name = '', type] of texts.join('\n').matchAll(/^# TYPE (\S+) (\S+)$/gm)) note(name, type)
  // This broker keeps its metadata in a file.
  const store = { stats: new EtcdStats(), knownRevision: 0, toldRevision: undefined }
  for (const { name, type } of etcdMetrics(store)) note(name, type)
})

afterAll(() => broker.remove())

function note(name: string, type: string | undefined): void {
  exported.add(name)
  if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) exported.add(`${name}_${part}`)
  if (type === 'summary') for (const part of ['sum', 'count']) exported.add(`${name}_${part}`)
}

function unknown(expressions: readonly string[]): readonly string[] {
  const names = expressions.flatMap(expression =>
    metricsIn(expression.replaceAll('$__rate_interval', '5m')).filter(name => !foreign.test(name)),
  )
  return names.filter(name => !exported.has(name))
}

test('every metric of a panel is exported', () => {
  const panels = boards.flatMap(({ rows }) => rows.flatMap(row => row.panels))
  const expressions = panels.flatMap(({ queries }) => queries.map(({ expression }) => expression))
  expect(expressions.length).toBeGreaterThan(60)
  expect(unknown(expressions)).toEqual([])
})

test('every metric of a rule is exported', () => {
  const expressions = alertGroups.flatMap(({ alerts }) => alerts.map(({ expression }) => expression))
  expect(expressions.length).toBeGreaterThan(10)
  expect(unknown(expressions)).toEqual([])
})

test('a metric that nobody exports is found', () => {
  expect(unknown(['sum(rate(kafka_no_such_thing[$__rate_interval]))'])).toEqual(['kafka_no_such_thing'])
})
