/** What is seen of a Cluster before anything is decided: plain values. */
import type { DescribedBroker, MoveInProgress, TopicPartitions } from '../../client/index.ts'
import type { KubeObject } from '../resources/kube-object.ts'

export interface ObservedCluster {
  /** The Cluster as the API server has it. */
  readonly object: KubeObject
  /** Every object that carries its label, pods and claims too. */
  readonly children: readonly KubeObject[]
  readonly nodes: ReadonlyMap<string, ObservedNode>
  readonly kafka: ObservedKafka
  /** Of brokers that run and answer, also while they start. */
  readonly statuses: ReadonlyMap<number, ToldStatus>
  readonly etcd: ObservedEtcd
  /** The restart that was granted to us and not given back yet. */
  readonly heldGrant: number | undefined
  /** What the last request for a restart was refused with. */
  readonly refusal: { readonly broker: number; readonly reasons: readonly string[] } | undefined
  /** Which object Kubernetes did not take when it was applied for this spec, and why, in a sentence. */
  readonly notTaken: string | undefined
  /** Name of a StatefulSet → why Kubernetes takes no pods of it, in a sentence; only while pods are missing. */
  readonly refusedPods: ReadonlyMap<string, string>
  readonly nowMs: number
}

/** What a broker says of itself. */
export interface ToldStatus {
  /** It reads its logs again after an unclean stop. */
  readonly isRecovering: boolean
  /** None before they are opened. */
  readonly logDirectories: readonly {
    readonly path: string
    /** Why it is offline; empty while it works. */
    readonly failure: string
    /** No new records are taken. */
    readonly isFull: boolean
    /** -1 when not known, as the next one. */
    readonly totalBytes: number
    readonly usableBytes: number
  }[]
}

export interface ObservedNode {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** External before internal. */
  readonly addresses: readonly string[]
}

export type ObservedKafka = { readonly kind: 'unreachable'; readonly reason: string } | ReachedKafka

export interface ReachedKafka {
  readonly kind: 'reached'
  readonly clusterId: string
  readonly controllerId: number
  readonly brokers: readonly DescribedBroker[]
  /** Of every topic, internal ones too. */
  readonly topics: readonly TopicPartitions[]
  readonly moves: readonly MoveInProgress[]
  /** Set for all brokers while they run. */
  readonly dynamicSettings: ReadonlyMap<string, string>
  /** Topics, of those whose moves we held to a speed, that still are. */
  readonly throttled: ReadonlySet<string>
  /** Brokers that take no new replicas. */
  readonly cordoned: ReadonlySet<number>
  /** What each broker was started with, where listeners outside Kubernetes make that matter. */
  readonly advertised: ReadonlyMap<number, string>
}

export type ObservedEtcd =
  /** Not ours to look after, or not there yet. */
  | { readonly kind: 'unseen' }
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'reached'; readonly members: readonly EtcdMember[] }

export interface EtcdMember {
  readonly id: string
  /** Empty until it has joined. */
  readonly name: string
  readonly peerUrls: readonly string[]
  /** It follows the others and has no vote. */
  readonly isLearner: boolean
}

/** A broker that reads its logs again is not ready, and not stuck either. */
export function isRecovering({ statuses }: ObservedCluster, broker: number): boolean {
  return statuses.get(broker)?.isRecovering === true
}

/** "topic-partition" of every partition that lacks an in-sync replica, or is being moved; at most `most`. */
export function partitionsOutOfSync(kafka: ReachedKafka, most: number): readonly string[] {
  const found: string[] = []
  for (const { topic, partition } of kafka.moves) found.push(`${topic}-${partition}`)
  for (const { name, partitions } of kafka.topics) {
    for (const { index, replicas, inSync } of partitions) {
      if (found.length >= most) return found.slice(0, most)
      if (inSync.length < replicas.length && !found.includes(`${name}-${index}`))
        found.push(`${name}-${index}`)
    }
  }
  return found.slice(0, most)
}

export function partitionsWithoutLeader(kafka: ReachedKafka): number {
  return kafka.topics.reduce(
    (count, { partitions }) => count + partitions.filter(({ leader }) => leader < 0).length,
    0,
  )
}

/** Replicas that each broker has. */
export function replicasByBroker(kafka: Pick<ReachedKafka, 'topics'>): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { partitions } of kafka.topics) {
    for (const { replicas } of partitions) {
      for (const id of replicas) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
  }
  return counts
}
