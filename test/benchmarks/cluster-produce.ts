/** Writing to three replicas: acks=all, two of them in sync at least. Rate, CPU, and latency at half of Kafka's rate. */
import type { Target } from '../targets/broker.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { alternateBetween } from './bench.ts'
import { type ClusterBench, pidsOf, withReplicatedTopic } from './cluster-bench.ts'
import { Figures, addThroughput, measured, median } from './figures.ts'

interface Scenario {
  readonly recordSize: number
  readonly partitions: number
  /** So many that a run takes a few seconds on either side. */
  readonly records: number
}

const scenarios: readonly Scenario[] = [
  { recordSize: 100, partitions: 1, records: 400_000 },
  { recordSize: 100, partitions: 16, records: 400_000 },
  { recordSize: 1024, partitions: 1, records: 100_000 },
  { recordSize: 1024, partitions: 16, records: 100_000 },
]

const section = 'Three brokers: produce with acks=all to three replicas'
/** How long records are sent at half the rate. */
const latencySeconds = 8

export async function benchmarkClusterProduce(
  bench: ClusterBench,
  clusters: ReadonlyMap<Target, Cluster>,
): Promise<void> {
  process.stderr.write('(not counted) ')
  await produceAll({ ...bench, figures: new Figures(), rounds: 1 }, clusters, scenarios.slice(2))
  await produceAll(bench, clusters, scenarios)
}

async function produceAll(
  bench: ClusterBench,
  clusters: ReadonlyMap<Target, Cluster>,
  chosen: readonly Scenario[],
): Promise<void> {
  for (const { recordSize, partitions, records } of chosen) {
    const words = `${recordSize} B, ${partitions} partition${partitions === 1 ? '' : 's'}`
    const rates = new Map<Target, number[]>()
    await alternateBetween(
      clusters,
      `produce to three replicas, ${words}`,
      (cluster, target) =>
        withReplicatedTopic(cluster, partitions, async topic => {
          const warmup = Math.floor(records / 6)
          const { result, cost } = await measured(pidsOf(cluster), bench.tools.pid, () =>
            produce(bench, cluster, topic, { recordSize, records, warmup, throughput: -1 }),
          )
          rates.set(target, [...(rates.get(target) ?? []), result.recordsPerSecond])
          const megabytesPerSecond = (result.recordsPerSecond * recordSize) / 1e6
          const place = { section, scenario: words }
          addThroughput(bench.figures, target, place, megabytesPerSecond, (records * recordSize) / 1e6, cost)
        }),
      bench.rounds,
    )
    const half = Math.floor(median(rates.get('apache-kafka') ?? rates.get('barnabas') ?? []) / 2)
    await alternateBetween(
      clusters,
      `latency at ${half} records/s, ${words}`,
      (cluster, target) =>
        withReplicatedTopic(cluster, partitions, async topic => {
          const load = { recordSize, records: half * latencySeconds, warmup: half, throughput: half }
          const { p50, p99 } = await produce(bench, cluster, topic, load)
          const figure = { section, unit: 'ms', better: 'lower' } as const
          bench.figures.add(target, { ...figure, scenario: `${words}, p50 at half of Kafka's rate` }, p50)
          bench.figures.add(target, { ...figure, scenario: `${words}, p99 at half of Kafka's rate` }, p99)
        }),
      bench.rounds,
    )
  }
}

export interface Load {
  readonly recordSize: number
  readonly records: number
  readonly warmup: number
  /** Records a second; -1: as many as can be. */
  readonly throughput: number
}

export interface Produced {
  readonly recordsPerSecond: number
  readonly p50: number
  readonly p99: number
}

/** Kafka's ProducerPerformance, and what it says of the time after its warm-up. */
export async function produce(
  { tools }: ClusterBench,
  cluster: Cluster,
  topic: string,
  { recordSize, records, warmup, throughput }: Load,
): Promise<Produced> {
  const load = ['--bootstrap-server', cluster.bootstrapServers, '--topic', topic]
  load.push('--throughput', String(throughput), '--record-size', String(recordSize))
  load.push('--num-records', String(records), '--warmup-records', String(warmup))
  const result = await tools.run('kafka-producer-perf-test', [...load, '--command-property', 'acks=all'])
  const steady =
    /^\d+ steady state records sent, ([\d.]+) records\/sec.*?(\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th/m.exec(
      result.stdout,
    )
  if (steady === null) throw new Error(`ProducerPerformance said: ${result.stdout} ${result.stderr}`)
  const [recordsPerSecond = NaN, p50 = NaN, p99 = NaN] = steady.slice(1).map(Number)
  return { recordsPerSecond, p50, p99 }
}
