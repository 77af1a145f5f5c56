import type { ErrorName, Uuid } from '../../protocol/index.ts'
import type { ConfigResourceType } from '../metadata/image.ts'

/**
 * What a broker asks the active controller to do. Here it is called in the same process (or answers NOT_CONTROLLER);
 * between brokers the same interface goes over gRPC.
 *
 * Every method answers once the outcome is durable and visible in the controller's own image. Outcomes Kafka has a
 * word for are values, one result per item; the promises do not reject for them. When the controller cannot be
 * reached in time, or the store cannot, every item says so with a retriable error (NOT_CONTROLLER, REQUEST_TIMED_OUT).
 */
export interface ControllerClient {
  /** One result per different name, in the order of first mention. */
  createTopics(command: CreateTopics): Promise<readonly CreateTopicResult[]>
  /** One result per item, in order. */
  deleteTopics(command: DeleteTopics): Promise<readonly DeleteTopicResult[]>
  /** One result per different name, in the order of first mention. */
  createPartitions(command: CreatePartitions): Promise<readonly CreatePartitionsResult[]>
  /** Replaces all overrides of each resource. One result per different resource, in the order of first mention. */
  alterConfigs(command: AlterConfigs): Promise<readonly AlterConfigsResult[]>
  /** One result per different resource, in the order of first mention. */
  incrementalAlterConfigs(command: IncrementalAlterConfigs): Promise<readonly AlterConfigsResult[]>
  /** A block of producer ids that nobody else gets, ever. */
  allocateProducerIds(command: AllocateProducerIds): Promise<AllocateProducerIdsResult>
  /** A leader asks to change in-sync sets. One result per partition, in order. */
  alterPartition(command: AlterPartition): Promise<AlterPartitionResult>
  /** One result per partition; where all were asked for, only those that had not the wanted leader (KIP-460). */
  electLeaders(command: ElectLeaders): Promise<PartitionResults>
  /** A broker is about to stop: what it leads is led by others as far as they can, and it leaves in-sync sets. */
  prepareToStop(command: PrepareToStop): Promise<PrepareToStopResult>
  /** Whether the broker may be restarted now, and if not, why. Changes nothing. */
  canRestart(command: CanRestart): Promise<RestartResult>
  /** The same, and if it may, nobody else may until it is back, the grant is released, or its time is over. */
  requestRestart(command: RequestRestart): Promise<RestartResult>
  /** Gives the broker's grant back; it is no error when it has none. */
  releaseRestart(command: ReleaseRestart): Promise<Outcome>
  /** Starts, changes and cancels moves of replicas. One result per partition, in order (KIP-455). */
  reassignPartitions(command: ReassignPartitions): Promise<PartitionResults>
  /** All updates or none. */
  updateFeatures(command: UpdateFeatures): Promise<Outcome>
  unregisterBroker(command: UnregisterBroker): Promise<Outcome>
  /** A broker tells in which directories its replicas are. One result per replica, in order (KIP-858). */
  assignDirectories(command: AssignDirectories): Promise<AssignDirectoriesResult>
}

export interface Outcome {
  readonly error: ErrorName
  /** A sentence for people; null when there is no error. */
  readonly message: string | null
}

interface Timed {
  /** How long the caller waits for an answer; the work may go on after that. */
  readonly timeoutMs: number
  /** Who asks, as `User:name`; absent when it is the broker itself. */
  readonly principal?: string
}

export interface CreateTopics extends Timed {
  readonly topics: readonly NewTopic[]
  readonly validateOnly: boolean
}

export interface NewTopic {
  readonly name: string
  /** -1: the default, or as many as `assignments`. */
  readonly numPartitions: number
  /** -1: the default, or as in `assignments`. */
  readonly replicationFactor: number
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

export interface CreateTopicResult extends Outcome {
  readonly name: string
  /** Zero uuid when not created. */
  readonly topicId: Uuid
  /** -1 on error. */
  readonly numPartitions: number
  /** -1 on error. */
  readonly replicationFactor: number
  /** The overrides the topic has. */
  readonly configs: ReadonlyMap<string, string>
}

export interface DeleteTopics extends Timed {
  /** Each by name or by id (the other one null). */
  readonly topics: readonly { readonly name: string | null; readonly topicId: Uuid | null }[]
}

export interface DeleteTopicResult extends Outcome {
  /** As asked; both are filled in when the topic was deleted. */
  readonly name: string | null
  readonly topicId: Uuid | null
}

export interface CreatePartitions extends Timed {
  readonly topics: readonly MorePartitions[]
  readonly validateOnly: boolean
}

export interface MorePartitions {
  readonly name: string
  /** The new total. */
  readonly count: number
  /** One replica list per new partition, or null to let the controller place them. */
  readonly assignments: readonly (readonly number[])[] | null
}

export interface CreatePartitionsResult extends Outcome {
  readonly name: string
}

export interface AlterConfigs extends Timed {
  readonly resources: readonly {
    readonly type: ConfigResourceType
    readonly name: string
    readonly configs: readonly { readonly name: string; readonly value: string | null }[]
  }[]
  readonly validateOnly: boolean
}

export interface IncrementalAlterConfigs extends Timed {
  readonly resources: readonly {
    readonly type: ConfigResourceType
    readonly name: string
    readonly configs: readonly ConfigChange[]
  }[]
  readonly validateOnly: boolean
}

export interface ConfigChange {
  readonly name: string
  readonly operation: 'SET' | 'DELETE' | 'APPEND' | 'SUBTRACT'
  readonly value: string | null
}

export interface AlterConfigsResult extends Outcome {
  readonly type: ConfigResourceType
  readonly name: string
}

export interface AllocateProducerIds extends Timed {
  readonly brokerId: number
  readonly brokerEpoch: number
}

/** On error `firstProducerId` is -1 and `count` 0. */
export interface AllocateProducerIdsResult extends Outcome {
  readonly firstProducerId: number
  readonly count: number
}

export interface AlterPartition extends Timed {
  /** The leader that asks. */
  readonly brokerId: number
  readonly brokerEpoch: number
  readonly partitions: readonly NewInSyncSet[]
}

export interface NewInSyncSet {
  readonly topicId: Uuid
  readonly partitionIndex: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  /** `brokerEpoch` -1: the sender cannot tell (KIP-903). */
  readonly newIsr: readonly { readonly brokerId: number; readonly brokerEpoch: number }[]
  /** Still recovering from an unclean election (KIP-704). */
  readonly recovering: boolean
}

/** `error` not NONE: the sender itself was refused and `partitions` is empty. */
export interface AlterPartitionResult extends Outcome {
  readonly partitions: readonly AlterPartitionItem[]
}

/** The partition as it is now; the fields after `error` are the old ones only where the partition is known. */
export interface AlterPartitionItem extends Outcome {
  readonly topicId: Uuid
  readonly partitionIndex: number
  readonly leader: number
  readonly leaderEpoch: number
  readonly isr: readonly number[]
  readonly recovering: boolean
  readonly partitionEpoch: number
}

export interface ElectLeaders extends Timed {
  /** `preferred`: the first replica, if it is in sync. `unclean`: anyone alive where nobody leads. */
  readonly election: 'preferred' | 'unclean'
  /** null: all partitions that do not have such a leader. */
  readonly partitions: readonly PartitionName[] | null
}

export interface PartitionName {
  readonly topic: string
  readonly partition: number
}

/** `error` not NONE: nothing was done, and `partitions` is empty. */
export interface PartitionResults extends Outcome {
  readonly partitions: readonly PartitionResult[]
}

export interface PartitionResult extends Outcome, PartitionName {}

export interface PrepareToStop extends Timed {
  readonly brokerId: number
  readonly brokerEpoch: number
}

export interface PrepareToStopResult extends Outcome {
  /** Revision of the store that shows what was moved. */
  readonly revision: number
  /** Partitions that the broker still leads, because nobody else can. */
  readonly remaining: number
}

export interface CanRestart extends Timed {
  readonly brokerId: number
}

export interface RequestRestart extends CanRestart {
  /** How long the restart may take at most, the recovery of logs and of all replicas included. */
  readonly durationMs: number
  /** Who asks, and why, in words. */
  readonly holder: string
  readonly reason: string
}

export interface ReleaseRestart extends CanRestart {
  /** Only this grant; null: whichever the broker has. */
  readonly grantId: Uuid | null
}

/** `error` not NONE: there is no answer, and nothing was done. */
export interface RestartResult extends Outcome {
  /** It may be restarted; to a request: it has the grant. */
  readonly safe: boolean
  /** Why not; empty when it may. */
  readonly reasons: readonly RestartReason[]
  /** Partitions that take no acknowledged writes meanwhile, because they have no more replicas than they need in sync. */
  readonly tolerated: SomePartitions
  /** The grant that holds now, whoever's. */
  readonly grant: HeldGrant | null
}

export interface RestartReason {
  /** Other: one that a later release knows. */
  readonly kind:
    | 'UnderMinIsr'
    | 'GrantHeld'
    | 'BrokerStarting'
    | 'BrokerStopping'
    | 'BrokerCatchingUp'
    | 'UnknownBroker'
    | 'Other'
  /** A sentence for people. */
  readonly message: string
  readonly partitions: SomePartitions
}

/** `names`: the first of them, as topic-number. */
export interface SomePartitions {
  readonly count: number
  readonly names: readonly string[]
}

export interface HeldGrant {
  readonly id: Uuid
  readonly brokerId: number
  readonly holder: string
  readonly reason: string
  readonly expiresInMs: number
}

export interface ReassignPartitions extends Timed {
  readonly partitions: readonly Reassignment[]
  readonly allowsReplicationFactorChange: boolean
}

export interface Reassignment extends PartitionName {
  /** In order of preference; null cancels the running reassignment. */
  readonly replicas: readonly number[] | null
}

export interface UpdateFeatures extends Timed {
  readonly updates: readonly FeatureUpdate[]
  readonly validateOnly: boolean
}

export interface FeatureUpdate {
  readonly name: string
  /** 0: the feature is not in use any more. */
  readonly level: number
  readonly upgradeType: 'upgrade' | 'safe downgrade' | 'unsafe downgrade'
}

export interface UnregisterBroker extends Timed {
  readonly brokerId: number
}

export interface AssignDirectories extends Timed {
  readonly brokerId: number
  readonly brokerEpoch: number
  readonly assignments: readonly DirectoryAssignment[]
}

export interface DirectoryAssignment {
  readonly topicId: Uuid
  readonly partitionIndex: number
  readonly directory: Uuid
}

/** `error` not NONE: the sender itself was refused and `results` is empty. */
export interface AssignDirectoriesResult extends Outcome {
  readonly results: readonly Outcome[]
}
