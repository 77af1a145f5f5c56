/** Three brokers each of Apache Kafka and of ours with one etcd: rates, leadership, many partitions. */
import type { Target } from '../targets/broker.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type ClusterBench, startCluster } from './cluster-bench.ts'
import { benchmarkClusterFailover } from './cluster-failover.ts'
import { benchmarkClusterIdle } from './cluster-idle.ts'
import { benchmarkClusterProduce } from './cluster-produce.ts'
import { benchmarkClusterTopics } from './cluster-topics.ts'
import type { ResultPart } from './report.ts'

export type { ClusterBench } from './cluster-bench.ts'

type Clusters = ReadonlyMap<Target, Cluster>

export const clusterParts: Record<string, (bench: ClusterBench) => Promise<void>> = {
  'cluster-produce': bench => sideBySide(bench, benchmarkClusterProduce),
  'cluster-failover': bench => sideBySide(bench, benchmarkClusterFailover),
  'cluster-idle': bench => oneAfterTheOther(bench, benchmarkClusterIdle),
  'cluster-topics': bench => oneAfterTheOther(bench, benchmarkClusterTopics),
}

/** Those that stand by themselves in the results, and under what. */
export const aloneInResults: ReadonlyMap<string, ResultPart> = new Map<string, ResultPart>([
  ['cluster-topics', 'three brokers, many partitions'],
  ['cluster-idle', 'three brokers, idle partitions'],
])

export async function benchmarkCluster(bench: ClusterBench, chosen: readonly string[]): Promise<void> {
  for (const [name, part] of Object.entries(clusterParts)) if (chosen.includes(name)) await part(bench)
}

/** Both clusters run, so that runs can alternate; the one that has nothing to do takes little of core 0. */
async function sideBySide(
  bench: ClusterBench,
  part: (bench: ClusterBench, clusters: Clusters) => Promise<void>,
): Promise<void> {
  const clusters = new Map<Target, Cluster>()
  try {
    for (const target of bench.targets) clusters.set(target, await startCluster(target))
    await part(bench, clusters)
  } finally {
    for (const cluster of clusters.values()) await end(bench, cluster)
  }
}

/** 30,000 replicas keep a core busy even when nobody writes. */
async function oneAfterTheOther(
  bench: ClusterBench,
  part: (bench: ClusterBench, target: Target, cluster: Cluster) => Promise<void>,
): Promise<void> {
  for (const target of bench.targets) {
    const cluster = await startCluster(target)
    try {
      await part(bench, target, cluster)
    } finally {
      await end(bench, cluster)
    }
  }
}

async function end(bench: ClusterBench, cluster: Cluster): Promise<void> {
  bench.ended.push(cluster)
  await cluster.end()
}
