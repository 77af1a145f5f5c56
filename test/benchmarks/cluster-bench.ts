/** What the parts of the benchmark that need three brokers work with. */
import type { Target } from '../targets/broker.ts'
import type { JavaTools } from '../targets/java-tools.ts'
import { waitUntil } from '../targets/processes.ts'
import { apiKeys, createTopicsBody, createTopicsOutcome, deleteTopicsBody } from '../targets/wire.ts'
import { Cluster } from '../cluster/cluster.ts'
import { ask } from '../cluster/questions.ts'
import type { Figures } from './figures.ts'
import { memoryMiB } from './figures.ts'
import { firstWrites } from './leadership.ts'

export interface ClusterBench {
  readonly figures: Figures
  readonly targets: readonly Target[]
  readonly tools: JavaTools
  readonly rounds: number
  /**
   * Those that were measured. Their files stay until everything is: for minutes after many files were removed ext4 makes new
   * ones slowly (it steps over each freed inode), and whoever is measured next would pay for it.
   */
  readonly ended: Cluster[]
}

/** Three brokers and, of ours, one etcd, all on core 0. */
export function startCluster(target: Target): Promise<Cluster> {
  const settings = { 'log.segment.delete.delay.ms': '1000', 'min.insync.replicas': '2' }
  return Cluster.start({ target, network: null, core: 0, heap: '1G', built: true, settings })
}

export function pidsOf(cluster: Cluster): readonly number[] {
  const brokers = cluster.brokers.filter(({ isRunning }) => isRunning).map(({ pid }) => pid)
  return [...brokers, ...(cluster.etcd?.pids ?? [])]
}

/** Resident memory of all brokers together, and of etcd, in MiB. */
export function memoryOf(cluster: Cluster): { readonly brokers: number; readonly etcd: number } {
  const sum = (pids: readonly number[]): number => pids.reduce((total, pid) => total + memoryMiB(pid).rss, 0)
  const etcd = cluster.etcd?.pids ?? []
  return { brokers: sum(pidsOf(cluster)) - sum(etcd), etcd: sum(etcd) }
}

let topics = 0

/**
 * A new topic with three replicas for one run, deleted again after it. Every partition has taken a record before the run: a
 * leader of Kafka that does not know yet that it leads refuses the first batch of an idempotent producer and takes the
 * second, so that the first is out of sequence until its delivery times out after two minutes.
 */
export async function withReplicatedTopic<T>(
  cluster: Cluster,
  partitions: number,
  work: (topic: string) => Promise<T>,
): Promise<T> {
  const topic = `cluster-${++topics}`
  await cluster.createTopic(topic, partitions)
  try {
    await firstWrites(cluster, [topic], () => true, performance.now(), 1)
    return await work(topic)
  } finally {
    await onSomeBroker(cluster, apiKeys.deleteTopics, 3, deleteTopicsBody(topic))
  }
}

/** Creates topics of three replicas in one request; `lead` puts their leaders on one broker. */
export async function createReplicated(
  cluster: Cluster,
  names: readonly string[],
  partitions: number,
  lead?: number,
): Promise<void> {
  const others = cluster.brokers.map(({ id }) => id).filter(id => id !== lead)
  const replicas =
    lead === undefined
      ? 3
      : Array.from({ length: partitions }, (_, index) => [
          lead,
          ...(index % 2 === 0 ? others : others.toReversed()),
        ])
  let missing = names
  await waitUntil(
    () => `${missing.join(', ')} are created`,
    async () => {
      const body = createTopicsBody(missing, partitions, {}, replicas)
      const answer = await onSomeBroker(cluster, apiKeys.createTopics, 4, body)
      // What took too long the first time may be there the second time.
      const refused = createTopicsOutcome(answer).filter(
        ({ errorCode }) => errorCode !== 0 && errorCode !== 36,
      )
      const final = refused.find(({ errorCode }) => errorCode !== 7 && errorCode !== 41)
      if (final !== undefined) {
        throw new Error(`Creating ${final.topic} was refused with error code ${final.errorCode}.`)
      }
      missing = refused.map(({ topic }) => topic)
      return missing.length === 0 || undefined
    },
    { deadlineMs: 300_000 },
  )
}

/** The answer of the first broker that takes the request. */
function onSomeBroker(cluster: Cluster, key: number, version: number, body: Buffer): Promise<Buffer> {
  return waitUntil('a broker takes the request', async () => {
    const running = cluster.brokers.find(({ isRunning }) => isRunning)
    if (running === undefined) throw new Error('No broker runs.')
    return await ask(running.place, key, version, body, 120_000).catch(() => undefined)
  })
}
