/** 1,000 topics of 10 partitions with three replicas: created, one broker restarted, one killed; times and memory. */
import type { Target } from '../targets/broker.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type ClusterBench, createReplicated, memoryOf } from './cluster-bench.ts'
import { firstWrites } from './leadership.ts'

const partitions = 10
const topics = Array.from({ length: 1_000 }, (_, index) => `many-${index}`)
const topicsInOneRequest = 50
const section = 'Three brokers: 10,000 partitions of three replicas'

export async function benchmarkClusterTopics(
  bench: ClusterBench,
  target: Target,
  cluster: Cluster,
): Promise<void> {
  process.stderr.write(`10,000 partitions of three replicas, ${target} `)
  const add = (scenario: string, unit: string, sample: number): void =>
    bench.figures.add(target, { section, scenario, unit, better: 'lower' }, sample)
  const seconds = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now()
    await work()
    process.stderr.write('.')
    return (performance.now() - began) / 1_000
  }
  const addMemory = (when: string): void => {
    const { brokers, etcd } = memoryOf(cluster)
    add(`memory of all brokers ${when}`, 'MiB resident', brokers)
    if (etcd > 0) add(`memory of etcd ${when}`, 'MiB resident', etcd)
  }

  addMemory('before')
  const created: number[] = []
  for (let start = 0; start < topics.length; start += topicsInOneRequest) {
    const names = topics.slice(start, start + topicsInOneRequest)
    created.push(await seconds(() => createReplicated(cluster, names, partitions)))
  }
  add('create, 50 topics a request', 's', sum(created))
  // Flat cost of one more partition: the last requests take no longer than the first.
  add('create, the first 1,000 partitions', 's', sum(created.slice(0, 2)))
  add('create, the last 1,000 partitions', 's', sum(created.slice(-2)))
  add('produce to all, one record each', 's', await seconds(() => writeToAll(cluster, 1)))
  addMemory('with 10,000 partitions')

  add('one broker stops cleanly', 's', await seconds(() => cluster.broker(3).stop(300_000)))
  const restarted = await seconds(async () => {
    await cluster.broker(3).start()
    for (const topic of [topics[0], topics[499], topics[999]]) await cluster.inSync(topic ?? '', 300_000)
  })
  add('it starts and is in sync again', 's', restarted)

  const led = new Set<string>()
  for (const { topic, partition, leader } of (await cluster.view(topics)).partitions) {
    if (leader === 2) led.add(`${topic}-${partition}`)
  }
  const killed = performance.now()
  await cluster.broker(2).kill()
  const times = await firstWrites(
    cluster,
    topics,
    ({ topic, partition }) => led.has(`${topic}-${partition}`),
    killed,
    1,
  )
  add('kill -9 of one broker until all that it led take records', 's', Math.max(...times) / 1_000)
  add('it starts again after that', 's', await seconds(() => cluster.broker(2).start()))
  addMemory('at the end')
  process.stderr.write('\n')
}

async function writeToAll(cluster: Cluster, askFrom: number): Promise<void> {
  await firstWrites(cluster, topics, () => true, performance.now(), askFrom)
}

const sum = (samples: readonly number[]): number => samples.reduce((total, sample) => total + sample, 0)
