/** Every alert by promtool, Prometheus' own tool for that: it fires when it should, and not when it almost should. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { topicsAskedFor } from '../../packaging/alerts/broker-alerts.ts'
import { alertGroups } from '../../packaging/alerts/generated-files.ts'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { run } from '../targets/processes.ts'
import { alertCases } from './alert-cases.ts'
import { installDebianPackages } from './debian-packages.ts'

const directory = mkdtempSync(join(tmpdir(), 'promtool-'))
const asTheyStand = join(repositoryRoot, 'charts', 'barnabas', 'files', 'alerts.yaml')
/** With topics named, as the chart does. */
const rules = join(directory, 'rules.yaml')
writeFileSync(rules, readFileSync(asTheyStand, 'utf8').replaceAll(topicsAskedFor, 'topic=~"orders"'))
const alerts = alertGroups.flatMap(group => group.alerts)

beforeAll(() => installDebianPackages({ promtool: 'prometheus' }))
afterAll(() => rmSync(directory, { recursive: true }))

test('every alert has a case, and every case an alert', () => {
  expect(new Set(Object.keys(alertCases))).toEqual(new Set(alerts.map(({ name }) => name)))
})

test.each(alerts)('$name fires when it should and not otherwise', async ({ name, severity }) => {
  const { fires, quiet, at, labels } = alertCases[name] ?? expect.fail(`${name} has no case`)
  const fired = { labels: `${firing(name).slice(0, -1)},severity="${severity}",${labels}}`, value: 1 }
  await tell(name, rules, [
    { series: fires, at, expected: [fired] },
    { series: quiet, at, expected: [] },
  ])
})

test('while nobody has named topics, none is told to be without messages', async () => {
  const { fires, at } = alertCases['BarnabasNoMessages'] ?? expect.fail('It has no case.')
  await tell('BarnabasNoMessages', asTheyStand, [{ series: fires, at, expected: [] }])
})

const firing = (name: string): string => `ALERTS{alertname="${name}",alertstate="firing"}`

interface Course {
  readonly series: Readonly<Record<string, string>>
  readonly at: string
  readonly expected: readonly object[]
}

async function tell(name: string, rulesFile: string, courses: readonly Course[]): Promise<void> {
  const tests = courses.map(({ series, at, expected }) => ({
    interval: '1m',
    input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
    promql_expr_test: [{ expr: firing(name), eval_time: at, exp_samples: expected }],
  }))
  const file = join(directory, `${name}.yaml`)
  writeFileSync(file, stringify({ rule_files: [rulesFile], evaluation_interval: '1m', tests }))
  const { exit, stdout, stderr } = await run('promtool', ['test', 'rules', file])
  expect(exit, stdout + stderr).toBe(0)
}
