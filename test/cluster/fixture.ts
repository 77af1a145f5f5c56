/** A cluster with clients at work on it, for the scenarios of one test file. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { seededRandom } from '../../runtime/random.ts'
import { targetFromEnvironment } from '../targets/broker.ts'
import { describeVerdict } from './checker.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import type { ClusterBroker } from './cluster-broker.ts'
import type { Scene } from './faults.ts'
import { ClusterNetwork } from './network.ts'
import { type Outcome, Workload, type WorkloadOptions } from './workload.ts'

export const target = targetFromEnvironment()

export interface ClusterAtWork {
  readonly cluster: Cluster
  readonly workload: Workload
  readonly scene: Scene
}

/** Starts both before the file's tests and removes them after them. */
export function useClusterAtWork(
  options: Omit<ClusterOptions, 'target' | 'network'>,
  work: Partial<WorkloadOptions> = {},
): () => ClusterAtWork {
  let cluster: Cluster | undefined
  let workload: Workload | undefined
  let scene: Scene | undefined
  beforeAll(async () => {
    cluster = await Cluster.start({ ...options, target, network: await ClusterNetwork.create() })
    workload = await Workload.start(cluster, { topic: 'work', partitions: 4, ...work })
    scene = { cluster, topic: workload.topic, partitions: workload.partitions, random: seededRandom(1) }
  })
  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return
    for (const broker of cluster?.brokers ?? []) process.stderr.write(lastWords(broker))
  })
  afterAll(async () => {
    await workload?.dispose()
    await cluster?.dispose()
  })
  return () => {
    if (cluster === undefined || workload === undefined || scene === undefined) {
      throw new Error('The cluster is there only inside tests.')
    }
    return { cluster, workload, scene }
  }
}

function lastWords({ name, isRunning, isPaused, output }: ClusterBroker): string {
  const state = isPaused ? 'is paused' : isRunning ? 'runs' : 'does not run'
  return `\n${name} ${state}; it said last:\n${output.slice(-4_000)}\n`
}

/** Fails with every anomaly in words. */
export function expectNoAnomaly(outcome: Outcome): void {
  const words = [describeVerdict(outcome), ...outcome.differences].join('\n')
  expect(outcome.anomalies, words).toEqual([])
  expect(outcome.differences, words).toEqual([])
  expect(outcome.acknowledged).toBeGreaterThan(0)
}
