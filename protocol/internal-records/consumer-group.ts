// Newer consumer groups in __consumer_offsets.

import {
  arrayOf,
  bytes,
  int32,
  int64,
  int64Big,
  int8,
  string,
  struct,
  tagged,
  uuid,
} from '../schema/fields.ts'
import { defineCoordinatorRecord } from './coordinator-record.ts'

/** A newer consumer group: its epoch. */
export const consumerGroupMetadataRecord = defineCoordinatorRecord({
  type: 3,
  name: 'ConsumerGroupMetadata',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
  },
  value: {
    epoch: int32(),
    metadataHash: tagged(0, int64Big({ default: 0n })),
  },
})

/** Topics a consumer group subscribes to; written by older brokers, only read and deleted. */
export const consumerGroupPartitionMetadataRecord = defineCoordinatorRecord({
  type: 4,
  name: 'ConsumerGroupPartitionMetadata',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
  },
  value: {
    topics: arrayOf({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: arrayOf({
        partition: int32(),
        racks: arrayOf(string()),
      }),
    }),
  },
})

/** What a member of a consumer group says of itself. */
export const consumerGroupMemberMetadataRecord = defineCoordinatorRecord({
  type: 5,
  name: 'ConsumerGroupMemberMetadata',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    instanceId: string({ nullable: '0+' }),
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: arrayOf(string()),
    subscribedTopicRegex: string({ nullable: '0+' }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    serverAssignor: string({ nullable: '0+' }),
    // Left out it stands for an empty struct, as Kafka has it; that there is none is written as null.
    classicMemberMetadata: tagged(
      0,
      struct(
        {
          sessionTimeoutMs: int32(),
          supportedProtocols: arrayOf({
            name: string(),
            metadata: bytes(),
          }),
        },
        { nullable: '0+' },
      ),
    ),
  },
})

/** The epoch for which a target assignment was made. */
export const consumerGroupTargetAssignmentMetadataRecord = defineCoordinatorRecord({
  type: 6,
  name: 'ConsumerGroupTargetAssignmentMetadata',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
  },
  value: {
    assignmentEpoch: int32(),
    assignmentTimestamp: tagged(0, int64({ default: 0, ignorable: true })),
  },
})

/** What a member is to own. */
export const consumerGroupTargetAssignmentMemberRecord = defineCoordinatorRecord({
  type: 7,
  name: 'ConsumerGroupTargetAssignmentMember',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    topicPartitions: arrayOf({
      topicId: uuid(),
      partitions: arrayOf(int32()),
    }),
  },
})

const topicPartitions = {
  topicId: uuid(),
  partitions: arrayOf(int32()),
  assignmentEpochs: tagged(0, arrayOf(int32(), { nullable: '0+' })),
}

/** What a member owns and still has to give up. */
export const consumerGroupCurrentMemberAssignmentRecord = defineCoordinatorRecord({
  type: 8,
  name: 'ConsumerGroupCurrentMemberAssignment',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: arrayOf(topicPartitions),
    partitionsPendingRevocation: arrayOf(topicPartitions),
  },
})

/** Topics that a subscribed pattern was resolved to. */
export const consumerGroupRegularExpressionRecord = defineCoordinatorRecord({
  type: 16,
  name: 'ConsumerGroupRegularExpression',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
    regularExpression: string(),
  },
  value: {
    topics: arrayOf(string()),
    version: int64(),
    timestamp: int64(),
  },
})
