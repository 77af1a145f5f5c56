/** What partitions cost that nobody writes to: memory, CPU at rest, and what they take from a load beside them. */
import type { Target } from '../targets/broker.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { letPass } from '../cluster/let-pass.ts'
import {
  type ClusterBench,
  createReplicated,
  memoryOf,
  pidsOf,
  withReplicatedTopic,
} from './cluster-bench.ts'
import { produce } from './cluster-produce.ts'
import { addThroughput, measured } from './figures.ts'

const counts = [0, 1_000, 5_000]
const partitionsOfTopic = 10
const topicsInOneRequest = 50
const restSeconds = 10
const section =
  'Three brokers: idle partitions of three replicas beside a load (1 KB, 16 partitions, acks=all)'
const load = { recordSize: 1024, records: 200_000, warmup: 40_000, throughput: -1 }

export async function benchmarkClusterIdle(
  bench: ClusterBench,
  target: Target,
  cluster: Cluster,
): Promise<void> {
  process.stderr.write(`idle partitions, ${target} `)
  const run = () =>
    withReplicatedTopic(cluster, 16, async topic => {
      const work = (): ReturnType<typeof produce> => produce(bench, cluster, topic, load)
      const { result, cost } = await measured(pidsOf(cluster), bench.tools.pid, work)
      process.stderr.write('.')
      return { megabytesPerSecond: (result.recordsPerSecond * load.recordSize) / 1e6, cost }
    })
  // Not counted: everything hot is compiled.
  for (let round = 0; round < 2; round++) await run()
  let made = 0
  for (const count of counts) {
    for (; made < count; made += topicsInOneRequest * partitionsOfTopic) {
      const names = Array.from({ length: topicsInOneRequest }, (_, at) => `idle-${made}-${at}`)
      await createReplicated(cluster, names, partitionsOfTopic)
    }
    const scenario = `${count} idle partitions`
    for (let round = 0; round < bench.rounds; round++) {
      const { megabytesPerSecond, cost } = await run()
      const megabytes = (load.records * load.recordSize) / 1e6
      addThroughput(bench.figures, target, { section, scenario }, megabytesPerSecond, megabytes, cost)
    }
    const { cost } = await measured(pidsOf(cluster), bench.tools.pid, () => letPass(restSeconds * 1_000))
    const add = (unit: string, sample: number): void =>
      bench.figures.add(target, { section, scenario: `${scenario}, at rest`, unit, better: 'lower' }, sample)
    add('broker core %', (100 * cost.brokerCpu) / cost.seconds)
    const { brokers, etcd } = memoryOf(cluster)
    add('MiB resident, all brokers', brokers)
    if (etcd > 0) add('MiB resident, etcd', etcd)
  }
  process.stderr.write('\n')
}
