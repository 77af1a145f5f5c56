import type { Uuid } from '../../protocol/index.ts'

/**
 * The immutable picture of the cluster that every broker holds. A new one comes with every revision of the store
 * (changes.ts makes it); parts that did not change are the same objects, so `===` tells what did.
 */
export interface MetadataImage {
  /** Revision of the store that this image shows; everything up to it is in. */
  readonly revision: number
  /** Empty only before the cluster was ever set up. */
  readonly clusterId: Uuid
  readonly controller: ControllerImage | null
  /** Brokers registered now (their lease lives), fenced ones too. */
  readonly brokers: ReadonlyMap<number, BrokerImage>
  /** What is remembered of every broker that ever registered. */
  readonly brokerStates: ReadonlyMap<number, BrokerStateImage>
  readonly topicsByName: ReadonlyMap<string, TopicImage>
  readonly topicsById: ReadonlyMap<Uuid, TopicImage>
  /** Overrides only, per resource; a resource without overrides is absent. */
  readonly configs: ReadonlyMap<ConfigResourceKey, ReadonlyMap<string, string>>
  readonly configRevisions: ReadonlyMap<ConfigResourceKey, number>
  readonly features: FeaturesImage
  readonly producerIds: ProducerIdsImage
  /** Which broker may restart now; null: none. */
  readonly restartGrant: RestartGrantImage | null
  /** Journal of operations that take more than one transaction. */
  readonly operations: ReadonlyMap<Uuid, OperationImage>
  /** Partition keys that are not, or not yet, part of a topic (an operation is under way), by topic id and index. */
  readonly detachedPartitions: ReadonlyMap<Uuid, ReadonlyMap<number, PartitionImage>>
}

/** `epoch`: create revision of the controller's key; it only grows. */
interface ControllerImage {
  readonly id: number
  readonly epoch: number
}

export interface BrokerImage {
  readonly id: number
  /** Create revision of the registration; it only grows. */
  readonly epoch: number
  /** New with every start of the broker's process. */
  readonly incarnationId: Uuid
  readonly listeners: readonly BrokerListener[]
  /** Where its control service answers; null when it has none. */
  readonly control: ControlAddress | null
  readonly rack: string | null
  readonly logDirectories: readonly Uuid[]
  /** The controller has not let this registration in yet: it leads nothing and clients are not sent to it. */
  readonly fenced: boolean
  /** Takes no new replicas. */
  readonly cordoned: boolean
  /** Asked to hand over what it leads, because it is about to stop: it is given nothing to lead any more. */
  readonly stopping: boolean
  /** The epoch that the broker's disks say it stopped cleanly from, or -1. */
  readonly previousEpoch: number
  /** Levels of features that the broker's release can work with. */
  readonly features: readonly FeatureRange[]
  /** min.insync.replicas as the broker was started with: in force where neither the topic nor the cluster has a value. */
  readonly minInsyncReplicas: number
}

/** Both ends are included. */
export interface FeatureRange {
  readonly name: string
  readonly min: number
  readonly max: number
}

export interface BrokerListener {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly securityProtocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
}

/** As other brokers and the operator reach it. */
export interface ControlAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

export interface BrokerStateImage {
  readonly id: number
  /** The last registration that the controller dealt with (leader epochs moved on), or -1. */
  readonly admittedEpoch: number
  /** The process that the last admitted registration was made by; null when there was none. */
  readonly incarnationId: Uuid | null
  /** The registration that was ended by a clean stop, or -1. */
  readonly cleanStopEpoch: number
  /** The registration in which the broker asked to stop, or -1. */
  readonly stoppingEpoch: number
  /** As of the last admitted registration. */
  readonly rack: string | null
  /** As of the last admitted registration. */
  readonly listeners: readonly BrokerListener[]
  /** Taken out of placement by order, whatever its registration says. */
  readonly cordoned: boolean
  readonly modRevision: number
}

export interface TopicImage {
  readonly id: Uuid
  readonly name: string
  /** Index = partition number. */
  readonly partitions: readonly PartitionImage[]
  readonly modRevision: number
}

export interface PartitionImage {
  /** Broker id, or -1 while there is none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly isr: readonly number[]
  /** In order of preference. While a reassignment runs: old and adding together. */
  readonly replicas: readonly number[]
  readonly adding: readonly number[]
  readonly removing: readonly number[]
  /** Eligible leader replicas (KIP-966). */
  readonly elr: readonly number[]
  /** Who led last while there is nobody in sync and nobody eligible, else -1. */
  readonly lastKnownLeader: number
  /** Log directory of each replica, in the order of `replicas`; empty while unknown. */
  readonly directories: readonly Uuid[]
  /** Elected uncleanly and not yet recovered (KIP-704). */
  readonly recovering: boolean
  /** Grows with every change of the partition. */
  readonly partitionEpoch: number
  /** The store's token for "unchanged since". */
  readonly modRevision: number
}

/** Kinds of resources that carry configuration; a broker's default is `broker` with name ''. */
export type ConfigResourceType = 'topic' | 'broker' | 'group' | 'client-metrics'

export interface ConfigResource {
  readonly type: ConfigResourceType
  readonly name: string
}

/** `<type>/<name>`; made by `configResourceKey` alone. */
export type ConfigResourceKey = string

export function configResourceKey(type: ConfigResourceType, name: string): ConfigResourceKey {
  return `${type}/${name}`
}

/** Finalized feature levels; `epoch` only grows. */
export interface FeaturesImage {
  readonly epoch: number
  readonly finalized: ReadonlyMap<string, number>
}

/** `next`: first producer id that no block holds yet. */
export interface ProducerIdsImage {
  readonly next: number
  readonly modRevision: number
}

/** One broker's permission to restart: nobody else gets one while it holds. */
export interface RestartGrantImage {
  readonly id: Uuid
  readonly brokerId: number
  /** The broker's process when it was granted: it has come back when another one is registered. Null: there was none. */
  readonly incarnationId: Uuid | null
  /** How long it holds, counted by each controller from when it first knew of the grant. */
  readonly durationMs: number
  /** Who asked, and why, in words. */
  readonly holder: string
  readonly reason: string
  /** Wall clock, for people. */
  readonly grantedAtMs: number
  readonly modRevision: number
}

/** The partition keys `from` (inclusive) to `to` (exclusive) of the topic are not, or no longer, part of it. */
export interface OperationImage {
  readonly kind: 'detachedPartitions'
  readonly id: Uuid
  readonly topicId: Uuid
  readonly from: number
  readonly to: number
  /** Why, in words, for whoever reads the store. */
  readonly reason: string
  readonly modRevision: number
}

const noOverrides: ReadonlyMap<string, string> = new Map()

/** The overrides of one resource; empty when it has none. */
export function configsOf(
  image: MetadataImage,
  type: ConfigResourceType,
  name: string,
): ReadonlyMap<string, string> {
  return image.configs.get(configResourceKey(type, name)) ?? noOverrides
}

/** Registered and let in by the controller. */
export function isAlive(image: MetadataImage, brokerId: number): boolean {
  return image.brokers.get(brokerId)?.fenced === false
}

/** Alive and here to stay: may be given something to lead, and may join in-sync sets. */
export function isActive(image: MetadataImage, brokerId: number): boolean {
  const broker = image.brokers.get(brokerId)
  return broker !== undefined && !broker.fenced && !broker.stopping
}
