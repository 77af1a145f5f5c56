/** All that there is of the Cluster `kafka`, without what differs from one life of it to another: ids, times, addresses. */
import { join } from 'node:path'
import type { OperatedCluster } from './operated-cluster.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

interface Item {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly finalizers?: readonly string[]
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[]
  }
  readonly spec?: Json
  readonly data?: Readonly<Record<string, string>>
  readonly status?: Json
}

const children =
  'statefulset,service,configmap,serviceaccount,persistentvolumeclaim,poddisruptionbudget,networkpolicy,pod'

const never = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'lastTransitionTime',
  'generation',
  'observedGeneration',
  'clusterIP',
  'clusterIPs',
  'nodePort',
  'healthCheckNodePort',
  'volumeName',
  'nodeName',
  // Where a pod runs is Kubernetes' business.
  'rack',
  'topicId',
])

/** Annotations that name uids or places, or come from others. */
const others = /^(barnabas\.dev\/(rendered|rack)|.*kubernetes\.io\/.*)$/

/** Of its node, on a pod. */
const placeLabels = /^topology\.kubernetes\.io\//

/** `brokers`: how many are asked. */
export async function endState(operated: OperatedCluster, brokers: number): Promise<unknown> {
  const { kubernetes, namespace } = operated
  const list = async (...what: readonly string[]): Promise<readonly Item[]> =>
    (await kubernetes.get<{ readonly items: readonly Item[] }>(['-n', namespace, ...what])).items
  const owned = await list(children, '-l', 'app.kubernetes.io/managed-by=barnabas-operator')
  const resources = await list('bnc,bnt')
  const program = join(import.meta.dirname, 'tell-kafka.ts')
  const told = await kubernetes.runInside([process.execPath, program, namespace, String(brokers)])
  if (told.exit !== 0) throw new Error(told.stderr)
  const all = [
    ...owned.map(item => [nameOf(item), plainItem({ ...item, status: readiness(item) })]),
    ...resources.map(item => [nameOf(item), plainItem(item)]),
  ] as [string, unknown][]
  return { objects: Object.fromEntries(all), kafka: JSON.parse(told.stdout) as unknown }
}

/** Names of all that is left when nothing should be. */
export async function whatIsLeft(operated: OperatedCluster): Promise<readonly string[]> {
  const kinds = children.replace('persistentvolumeclaim,', '')
  const selected = ['-l', 'app.kubernetes.io/managed-by=barnabas-operator']
  const names = await operated.kubectl('get', kinds, ...selected, '-o', 'name')
  const resources = await operated.kubectl('get', 'bnc,bnt', '-o', 'name')
  return `${names}\n${resources}`.split('\n').filter(line => line !== '')
}

function nameOf({ kind, metadata }: Item): string {
  return `${kind}/${metadata.name}`
}

function plainItem({ metadata, spec = null, data, status = null }: Item): Json {
  const { labels = {}, annotations = {}, finalizers = [], ownerReferences = [] } = metadata
  return {
    labels: Object.fromEntries(Object.entries(labels).filter(([name]) => !placeLabels.test(name))),
    annotations: Object.fromEntries(
      Object.entries(annotations)
        .filter(([name]) => !others.test(name))
        .map(([name, value]) => [name, name === 'barnabas.dev/claims' ? keysOf(value) : value]),
    ),
    finalizers,
    owners: ownerReferences.map(({ kind, name }) => `${kind}/${name}`),
    spec: plain(spec),
    data: racksAway(data),
    status: plain(status),
  }
}

/** Of what Kubernetes itself tells, only whether pods are ready counts. */
function readiness({ kind, status }: Item): Json {
  if (kind !== 'Pod') return null
  const { conditions = [] } = (status ?? {}) as { conditions?: readonly { type: string; status: string }[] }
  return conditions.find(({ type }) => type === 'Ready')?.status ?? 'Unknown'
}

function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map((each: Json) => plain(each))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !never.has(key))
      .map(([key, each]) => [key, plain(each)]),
  )
}

function racksAway(data: Item['data']): Json {
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([file, text]) => [
      file,
      text.replace(/^broker\.rack=.*$/m, 'broker.rack=?'),
    ]),
  )
}

function keysOf(text: string): string {
  return Object.keys(JSON.parse(text) as object).join()
}
