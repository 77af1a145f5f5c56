// Which records stand in which internal topic.

import { groupMetadataRecord, legacyOffsetCommitRecord, offsetCommitRecord } from './classic-group.ts'
import {
  consumerGroupCurrentMemberAssignmentRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupPartitionMetadataRecord,
  consumerGroupRegularExpressionRecord,
  consumerGroupTargetAssignmentMemberRecord,
  consumerGroupTargetAssignmentMetadataRecord,
} from './consumer-group.ts'
import {
  shareGroupCurrentMemberAssignmentRecord,
  shareGroupMemberMetadataRecord,
  shareGroupMetadataRecord,
  shareGroupStatePartitionMetadataRecord,
  shareGroupTargetAssignmentMemberRecord,
  shareGroupTargetAssignmentMetadataRecord,
} from './share-group.ts'
import { shareSnapshotRecord, shareUpdateRecord } from './share-state.ts'
import {
  streamsGroupCurrentMemberAssignmentRecord,
  streamsGroupMemberMetadataRecord,
  streamsGroupMetadataRecord,
  streamsGroupTargetAssignmentMemberRecord,
  streamsGroupTargetAssignmentMetadataRecord,
  streamsGroupTopologyRecord,
} from './streams-group.ts'
import { transactionLogRecord } from './transaction-log.ts'

/** __consumer_offsets */
export const groupCoordinatorRecords = [
  offsetCommitRecord,
  legacyOffsetCommitRecord,
  groupMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupPartitionMetadataRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupTargetAssignmentMetadataRecord,
  consumerGroupTargetAssignmentMemberRecord,
  consumerGroupCurrentMemberAssignmentRecord,
  consumerGroupRegularExpressionRecord,
  shareGroupMetadataRecord,
  shareGroupMemberMetadataRecord,
  shareGroupTargetAssignmentMetadataRecord,
  shareGroupTargetAssignmentMemberRecord,
  shareGroupCurrentMemberAssignmentRecord,
  shareGroupStatePartitionMetadataRecord,
  streamsGroupMetadataRecord,
  streamsGroupMemberMetadataRecord,
  streamsGroupTargetAssignmentMetadataRecord,
  streamsGroupTargetAssignmentMemberRecord,
  streamsGroupCurrentMemberAssignmentRecord,
  streamsGroupTopologyRecord,
] as const

/** __transaction_state */
export const transactionCoordinatorRecords = [transactionLogRecord] as const

/** __share_group_state */
export const shareCoordinatorRecords = [shareSnapshotRecord, shareUpdateRecord] as const
