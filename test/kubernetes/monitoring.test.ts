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
  spec: {clusterRef: {name: ${cluster}}, partitions: 6, minInsyncReplicas: 2}}`

/** Nobody writes to it, and of its partitions some have their only replica on a broker that goes. */
const alone = `{apiVersion: barnabas.dev/v1, kind: Topic, metadata: {name: alone},
  spec: {clusterRef: {name: ${cluster}}, partitions: 6, replicationFactor: 1}}`

const secondOwner = `{apiVersion: barnabas.dev/v1, kind: Topic, metadata: {name: second-owner},
  spec: {clusterRef: {name: ${cluster}}, topicName: orders}}`

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
  prometheus = await Prometheus.start(kubernetes, [namespace, operatorNamespace], {
    'prometheusRule.noMessages': { topics: 'alone' },
  })
  await waitUntil(
    () => `the load runs; it said: ${load.output}`,
    () => load.output.includes('load runs') || undefined,
    { deadlineMs: 60_000 },
  )
})

afterAll(async () => {
  load?.kill('SIGKILL')
  await prometheus?.stop()
  for (const resource of ['bnt/orders', 'bnt/alone', `bnc/${cluster}`]) {
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

test('what only waits for people is not told as not ready', async () => {
  const notReady = 'ALERTS{alertname="BarnabasResourcesNotReady"}'
  await patchCluster({
    rollout: { mode: 'Approve' },
    brokers: { template: { annotations: { note: 'new' } } },
  })
  await waitUntil(
    'the Cluster is held back, and nobody is told',
    async () =>
      ((await valueOf('barnabas_operator_resources{kind="Cluster",ready="held"}')) === 1 &&
        (await valueOf('sum(barnabas_operator_pending_restarts)')) === 0 &&
        (await prometheus.query(notReady)).length === 0) ||
      undefined,
    { deadlineMs: 60_000, everyMs: 500 },
  )
  await patchCluster({ rollout: null, brokers: null })
  await waitUntil(
    'it is ready again',
    async () =>
      (await valueOf('barnabas_operator_resources{kind="Cluster",ready="true"}')) === 1 || undefined,
    { deadlineMs: 60_000, everyMs: 500 },
  )
})

const wrong = [
  'BarnabasUnderReplicatedPartitions',
  'BarnabasUnderMinimumInSyncReplicas',
  'BarnabasOfflinePartitions',
  'BarnabasBrokerFenced',
  'BarnabasBrokerNotScraped',
  'BarnabasNoMessages',
  'BarnabasOperatorAway',
]

test('brokers and an operator that are away are told, each by its alert, and no more when they are back', async () => {
  const deployment = 'deployment/barnabas'
  const brokers = `statefulset/${cluster}-brokers`
  for (const more of [alone, secondOwner]) await fixture.kubernetes.apply(more, ['-n', fixture.namespace])
  await allFire(['BarnabasResourcesNotReady', 'BarnabasNoMessages'])
  await kubectl('delete', 'bnt/second-owner')
  await noneFires(['BarnabasResourcesNotReady'])

  // Or it would put the brokers back at once.
  await kubectl('-n', operatorNamespace, 'scale', deployment, '--replicas=0')
  const operators = ['pod', '-l', 'app.kubernetes.io/name=barnabas-operator']
  await kubectl('-n', operatorNamespace, 'wait', ...operators, '--for=delete', '--timeout=60s')
  await prometheus.discover()
  // Told to stop with more time they would ask for a grant, which the second of them does not get.
  const pods = [1, 2].map(id => `pod/${cluster}-brokers-${id}`)
  await kubectl('delete', ...pods, '--now', '--wait=false')
  await kubectl('scale', brokers, '--replicas=1')
  await allFire(wrong)
  await kubectl('scale', brokers, '--replicas=3')
  await kubectl('-n', operatorNamespace, 'scale', deployment, '--replicas=1')
  await noneFires(wrong.filter(name => name !== 'BarnabasNoMessages'))
}, 300_000)

async function allFire(alerts: readonly string[]): Promise<void> {
  let firing: readonly string[] = []
  await waitUntil(
    () => `all of ${alerts.join()} fire; so far ${firing.join()}`,
    async () => (firing = await firingOf(alerts)).length === alerts.length || undefined,
    { deadlineMs: 60_000, everyMs: 500 },
  )
}

async function noneFires(alerts: readonly string[]): Promise<void> {
  let firing: readonly string[] = []
  await waitUntil(
    () => `none of ${alerts.join()} fires any more; still ${firing.join()}`,
    async () => {
      await prometheus.discover()
      firing = await firingOf(alerts)
      return firing.length === 0 || undefined
    },
    { deadlineMs: 90_000, everyMs: 1_000 },
  )
}

async function firingOf(alerts: readonly string[]): Promise<readonly string[]> {
  const firing = await prometheus.query('ALERTS{alertstate="firing"}')
  return alerts.filter(name => firing.some(({ metric }) => metric['alertname'] === name))
}

async function valueOf(expression: string): Promise<number | undefined> {
  const [sample] = await prometheus.query(expression)
  return sample === undefined ? undefined : Number(sample.value[1])
}

/** In the namespace of the cluster, unless another is named. */
function kubectl(...args: readonly string[]): Promise<string> {
  return fixture.kubernetes.kubectl(args[0] === '-n' ? args : ['-n', fixture.namespace, ...args])
}

async function patchCluster(spec: object): Promise<void> {
  await kubectl('patch', 'bnc', cluster, '--type=merge', '-p', JSON.stringify({ spec }))
}
