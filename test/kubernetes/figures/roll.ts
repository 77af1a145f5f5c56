/** A roll of all brokers by their settings, under a load that is judged at its end. */
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { CheckedLoad, heavyBytes } from '../checked-load.ts'
import { type Figure, seconds } from './figure.ts'
import { brokers, cluster, isBroker, topic } from './manifests.ts'
import { clusters, isTrue, type Stand, topics } from './stand.ts'

const partitions = 6
const minInsyncReplicas = 2
/** Offered: clients do not make up for what they did not send while a leader moved. What is acknowledged is measured. */
const bytesPerSecond = 6_500_000
const leastMegabytesPerSecond = 5
/** Brokers read it once, when they start. */
const restarting = { 'queued.max.requests': '600' }

export async function rollUnderLoad(stand: Stand, namespace: string): Promise<Figure> {
  await stand.timed(
    'the Topic is Ready',
    { kind: topics, namespace, deadlineMs: 60_000 },
    () =>
      stand.apply(namespace, [
        topic('rolled', { partitions, replicationFactor: brokers, minInsyncReplicas }),
      ]),
    objects => [...objects.values()].some(object => isTrue(object, 'Ready')),
  )
  const before = await brokerUids(stand, namespace)
  const { kubernetes } = stand
  const load = await CheckedLoad.start(
    { kubernetes, bootstrap: `kafka-bootstrap.${namespace}:9092` },
    { topic: 'rolled', partitions, bytesPerSecond },
  )
  try {
    const acknowledgedBefore = load.acknowledgedSoFar
    const tookMs = await stand.timed(
      'all brokers are rolled',
      { kind: clusters, namespace, deadlineMs: 240_000 },
      () => stand.apply(namespace, [cluster(restarting)]),
      objects => [...objects.values()].some(isRolled),
    )
    const rate = ((load.acknowledgedSoFar - acknowledgedBefore) * heavyBytes) / 1000 / tookMs
    const after = await brokerUids(stand, namespace)
    const kept = after.filter(uid => before.includes(uid))
    if (kept.length > 0 || after.length !== brokers)
      throw new Error('The Cluster is up to date, but not all pods are new.')
    await load.advances()
    const outcome = await load.finish()
    const inSync = [...outcome.fewestInSync.values()]
    const fewest = Math.min(...inSync.map(({ count }) => count))
    const isWhole =
      outcome.anomalies.length + outcome.failures.length + outcome.failed + outcome.unknown === 0
    return {
      what: 'Roll of 3 brokers under acks=all load: failed sends, and fewest in-sync replicas of 3 (minimum 2)',
      goal: '5 MB/s, none failed, never under 2',
      measured: `${rate.toFixed(1)} MB/s, ${outcome.failed + outcome.unknown} of ${outcome.acknowledged} sends failed, never under ${fewest}`,
      isReached:
        isWhole &&
        fewest >= minInsyncReplicas &&
        outcome.leaderless.size === 0 &&
        rate >= leastMegabytesPerSecond,
      details: [
        `The roll took ${seconds(tookMs)}, from kubectl apply to Ready; every acknowledged record was read, in order: ${isWhole ? 'yes' : 'no'}.`,
        ...inSync.flatMap(({ count, told }) => (count < minInsyncReplicas ? [told] : [])),
        ...outcome.failures.slice(0, 5),
      ],
    }
  } finally {
    await load.dispose()
  }
}

function isRolled(object: KubeObject): boolean {
  const { config } = object.spec as { readonly config?: Readonly<Record<string, string>> }
  const isNew = config?.['queued.max.requests'] === restarting['queued.max.requests']
  return isNew && isTrue(object, 'UpToDate') && isTrue(object, 'Ready')
}

async function brokerUids(stand: Stand, namespace: string): Promise<readonly string[]> {
  const pods = await stand.pods(namespace)
  return pods.flatMap(({ metadata }) => (isBroker(metadata.name) ? [metadata.uid ?? ''] : []))
}
