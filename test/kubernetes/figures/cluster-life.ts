/** From `kubectl apply` of a Cluster to Ready, and from `kubectl delete namespace` to nothing being left of it. */
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { numbered } from '../operated-cluster.ts'
import { durations, type Figure, seconds } from './figure.ts'
import { brokers, cluster, isBroker, topic } from './manifests.ts'
import { clusters, isTrue, type Stand, topics } from './stand.ts'

/** Applies a Cluster in a new namespace and waits until it is ready. */
export async function makeCluster(
  stand: Stand,
): Promise<{ readonly namespace: string; readonly tookMs: number; readonly pods: readonly string[] }> {
  const namespace = await stand.kubernetes.makeNamespace('figures')
  const tookMs = await stand.timed(
    'the Cluster is Ready',
    { kind: clusters, namespace, deadlineMs: 150_000 },
    () => stand.apply(namespace, [cluster()]),
    objects => [...objects.values()].some(object => isTrue(object, 'Ready')),
  )
  return { namespace, tookMs, pods: (await stand.pods(namespace)).map(startOf).sort() }
}

/** A name, and how long after it was made the pod was scheduled, its containers ran, and it was ready. */
function startOf({ metadata, status }: KubeObject): string {
  const { conditions = [], containerStatuses = [] } = (status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly lastTransitionTime: string }[]
    readonly containerStatuses?: readonly {
      readonly state?: { readonly running?: { readonly startedAt: string } }
    }[]
  }
  const since = (time: string | undefined): string =>
    time === undefined ? '?' : `${(Date.parse(time) - Date.parse(metadata.creationTimestamp ?? '')) / 1000} s`
  const conditionAt = (type: string): string | undefined =>
    conditions.find(each => each.type === type)?.lastTransitionTime
  const running = containerStatuses[0]?.state?.running?.startedAt
  return `${metadata.name}: runs after ${since(running)}, ready after ${since(conditionAt('Ready'))}`
}

/** One Cluster, from its making to the end of its namespace. */
export interface ClusterLife extends Deletion {
  readonly readyMs: number
  readonly hasRecords: boolean
  /** How each of its pods started, in words. */
  readonly pods: readonly string[]
}

export function readyFigure(lives: readonly ClusterLife[]): Figure {
  const allMs = lives.map(({ readyMs }) => readyMs)
  return {
    what: '`kubectl apply` of a Cluster of 3 brokers and 1 etcd, images present, to Ready',
    goal: '≤ 25 s',
    measured: durations(allMs),
    isReached: allMs.every(ms => ms <= 25_000),
    details: lives.map(({ readyMs, pods }) => `${seconds(readyMs)}: ${pods.join('; ')}`),
  }
}

const topicNames = ['kept', 'removed']

/** Topics with records on every broker: one whose topic stays when it is deleted, and one whose topic goes. */
export async function makeRecords(stand: Stand, namespace: string): Promise<void> {
  const spec = { partitions: 6, replicationFactor: brokers, minInsyncReplicas: 2 }
  const [kept = '', removed = ''] = topicNames
  await stand.timed(
    'the Topics are Ready',
    { kind: topics, namespace, deadlineMs: 60_000 },
    () => stand.apply(namespace, [topic(kept, spec), topic(removed, { ...spec, reclaimPolicy: 'Delete' })]),
    objects => topicNames.every(name => [...objects.values()].some(each => isReadyTopic(each, name))),
  )
  for (const name of topicNames) {
    const kcat = ['kcat', '-P', '-b', `kafka-bootstrap.${namespace}:9092`, '-t', name, '-X', 'acks=all']
    const { exit, stderr } = await stand.kubernetes.runInside(kcat, { input: numbered(0, 1000).join('\n') })
    if (exit !== 0) throw new Error(`Records for ${name} were not taken: ${stderr}`)
  }
}

function isReadyTopic(object: KubeObject, name: string): boolean {
  return object.metadata.name === name && isTrue(object, 'Ready')
}

export interface Deletion {
  readonly tookMs: number
  /** Until the last broker was gone. */
  readonly brokersMs: number
}

export async function deleteNamespace(stand: Stand, namespace: string): Promise<Deletion> {
  const beganMs = performance.now()
  const deleting = stand.kubernetes.kubectl(['delete', 'namespace', namespace, '--timeout=150s'])
  const ended = deleting.then(() => performance.now() - beganMs)
  ended.catch(() => {}) // awaited below
  const brokersMs = await stand.timed(
    'the brokers are gone',
    { kind: { apiVersion: 'v1', kind: 'Pod' }, namespace, deadlineMs: 150_000 },
    () => Promise.resolve(),
    objects => [...objects.keys()].every(name => !isBroker(name)),
  )
  return { tookMs: await ended, brokersMs }
}

export function deletionFigures(lives: readonly ClusterLife[]): readonly Figure[] {
  return [false, true].map(hasRecords => {
    const all = lives.filter(life => life.hasRecords === hasRecords)
    const what = hasRecords ? 'that has Topics with records' : 'that has no Topics'
    return {
      what: `\`kubectl delete namespace\` with a Cluster in it ${what}, to nothing being left`,
      goal: '≤ 20 s',
      measured: durations(all.map(({ tookMs }) => tookMs)),
      isReached: all.every(({ tookMs }) => tookMs <= 20_000),
      details: [
        `The last broker of one ${what} was gone after ${all.map(({ brokersMs }) => seconds(brokersMs)).join(', ')}. Kubernetes begins to empty a namespace after 5 s, and looks again every 5 s.`,
      ],
    }
  })
}
