/** Every query of every panel, and every rule, asked of a real Prometheus that scrapes a cluster under load. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { alertGroups } from '../../packaging/alerts/generated-files.ts'
import { boards } from '../../packaging/dashboards/generated-files.ts'
import { metricsIn } from '../support/promql.ts'
import { type RunningProcess, waitUntil } from '../targets/processes.ts'
import { type Chosen, answersOf, panelQueries, withChoice } from './dashboard-queries.ts'
import { useKubernetes } from './fixture.ts'
import { installChart, operatorNamespace, uninstallChart } from './operator-chart.ts'
import { Prometheus } from './prometheus.ts'

const fixture = useKubernetes('monitoring')
const cluster = 'kafka'
const loadSeconds = 240

/** Metrics that a cluster on a good day does not have. */
const mayBeAbsent: Readonly<Record<string, string>> = {
  barnabas_etcd_request_failures_total: 'comes with the first failure',
}

/** Rules that the load may begin to break. */
const deserved: Readonly<Record<string, string>> = {
  BarnabasConsumerLagGrows: 'one group has stopped',
  BarnabasDiskFillsUp: 'it writes all the time, and the disk may be a small one',
  BarnabasDiskAlmostFull: 'the disk is the one of this machine',
}

const topic = `{apiVersion: barnabas.dev/v1, kind: Topic, metadata: {name: orders},
  spec: {clusterRef: {name: ${cluster}}, partitions: 6}}`

let prometheus: Prometheus
let load: RunningProcess

beforeAll(async () => {
  const { kubernetes, namespace, image } = fixture
  await installChart(kubernetes, '4.1', image, {})
  await kubernetes.apply(manifest('{deletionProtection: false, etcd: {managed: {replicas: 1}}}'), [
    '-n',
    namespace,
  ])
  await clusterIsReady()
  await kubernetes.apply(topic, ['-n', namespace])
  await kubernetes.kubectl(['-n', namespace, 'wait', 'bnt/orders', '--for=condition=Ready', '--timeout=60s'])
  const script = join(import.meta.dirname, 'load.ts')
  const bootstrap = `${cluster}-bootstrap.${namespace}:9092`
  load = kubernetes.startInside([process.execPath, script, bootstrap, String(loadSeconds)])
  prometheus = await Prometheus.start(kubernetes, [namespace, operatorNamespace])
  await waitUntil(
    () => `the load runs; it said: ${load.output}`,
    () => load.output.includes('load runs') || undefined,
    { deadlineMs: 60_000 },
  )
})

afterAll(async () => {
  load?.kill('SIGKILL')
  await prometheus?.stop()
  for (const resource of ['bnt/orders', `bnc/${cluster}`]) {
    await fixture.kubernetes.kubectl(['-n', fixture.namespace, 'delete', resource, '--ignore-not-found'])
  }
  await uninstallChart(fixture.kubernetes, '4.1')
})

function manifest(spec: string): string {
  return `{apiVersion: barnabas.dev/v1, kind: Cluster, metadata: {name: ${cluster}}, spec: ${spec}}`
}

const chosen = (): Chosen => ({ namespace: fixture.namespace, cluster })

async function clusterIsReady(): Promise<void> {
  const ready = ['wait', `bnc/${cluster}`, '--for=condition=Ready', '--timeout=120s']
  await fixture.kubernetes.kubectl(['-n', fixture.namespace, ...ready])
}

test('every variable has values to choose from', async () => {
  for (const { name, metric, from } of boards.flatMap(board => board.variables)) {
    await waitUntil(`the variable ${name} has values`, async () => {
      const series = await prometheus.query(withChoice(metric, chosen()))
      return series.some(one => one.metric[from] !== undefined) || undefined
    })
  }
})

test('every query of every panel is answered with data, unless good days have none', async () => {
  const always = panelQueries.filter(({ panel }) => panel.mayBeEmpty === undefined)
  expect(always.length).toBeGreaterThan(60)
  await answersOf(prometheus, chosen())
})

test('every rule is evaluated, over metrics that are there', async () => {
  await waitUntil('rules were evaluated', async () => {
    const errors = await prometheus.ruleErrors()
    return Object.values(errors).every(error => !error.startsWith('unknown')) || undefined
  })
  expect(await prometheus.ruleErrors()).toEqual({})
  const metrics = new Set(
    alertGroups.flatMap(({ alerts }) => alerts.flatMap(({ expression }) => metricsIn(expression))),
  )
  const absent: string[] = []
  for (const metric of metrics) {
    if (mayBeAbsent[metric] === undefined && (await prometheus.query(metric)).length === 0)
      absent.push(metric)
  }
  expect(absent).toEqual([])
})

test('nothing else than what the load deserves is wrong with a cluster that does its work', async () => {
  const alerts = new Set((await prometheus.query('ALERTS')).map(({ metric }) => metric['alertname'] ?? ''))
  for (const name of Object.keys(deserved)) alerts.delete(name)
  expect([...alerts]).toEqual([])
})

test('a broker that is away shows in the rules, and no more when it is back', async () => {
  const { kubernetes, namespace } = fixture
  const scale = (replicas: number): Promise<string> =>
    kubernetes.kubectl(['-n', namespace, 'scale', `statefulset/${cluster}-brokers`, `--replicas=${replicas}`])
  const setState = (state: string): Promise<string> =>
    kubernetes.kubectl([
      '-n',
      namespace,
      'patch',
      'bnc',
      cluster,
      '--type=merge',
      '-p',
      `{"spec":{"state":"${state}"}}`,
    ])
  const rules = ['BarnabasUnderReplicatedPartitions', 'BarnabasBrokerFenced']
  const active = async (): Promise<string[]> => {
    const pending = await prometheus.query('ALERTS')
    return rules.filter(name => pending.some(({ metric }) => metric['alertname'] === name))
  }
  await setState('Paused') // or the operator would put it back at once
  await scale(2)
  await waitUntil('both rules apply', async () => (await active()).length === rules.length || undefined, {
    deadlineMs: 60_000,
    everyMs: 500,
  })
  await scale(3)
  await setState('Running')
  await clusterIsReady()
  await prometheus.discover()
  await waitUntil('neither applies any more', async () => (await active()).length === 0 || undefined, {
    deadlineMs: 90_000,
    everyMs: 500,
  })
})
