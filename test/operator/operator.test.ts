/** The whole operator on an API server that is only a map: what it writes, and that it then writes no more. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Operator } from '../../operator/operator.ts'
import { readOperatorSettings } from '../../operator/operator-settings.ts'
import { customResourceDefinition, kinds } from '../../operator/resources/custom-resources.ts'
import type { KubeObject } from '../../operator/resources/kube-object.ts'
import { systemClock } from '../../runtime/clock.ts'
import { silentLogger } from '../../runtime/logger.ts'
import { seededRandom } from '../../runtime/random.ts'
import { FakeApiServer } from '../support/fake-api-server.ts'
import { until } from '../support/until.ts'

let fake: FakeApiServer
let operator: Operator | undefined

beforeEach(async () => {
  fake = await FakeApiServer.open()
  for (const kind of kinds) {
    const definition = customResourceDefinition(kind) as KubeObject
    fake.put(
      `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`,
      definition,
    )
  }
})

afterEach(async () => {
  await operator?.stop()
  await fake.close()
})

async function start(): Promise<void> {
  const environment = { BROKER_IMAGE: 'example/barnabas:1', ETCD_IMAGE: 'example/etcd:3', HTTP_PORT: '0' }
  const { settings, mistakes } = readOperatorSettings(environment, 'me')
  expect(mistakes).toEqual([])
  operator = await Operator.start({
    settings,
    access: fake.access,
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
  })
}

const clusterPath = '/apis/barnabas.dev/v1/namespaces/team/clusters/demo'
const topicPath = '/apis/barnabas.dev/v1/namespaces/team/topics/orders'
const aCluster = (spec: object, metadata: object = {}): KubeObject => ({
  apiVersion: 'barnabas.dev/v1',
  kind: 'Cluster',
  metadata: { name: 'demo', namespace: 'team', generation: 1, ...metadata },
  spec,
})
const readyReason = (path: string): string | undefined =>
  (
    fake.object(path)?.status as { conditions?: { type: string; reason: string }[] } | undefined
  )?.conditions?.find(({ type }) => type === 'Ready')?.reason
const writes = (): readonly string[] =>
  fake.requests
    .filter(({ method, url }) => method !== 'GET' && !url.includes('/leases'))
    .map(({ method, url }) => `${method} ${url.replace(/\?.*/, '')}`)

test('a Cluster becomes objects, and when they are there nothing is written any more', async () => {
  await start()
  fake.put(clusterPath, aCluster({}))
  const statefulSet = '/apis/apps/v1/namespaces/team/statefulsets/demo-brokers'
  await until(() => fake.object(statefulSet) !== undefined, 'the brokers are asked for')
  await until(() => readyReason(clusterPath) !== undefined, 'a status is written')
  expect(fake.object(statefulSet)?.metadata.ownerReferences).toMatchObject([
    { kind: 'Cluster', name: 'demo' },
  ])
  await writesNothingMore()
  const applied = writes().filter(line => line.includes('/statefulsets/'))
  expect(new Set(applied).size).toBe(applied.length)
  const metrics = await (await fetch(`http://127.0.0.1:${operator?.httpPort}/metrics`)).text()
  const ofCluster = 'cluster_namespace="team",cluster="demo"'
  expect(metrics).toContain(`barnabas_operator_brokers{${ofCluster},state="up_to_date"} 3\n`)
  expect(metrics).toContain(`barnabas_operator_broker_restarts_total{${ofCluster}} 0\n`)
})

/** Every event of a child is a reason to look again: ten looks in a row must not write. */
async function writesNothingMore(): Promise<void> {
  let quietFrom = await looks()
  let written = writes().length
  await until(
    async () => {
      if (writes().length !== written) {
        written = writes().length
        quietFrom = await looks()
      }
      fake.put(podPath, aChild)
      return (await looks()) >= quietFrom + 10
    },
    'it looks ten times without a write',
    30_000,
  )
}

test('beside older definitions a status says what they declare, once', async () => {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusters.barnabas.dev'
  const older = structuredClone(fake.object(path)) as unknown as Definition
  const [{ schema }] = older.spec.versions
  const { status } = schema.openAPIV3Schema.properties
  const { conditions } = status.properties
  const whole = new Set(Object.keys(status.properties))
  status.properties = { conditions }
  fake.put(path, older)
  await start()
  fake.put(clusterPath, aCluster({}))
  await until(() => readyReason(clusterPath) !== undefined, 'a status is written')
  expect(whole.size).toBeGreaterThan(5)
  expect(Object.keys(fake.object(clusterPath)?.status ?? {})).toEqual(['conditions'])
  await writesNothingMore()
})

interface Definition extends KubeObject {
  readonly spec: {
    readonly versions: [
      {
        readonly schema: {
          readonly openAPIV3Schema: {
            readonly properties: { readonly status: { properties: Readonly<Record<string, unknown>> } }
          }
        }
      },
    ]
  }
}

const podPath = '/api/v1/namespaces/team/pods/demo-other-0'
const aChild: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'demo-other-0',
    namespace: 'team',
    labels: { 'barnabas.dev/cluster': 'demo', 'app.kubernetes.io/managed-by': 'barnabas-operator' },
  },
}

/** How often it has reconciled Clusters. */
async function looks(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${operator?.httpPort}/metrics`)).text()
  const counts = [...text.matchAll(/^controller_runtime_reconcile_total\{controller="cluster".*\} (\d+)$/gm)]
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}

test('a spec that cannot be followed is told, and nothing is made of it', async () => {
  fake.put(clusterPath, aCluster({ config: { 'no.such.setting': '1' } }))
  await start()
  await until(() => readyReason(clusterPath) === 'InvalidSpec', 'it is told')
  expect(writes().filter(line => !line.includes('/clusters/') && !line.includes('/events'))).toEqual([])
})

test.each([
  [422, 'requests must be at most limits'],
  [500, 'failed to create typed patch object: .spec.nodeAfinity: field not declared in schema'],
])(
  'an object that the API server refuses with %i is told of its Cluster, until it takes it',
  async (status, message) => {
    fake.refuseNext(/^PATCH .*statefulsets\/demo-etcd/, { status, reason: 'Invalid', message })
    await start()
    fake.put(clusterPath, aCluster({}))
    await until(() => readyReason(clusterPath) === 'ObjectRefused', 'it is told')
    const told = JSON.stringify(fake.object(clusterPath)?.status)
    expect(told).toContain(`Kubernetes does not take StatefulSet demo-etcd: ${message}.`)
    await until(() => writes().includes('POST /api/v1/namespaces/team/events'), 'it is an event too')
    await until(() => readyReason(clusterPath) !== 'ObjectRefused', 'it is taken', 30_000)
  },
)

test('pods that Kubernetes refuses are told of their Cluster, once, until they are there', async () => {
  fake.refuseNext(/^GET .*\/events/, { status: 403, reason: 'Forbidden' })
  await start()
  fake.put(clusterPath, aCluster({}))
  const statefulSet = '/apis/apps/v1/namespaces/team/statefulsets/demo-etcd'
  await until(() => fake.object(statefulSet) !== undefined, 'etcd is asked for')
  const { name, uid } = fake.object(statefulSet)?.metadata ?? { name: '' }
  const event = (of: string | undefined, reason: string, message: string): KubeObject => {
    const time = new Date().toISOString()
    const about = {
      involvedObject: { kind: 'StatefulSet', name, uid: of },
      reason,
      message,
      lastTimestamp: time,
    }
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${of}.${reason}`, namespace: 'team' },
      ...about,
    }
  }
  const put = (object: KubeObject): unknown =>
    fake.put(`/api/v1/namespaces/team/events/${object.metadata.name}`, object)
  put(event('another', 'FailedCreate', 'it is not about this one'))
  put(event(uid, 'SuccessfulCreate', 'it is no refusal'))
  const failed = 'Create Pod demo-etcd-1 in StatefulSet demo-etcd failed error: '
  put(
    event(uid, 'FailedCreate', `${failed}pods "demo-etcd-1" is forbidden: exceeded quota: few, used: pods=9`),
  )
  await until(() => readyReason(clusterPath) === 'PodsRefused', 'it is told', 30_000)
  expect(JSON.stringify(fake.object(clusterPath)?.status)).toContain(
    '"Kubernetes does not take pods of StatefulSet demo-etcd: exceeded quota: few, used: pods=9."',
  )
  await writesNothingMore()
  for (const index of [0, 1, 2]) {
    const pod = `demo-etcd-${index}`
    fake.put(`/api/v1/namespaces/team/pods/${pod}`, {
      ...aChild,
      metadata: { ...aChild.metadata, name: pod },
    })
  }
  await until(() => readyReason(clusterPath) !== 'PodsRefused', 'it is forgotten', 30_000)
})

test('a Topic without a Cluster says so, and one that is deleted is let go', async () => {
  await start()
  const topic: KubeObject = {
    apiVersion: 'barnabas.dev/v1',
    kind: 'Topic',
    metadata: { name: 'orders', namespace: 'team', generation: 1 },
    spec: { clusterRef: { name: 'demo' }, reclaimPolicy: 'Delete' },
  }
  fake.put(topicPath, topic)
  await until(() => readyReason(topicPath) === 'ClusterNotFound', 'it is told')
  fake.put(topicPath, {
    ...topic,
    metadata: {
      ...topic.metadata,
      generation: 2,
      deletionTimestamp: '2026-01-01T00:00:00Z',
      finalizers: ['barnabas.dev/topic', 'of.others/x'],
    },
  })
  await until(() => fake.object(topicPath)?.metadata.finalizers?.length === 1, 'its finalizer is gone')
  expect(fake.object(topicPath)?.metadata.finalizers).toEqual(['of.others/x'])
})

test('when the namespace is deleted the name of the brokers goes, and Topics are let go; not when pods alone are', async () => {
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } }
  const namespacePath = '/api/v1/namespaces/team'
  const servicePath = `${namespacePath}/services/demo-brokers`
  const gone = { deletionTimestamp: '2026-01-01T00:00:00Z' }
  fake.put(namespacePath, namespace)
  fake.put(clusterPath, aCluster({}))
  fake.put(topicPath, {
    apiVersion: 'barnabas.dev/v1',
    kind: 'Topic',
    metadata: { name: 'orders', namespace: 'team', generation: 1, finalizers: ['barnabas.dev/topic'] },
    spec: { clusterRef: { name: 'demo' }, reclaimPolicy: 'Delete' },
  })
  await start()
  await until(() => fake.object(servicePath) !== undefined, 'the brokers have a name')
  const asked = (): number => fake.requests.filter(({ url }) => url === namespacePath).length
  expect(asked()).toBe(0)
  const pods = [0, 1, 2].map(id => `${namespacePath}/pods/demo-brokers-${id}`)
  for (const path of pods) {
    const name = path.replace(/.*\//, '')
    fake.put(path, { ...aChild, metadata: { ...aChild.metadata, name, ...gone } })
  }
  await until(() => asked() >= 3, 'it looks at the namespace, again and again')
  expect(writes().filter(line => line.startsWith('DELETE'))).toEqual([])
  expect(fake.object(topicPath)?.metadata.finalizers).toEqual(['barnabas.dev/topic'])
  fake.put(namespacePath, { ...namespace, metadata: { ...namespace.metadata, ...gone } })
  await until(() => fake.object(servicePath) === undefined, 'the name is gone')
  await until(() => fake.object(topicPath)?.metadata.finalizers?.length === 0, 'the Topic is let go')
  expect(writes().filter(line => line.startsWith('DELETE'))).toEqual([`DELETE ${servicePath}`])
})

test('an API server that is not ready at the start is asked again', async () => {
  for (const status of [503, 429]) {
    fake.refuseNext(/customresourcedefinitions\/clusters/, { status, reason: 'NotReady' })
  }
  await start()
  fake.put(clusterPath, aCluster({ config: { 'no.such.setting': '1' } }))
  await until(() => readyReason(clusterPath) === 'InvalidSpec', 'it works')
})

test('without its definitions it does not start', async () => {
  fake.remove('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/topics.barnabas.dev')
  await expect(start()).rejects.toThrow(/There is no CustomResourceDefinition topics\.barnabas\.dev/)
})
