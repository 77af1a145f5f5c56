/** Every alert by promtool, Prometheus' own tool for that: it fires when it should, and not when it almost should. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { alertGroups } from '../../packaging/alerts/generated-files.ts'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { run } from '../targets/processes.ts'
import { alertCases } from './alert-cases.ts'
import { installDebianPackages } from './debian-packages.ts'

const directory = mkdtempSync(join(tmpdir(), 'promtool-'))
const rules = join(repositoryRoot, 'charts', 'barnabas', 'files', 'alerts.yaml')
const alerts = alertGroups.flatMap(group => group.alerts)

beforeAll(() => installDebianPackages({ promtool: 'prometheus' }))
afterAll(() => rmSync(directory, { recursive: true }))

test('every alert has a case, and every case an alert', () => {
  expect(new Set(Object.keys(alertCases))).toEqual(new Set(alerts.map(({ name }) => name)))
})

test.each(alerts)('$name fires when it should and not otherwise', async ({ name, severity }) => {
  const { fires, quiet, at, labels } = alertCases[name] ?? expect.fail(`${name} has no case`)
  const firing = `ALERTS{alertname="${name}",alertstate="firing"}`
  const tests = [
    {
      series: fires,
      expected: [{ labels: `${firing.slice(0, -1)},severity="${severity}",${labels}}`, value: 1 }],
    },
    { series: quiet, expected: [] },
  ].map(({ series, expected }) => ({
    interval: '1m',
    input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
    promql_expr_test: [{ expr: firing, eval_time: at, exp_samples: expected }],
  }))
  const file = join(directory, `${name}.yaml`)
  writeFileSync(file, stringify({ rule_files: [rules], evaluation_interval: '1m', tests }))
  const { exit, stdout, stderr } = await run('promtool', ['test', 'rules', file])
  expect(exit, stdout + stderr).toBe(0)
})
