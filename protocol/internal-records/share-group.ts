// Share groups in __consumer_offsets.

import { arrayOf, int32, int64, int64Big, int8, string, tagged, uuid } from '../schema/fields.ts'
import { defineCoordinatorRecord } from './coordinator-record.ts'

/** A share group: its epoch. */
export const shareGroupMetadataRecord = defineCoordinatorRecord({
  type: 11,
  name: 'ShareGroupMetadata',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
  },
  value: {
    epoch: int32(),
    metadataHash: int64Big(),
  },
})

/** What a member of a share group says of itself. */
export const shareGroupMemberMetadataRecord = defineCoordinatorRecord({
  type: 10,
  name: 'ShareGroupMemberMetadata',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: arrayOf(string()),
  },
})

/** The epoch for which a target assignment was made. */
export const shareGroupTargetAssignmentMetadataRecord = defineCoordinatorRecord({
  type: 12,
  name: 'ShareGroupTargetAssignmentMetadata',
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
export const shareGroupTargetAssignmentMemberRecord = defineCoordinatorRecord({
  type: 13,
  name: 'ShareGroupTargetAssignmentMember',
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
}

/** What a member owns. */
export const shareGroupCurrentMemberAssignmentRecord = defineCoordinatorRecord({
  type: 14,
  name: 'ShareGroupCurrentMemberAssignment',
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
  },
})

const topicPartitionsInfo = {
  topicId: uuid(),
  topicName: string(),
  partitions: arrayOf(int32()),
}

const topicInfo = {
  topicId: uuid(),
  topicName: string(),
}

/** Share partitions being initialized, initialized and being deleted. */
export const shareGroupStatePartitionMetadataRecord = defineCoordinatorRecord({
  type: 15,
  name: 'ShareGroupStatePartitionMetadata',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
  },
  value: {
    initializingTopics: arrayOf(topicPartitionsInfo),
    initializedTopics: arrayOf(topicPartitionsInfo),
    deletingTopics: arrayOf(topicInfo),
  },
})
