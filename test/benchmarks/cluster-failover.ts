/** How long partitions wait for a leader: one that is killed, one that stops, one that is moved on request. */
import type { Target } from '../targets/broker.ts'
import { waitUntil } from '../targets/processes.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { alternateBetween } from './bench.ts'
import { type ClusterBench, createReplicated } from './cluster-bench.ts'
import { PatientWriter, firstWrites } from './leadership.ts'
import { median } from './figures.ts'

const partitions = 1_000
const section = 'Three brokers: 1,000 partitions led by one of them'
/** Partitions that are written to while their leader moves. */
const watched = [0, 250, 500, 750, 999]

let topics = 0

export async function benchmarkClusterFailover(
  bench: ClusterBench,
  clusters: ReadonlyMap<Target, Cluster>,
): Promise<void> {
  await alternateBetween(
    clusters,
    'leadership of 1,000 partitions',
    async (cluster, target) => {
      const add = (scenario: string, unit: string, sample: number): void =>
        bench.figures.add(target, { section, scenario, unit, better: 'lower' }, sample)
      const topic = `led-${++topics}`
      await createReplicated(cluster, [topic], partitions, 1)
      await cluster.inSync(topic)
      await firstWrites(cluster, [topic], () => true, performance.now(), 2)

      const killed = performance.now()
      await cluster.broker(1).kill()
      const times = await firstWrites(cluster, [topic], () => true, killed, 2)
      add(
        'kill -9 of the leader to the first acknowledged write, median partition',
        's',
        median(times) / 1_000,
      )
      add(
        'kill -9 of the leader to the first acknowledged write, last partition',
        's',
        Math.max(...times) / 1_000,
      )
      await cluster.broker(1).start()
      await cluster.inSync(topic, 120_000)

      add(
        'leaders moved back on request: longest wait of a writer',
        'ms',
        await whileWriting(cluster, topic, () => moveBack(bench, cluster, topic)),
      )
      add(
        'the leader stops cleanly: longest wait of a writer',
        'ms',
        await whileWriting(cluster, topic, async () => {
          await cluster.broker(1).stop(120_000)
        }),
      )
      await cluster.broker(1).start()
      await cluster.inSync(topic, 120_000)
    },
    Math.max(1, Math.floor(bench.rounds / 2)),
  )
}

/** The longest wait between two acknowledgements on any of the watched partitions while `work` goes on, in ms. */
async function whileWriting(cluster: Cluster, topic: string, work: () => Promise<void>): Promise<number> {
  const writers = watched.map(partition => new PatientWriter(cluster, topic, partition))
  const allGoOn = async (): Promise<void> => {
    const before = writers.map(({ acknowledged }) => acknowledged)
    await waitUntil(
      'all writers go on',
      () => writers.every(({ acknowledged }, index) => acknowledged > (before[index] ?? 0) + 5) || undefined,
    )
  }
  await allGoOn()
  await work()
  await allGoOn()
  return Math.max(...(await Promise.all(writers.map(writer => writer.stop()))))
}

/** Preferred leaders by Kafka's own tool, and waits until they lead. */
async function moveBack({ tools }: ClusterBench, cluster: Cluster, topic: string): Promise<void> {
  const args = ['--bootstrap-server', cluster.bootstrapServers, '--election-type', 'preferred']
  const result = await tools.run('kafka-leader-election', [...args, '--all-topic-partitions'])
  if (result.exit !== 0) throw new Error(`kafka-leader-election said: ${result.stdout} ${result.stderr}`)
  await waitUntil('broker 1 leads all again', async () => {
    const view = await cluster.view([topic])
    return view.partitions.every(({ leader }) => leader === 1) || undefined
  })
}
