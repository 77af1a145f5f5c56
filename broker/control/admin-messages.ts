import type { PartitionName } from '../controller/controller-client.ts'
import { messageOf } from './proto-codec.ts'
import {
  bool,
  field,
  int32,
  optional,
  protoMessage,
  repeated,
  shaped,
  text,
  textMap,
  uuid,
  word,
} from './proto-fields.ts'
import { outcome } from './outcome-fields.ts'

/** How the commands that clients cause, and their results, travel. */

const configValue = messageOf(protoMessage('ConfigValue', { name: field(1, text), value: optional(2, text) }))

const configType = word('topic', 'broker', 'group', 'client-metrics')

export const alterConfigsResults = protoMessage('AlterConfigsResults', {
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

export const createTopics = protoMessage('CreateTopics', {
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

export const createTopicsResults = protoMessage('CreateTopicsResults', {
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

export const deleteTopics = protoMessage('DeleteTopics', {
  topics: repeated(
    1,
    messageOf(protoMessage('TopicToDelete', { name: optional(1, text), topicId: optional(2, uuid) })),
  ),
})

export const deleteTopicsResults = protoMessage('DeleteTopicsResults', {
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

export const createPartitions = protoMessage('CreatePartitions', {
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

export const createPartitionsResults = protoMessage('CreatePartitionsResults', {
  results: repeated(
    1,
    messageOf(protoMessage('CreatePartitionsResult', { ...outcome, name: field(3, text) })),
  ),
})

// ---- settings ----

export const alterConfigs = protoMessage('AlterConfigs', {
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

export const incrementalAlterConfigs = protoMessage('IncrementalAlterConfigs', {
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

// ---- elections ----

const partitionName = { topic: field(1, text), partition: field(2, int32) } as const
const partitionNames = messageOf(
  protoMessage('PartitionNames', {
    partitions: repeated(1, messageOf(protoMessage('PartitionName', partitionName))),
  }),
)

export const electLeaders = protoMessage('ElectLeaders', {
  election: field(1, word('preferred', 'unclean')),
  partitions: shaped(
    optional(2, partitionNames),
    (partitions: readonly PartitionName[] | null) => (partitions === null ? null : { partitions }),
    wire => wire?.partitions ?? null,
  ),
})

export const partitionResults = protoMessage('PartitionResults', {
  ...outcome,
  partitions: repeated(
    3,
    messageOf(
      protoMessage('PartitionResult', { ...outcome, topic: field(3, text), partition: field(4, int32) }),
    ),
  ),
})

export const reassignPartitions = protoMessage('ReassignPartitions', {
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

export const updateFeatures = protoMessage('UpdateFeatures', {
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

export const unregisterBroker = protoMessage('UnregisterBroker', { brokerId: field(1, int32) })
