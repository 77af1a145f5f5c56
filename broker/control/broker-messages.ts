import { messageOf } from './proto-codec.ts'
import {
  bool,
  field,
  int32,
  int64,
  optional,
  protoMessage,
  repeated,
  text,
  uuid,
  wordOrFirst,
} from './proto-fields.ts'
import { outcome, plainOutcome } from './outcome-fields.ts'

/** How the commands that brokers and the operator ask for themselves, and their results, travel. */

/** Kinds of reasons why a restart is refused; the first stands for those of newer brokers. */
export const restartRefusals = [
  'Other',
  'UnderMinIsr',
  'GrantHeld',
  'BrokerStarting',
  'BrokerStopping',
  'BrokerCatchingUp',
  'UnknownBroker',
] as const

export const allocateProducerIds = protoMessage('AllocateProducerIds', {
  brokerId: field(1, int32),
  brokerEpoch: field(2, int64),
})

export const allocateProducerIdsResult = protoMessage('AllocateProducerIdsResult', {
  ...outcome,
  firstProducerId: field(3, int64),
  count: field(4, int32),
})

export const alterPartition = protoMessage('AlterPartition', {
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

export const alterPartitionResult = protoMessage('AlterPartitionResult', {
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

export const assignDirectories = protoMessage('AssignDirectories', {
  brokerId: field(1, int32),
  brokerEpoch: field(2, int64),
  assignments: repeated(
    3,
    messageOf(
      protoMessage('DirectoryAssignment', {
        topicId: field(1, uuid),
        partitionIndex: field(2, int32),
        directory: field(3, uuid),
      }),
    ),
  ),
})

export const assignDirectoriesResult = protoMessage('AssignDirectoriesResult', {
  ...outcome,
  results: repeated(3, messageOf(plainOutcome)),
})

export const prepareToStop = protoMessage('PrepareToStop', {
  brokerId: field(1, int32),
  brokerEpoch: field(2, int64),
})

export const prepareToStopResult = protoMessage('PrepareToStopResult', {
  ...outcome,
  revision: field(3, int64),
  remaining: field(4, int32),
})

// ---- restarts ----

export const canRestart = protoMessage('CanRestart', { brokerId: field(1, int32) })

export const requestRestart = protoMessage('RequestRestart', {
  brokerId: field(1, int32),
  durationMs: field(2, int32),
  holder: field(3, text),
  reason: field(4, text),
})

export const releaseRestart = protoMessage('ReleaseRestart', {
  brokerId: field(1, int32),
  grantId: optional(2, uuid),
})

const somePartitions = messageOf(
  protoMessage('SomePartitions', { count: field(1, int32), names: repeated(2, text) }),
)

export const restartResult = protoMessage('RestartResult', {
  ...outcome,
  safe: field(3, bool),
  reasons: repeated(
    4,
    messageOf(
      protoMessage('RestartReason', {
        kind: field(1, wordOrFirst(...restartRefusals)),
        message: field(2, text),
        partitions: field(3, somePartitions),
      }),
    ),
  ),
  tolerated: field(5, somePartitions),
  grant: optional(
    6,
    messageOf(
      protoMessage('HeldGrant', {
        id: field(1, uuid),
        brokerId: field(2, int32),
        holder: field(3, text),
        reason: field(4, text),
        expiresInMs: field(5, int64),
      }),
    ),
  ),
})

export const releaseRestartResult = protoMessage('ReleaseRestartResult', outcome)
