import type { PartitionName } from '../controller/controller-client.ts'
import type { CommandName, CommandOf, ResultOf } from '../controller/controller-commands.ts'
import { messageOf } from './proto-codec.ts'
import {
  bool,
  error,
  field,
  int32,
  int64,
  oneOf,
  optional,
  type ProtoField,
  protoMessage,
  repeated,
  shaped,
  text,
  textMap,
  uuid,
  type ProtoType,
  word,
} from './proto-fields.ts'

/** How the commands of the controller and their results travel. Who asks and for how long is told beside them. */

// ---- what several have ----

const outcome = { error: field(1, error), message: optional(2, text) } as const

const plainOutcome = protoMessage('Outcome', outcome)

const configValue = messageOf(protoMessage('ConfigValue', { name: field(1, text), value: optional(2, text) }))

const configType = word('topic', 'broker', 'group', 'client-metrics')

const alterConfigsResults = protoMessage('AlterConfigsResults', {
  results: repeated(
    1,
    messageOf(
      protoMessage('AlterConfigsResult', { ...outcome, type: field(3, configType), name: field(4, text) }),
    ),
  ),
})

const replicaList = messageOf(protoMessage('ReplicaList', { brokerIds: repeated(1, int32) }))
const replicaLists = messageOf(protoMessage('ReplicaLists', { lists: repeated(1, replicaList) }))

// ---- topics ----

const createTopics = protoMessage('CreateTopics', {
  topics: repeated(
    1,
    messageOf(
      protoMessage('NewTopic', {
        name: field(1, text),
        numPartitions: field(2, int32),
        replicationFactor: field(3, int32),
        assignments: repeated(
          4,
          messageOf(
            protoMessage('Assignment', { partitionIndex: field(1, int32), brokerIds: repeated(2, int32) }),
          ),
        ),
        configs: repeated(5, configValue),
      }),
    ),
  ),
  validateOnly: field(2, bool),
})

const createTopicsResults = protoMessage('CreateTopicsResults', {
  results: repeated(
    1,
    messageOf(
      protoMessage('CreateTopicsResult', {
        ...outcome,
        name: field(3, text),
        topicId: field(4, uuid),
        numPartitions: field(5, int32),
        replicationFactor: field(6, int32),
        configs: textMap(7),
      }),
    ),
  ),
})

const deleteTopics = protoMessage('DeleteTopics', {
  topics: repeated(
    1,
    messageOf(protoMessage('TopicToDelete', { name: optional(1, text), topicId: optional(2, uuid) })),
  ),
})

const deleteTopicsResults = protoMessage('DeleteTopicsResults', {
  results: repeated(
    1,
    messageOf(
      protoMessage('DeleteTopicsResult', {
        ...outcome,
        name: optional(3, text),
        topicId: optional(4, uuid),
      }),
    ),
  ),
})

const createPartitions = protoMessage('CreatePartitions', {
  topics: repeated(
    1,
    messageOf(
      protoMessage('MorePartitions', {
        name: field(1, text),
        count: field(2, int32),
        assignments: shaped(
          optional(3, replicaLists),
          (assignments: readonly (readonly number[])[] | null) =>
            assignments === null ? null : { lists: assignments.map(brokerIds => ({ brokerIds })) },
          wire => wire?.lists.map(({ brokerIds }) => brokerIds) ?? null,
        ),
      }),
    ),
  ),
  validateOnly: field(2, bool),
})

const createPartitionsResults = protoMessage('CreatePartitionsResults', {
  results: repeated(
    1,
    messageOf(protoMessage('CreatePartitionsResult', { ...outcome, name: field(3, text) })),
  ),
})

// ---- settings ----

const alterConfigs = protoMessage('AlterConfigs', {
  resources: repeated(
    1,
    messageOf(
      protoMessage('ConfigsOfResource', {
        type: field(1, configType),
        name: field(2, text),
        configs: repeated(3, configValue),
      }),
    ),
  ),
  validateOnly: field(2, bool),
})

const incrementalAlterConfigs = protoMessage('IncrementalAlterConfigs', {
  resources: repeated(
    1,
    messageOf(
      protoMessage('ConfigChangesOfResource', {
        type: field(1, configType),
        name: field(2, text),
        configs: repeated(
          3,
          messageOf(
            protoMessage('ConfigChange', {
              name: field(1, text),
              operation: field(2, word('SET', 'DELETE', 'APPEND', 'SUBTRACT')),
              value: optional(3, text),
            }),
          ),
        ),
      }),
    ),
  ),
  validateOnly: field(2, bool),
})

// ---- what brokers ask for themselves ----

const allocateProducerIds = protoMessage('AllocateProducerIds', {
  brokerId: field(1, int32),
  brokerEpoch: field(2, int64),
})

const allocateProducerIdsResult = protoMessage('AllocateProducerIdsResult', {
  ...outcome,
  firstProducerId: field(3, int64),
  count: field(4, int32),
})

const alterPartition = protoMessage('AlterPartition', {
  brokerId: field(1, int32),
  brokerEpoch: field(2, int64),
  partitions: repeated(
    3,
    messageOf(
      protoMessage('NewInSyncSet', {
        topicId: field(1, uuid),
        partitionIndex: field(2, int32),
        leaderEpoch: field(3, int32),
        partitionEpoch: field(4, int32),
        newIsr: repeated(
          5,
          messageOf(
            protoMessage('InSyncReplica', { brokerId: field(1, int32), brokerEpoch: field(2, int64) }),
          ),
        ),
        recovering: field(6, bool),
      }),
    ),
  ),
})

const alterPartitionResult = protoMessage('AlterPartitionResult', {
  ...outcome,
  partitions: repeated(
    3,
    messageOf(
      protoMessage('InSyncSet', {
        ...outcome,
        topicId: field(3, uuid),
        partitionIndex: field(4, int32),
        leader: field(5, int32),
        leaderEpoch: field(6, int32),
        isr: repeated(7, int32),
        recovering: field(8, bool),
        partitionEpoch: field(9, int32),
      }),
    ),
  ),
})

// ---- elections ----

const partitionName = { topic: field(1, text), partition: field(2, int32) } as const
const partitionNames = messageOf(
  protoMessage('PartitionNames', {
    partitions: repeated(1, messageOf(protoMessage('PartitionName', partitionName))),
  }),
)

const electLeaders = protoMessage('ElectLeaders', {
  election: field(1, word('preferred', 'unclean')),
  partitions: shaped(
    optional(2, partitionNames),
    (partitions: readonly PartitionName[] | null) => (partitions === null ? null : { partitions }),
    wire => wire?.partitions ?? null,
  ),
})

const partitionResults = protoMessage('PartitionResults', {
  ...outcome,
  partitions: repeated(
    3,
    messageOf(
      protoMessage('PartitionResult', { ...outcome, topic: field(3, text), partition: field(4, int32) }),
    ),
  ),
})

const reassignPartitions = protoMessage('ReassignPartitions', {
  partitions: repeated(
    1,
    messageOf(
      protoMessage('Reassignment', {
        ...partitionName,
        replicas: shaped(
          optional(3, replicaList),
          (replicas: readonly number[] | null) => (replicas === null ? null : { brokerIds: replicas }),
          wire => wire?.brokerIds ?? null,
        ),
      }),
    ),
  ),
  allowsReplicationFactorChange: field(2, bool),
})

// ---- the cluster ----

const updateFeatures = protoMessage('UpdateFeatures', {
  updates: repeated(
    1,
    messageOf(
      protoMessage('FeatureUpdate', {
        name: field(1, text),
        level: field(2, int32),
        upgradeType: field(3, word('upgrade', 'safe downgrade', 'unsafe downgrade')),
      }),
    ),
  ),
  validateOnly: field(2, bool),
})

const unregisterBroker = protoMessage('UnregisterBroker', { brokerId: field(1, int32) })

const prepareToStop = protoMessage('PrepareToStop', {
  brokerId: field(1, int32),
  brokerEpoch: field(2, int64),
})

const prepareToStopResult = protoMessage('PrepareToStopResult', {
  ...outcome,
  revision: field(3, int64),
  remaining: field(4, int32),
})

// ---- the table ----

/** A command without what is told beside it. */
export type CommandBody<Name extends CommandName> = Omit<CommandOf<Name>, 'timeoutMs' | 'principal'>

interface CommandMessages<Name extends CommandName> {
  /** The method that carries it. */
  readonly method: string
  /** Its field in the method's request. */
  readonly command: ProtoField<CommandBody<Name> | null>
  /** Its field in the method's response. */
  readonly result: ProtoField<ResultOf<Name> | null>
}

/**
 * A command that clients caused and that answers a list: one of ForwardAdmin's. Numbers from 10 on; one is never given
 * to another command.
 */
function forwarded<Command, Results extends { readonly results: unknown }>(
  number: number,
  command: ProtoType<Command>,
  results: ProtoType<Results>,
): {
  readonly method: string
  readonly command: ProtoField<Command | null>
  readonly result: ProtoField<Results['results'] | null>
} {
  return {
    method: 'ForwardAdmin',
    command: oneOf('command', optional(number, command)),
    result: shaped(
      oneOf('results', optional(number, results)),
      (result: Results['results'] | null) => (result === null ? null : ({ results: result } as Results)),
      wire => wire?.results ?? null,
    ),
  }
}

/** The same for a command with one answer. */
function forwardedWhole<Command, Result>(
  number: number,
  command: ProtoType<Command>,
  result: ProtoType<Result>,
): {
  readonly method: string
  readonly command: ProtoField<Command | null>
  readonly result: ProtoField<Result | null>
} {
  return {
    method: 'ForwardAdmin',
    command: oneOf('command', optional(number, command)),
    result: oneOf('results', optional(number, result)),
  }
}

/** A command with a method of its own. */
function direct<Command, Result>(
  method: string,
  command: ProtoType<Command>,
  result: ProtoType<Result>,
): {
  readonly method: string
  readonly command: ProtoField<Command | null>
  readonly result: ProtoField<Result | null>
} {
  return { method, command: optional(2, command), result: optional(2, result) }
}

export const commandMessages: { readonly [Name in CommandName]: CommandMessages<Name> } = {
  createTopics: forwarded(10, messageOf(createTopics), messageOf(createTopicsResults)),
  deleteTopics: forwarded(11, messageOf(deleteTopics), messageOf(deleteTopicsResults)),
  createPartitions: forwarded(12, messageOf(createPartitions), messageOf(createPartitionsResults)),
  alterConfigs: forwarded(13, messageOf(alterConfigs), messageOf(alterConfigsResults)),
  incrementalAlterConfigs: forwarded(14, messageOf(incrementalAlterConfigs), messageOf(alterConfigsResults)),
  allocateProducerIds: direct(
    'AllocateProducerIds',
    messageOf(allocateProducerIds),
    messageOf(allocateProducerIdsResult),
  ),
  alterPartition: direct('AlterPartition', messageOf(alterPartition), messageOf(alterPartitionResult)),
  electLeaders: forwardedWhole(15, messageOf(electLeaders), messageOf(partitionResults)),
  reassignPartitions: forwardedWhole(16, messageOf(reassignPartitions), messageOf(partitionResults)),
  updateFeatures: forwardedWhole(17, messageOf(updateFeatures), messageOf(plainOutcome)),
  unregisterBroker: forwardedWhole(18, messageOf(unregisterBroker), messageOf(plainOutcome)),
  prepareToStop: direct('PrepareToStop', messageOf(prepareToStop), messageOf(prepareToStopResult)),
}
