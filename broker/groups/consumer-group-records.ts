// The records by which a newer consumer group is remembered: how they are made, and how what they hold is read. A
// record in life is the same object as one decoded from the log, so the group applies both with one function.

import type { Uuid } from '../../protocol/index.ts'
import { compareText } from './assignment-draft.ts'
import type { Assignment } from './assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, memberStates, type OwnedPartitions } from './consumer-member.ts'
import type { GroupRecordOf } from './group-records.ts'

export type ConsumerGroupRecord = GroupRecordOf<
  | 'ConsumerGroupMetadata'
  | 'ConsumerGroupPartitionMetadata'
  | 'ConsumerGroupMemberMetadata'
  | 'ConsumerGroupTargetAssignmentMetadata'
  | 'ConsumerGroupTargetAssignmentMember'
  | 'ConsumerGroupCurrentMemberAssignment'
  | 'ConsumerGroupRegularExpression'
>

export function groupEpochRecord(groupId: string, epoch: number, metadataHash: bigint): ConsumerGroupRecord {
  return { kind: 'ConsumerGroupMetadata', key: { groupId }, value: { epoch, metadataHash } }
}

export function memberRecord(groupId: string, member: ConsumerMember): ConsumerGroupRecord {
  return {
    kind: 'ConsumerGroupMemberMetadata',
    key: { groupId, memberId: member.memberId },
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.subscribedTopicNames],
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata:
        member.classic === null
          ? null
          : {
              sessionTimeoutMs: member.classic.sessionTimeoutMs,
              supportedProtocols: member.classic.supportedProtocols.map(({ name, metadata }) => ({
                name,
                metadata,
              })),
            },
    },
  }
}

export function targetEpochRecord(
  groupId: string,
  assignmentEpoch: number,
  assignmentTimestamp: number,
): ConsumerGroupRecord {
  return {
    kind: 'ConsumerGroupTargetAssignmentMetadata',
    key: { groupId },
    value: { assignmentEpoch, assignmentTimestamp },
  }
}

export function targetMemberRecord(
  groupId: string,
  memberId: string,
  target: Assignment,
): ConsumerGroupRecord {
  return {
    kind: 'ConsumerGroupTargetAssignmentMember',
    key: { groupId, memberId },
    value: {
      topicPartitions: [...target].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] })),
    },
  }
}

export function currentAssignmentRecord(groupId: string, member: ConsumerMember): ConsumerGroupRecord {
  return {
    kind: 'ConsumerGroupCurrentMemberAssignment',
    key: { groupId, memberId: member.memberId },
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      // -1 for a state that nobody here knows.
      state: memberStates.findIndex(state => state === member.state),
      assignedPartitions: listed(member.assigned),
      partitionsPendingRevocation: listed(member.pendingRevocation),
    },
  }
}

export function expressionRecord(
  groupId: string,
  regularExpression: string,
  resolved: { readonly topics: readonly string[]; readonly version: number; readonly timestampMs: number },
): ConsumerGroupRecord {
  return {
    kind: 'ConsumerGroupRegularExpression',
    key: { groupId, regularExpression },
    value: { topics: [...resolved.topics], version: resolved.version, timestamp: resolved.timestampMs },
  }
}

export function expressionTombstone(groupId: string, regularExpression: string): ConsumerGroupRecord {
  return { kind: 'ConsumerGroupRegularExpression', key: { groupId, regularExpression }, value: null }
}

/** In the order in which a member's parts may go: what it has, what it should have, itself. */
export function memberTombstones(groupId: string, memberId: string): ConsumerGroupRecord[] {
  const key = { groupId, memberId }
  return [
    { kind: 'ConsumerGroupCurrentMemberAssignment', key, value: null },
    { kind: 'ConsumerGroupTargetAssignmentMember', key, value: null },
    { kind: 'ConsumerGroupMemberMetadata', key, value: null },
  ]
}

/** Everything of a group: its members first, itself last. */
export function groupTombstones(group: ConsumerGroup): ConsumerGroupRecord[] {
  const { groupId } = group
  const key = { groupId }
  return [
    ...[...group.members.keys()].flatMap(memberId => memberTombstones(groupId, memberId)),
    { kind: 'ConsumerGroupTargetAssignmentMetadata', key, value: null },
    ...[...group.expressions.keys()].map(expression => expressionTombstone(groupId, expression)),
    // Written by older brokers; there may be one.
    { kind: 'ConsumerGroupPartitionMetadata', key, value: null },
    { kind: 'ConsumerGroupMetadata', key, value: null },
  ]
}

function listed(owned: OwnedPartitions) {
  return [...owned]
    .sort(([a], [b]) => compareText(a, b))
    .map(([topicId, epochs]) => {
      const partitions = [...epochs.keys()].sort((a, b) => a - b)
      return { topicId, partitions, assignmentEpochs: partitions.map(partition => epochs.get(partition)!) }
    })
}

/** Records of brokers before 4.3 carry no epochs of assignment: then `memberEpoch` stands for all. */
export function ownedFrom(
  list: readonly {
    readonly topicId: Uuid
    readonly partitions: readonly number[]
    readonly assignmentEpochs: readonly number[] | null
  }[],
  memberEpoch: number,
): OwnedPartitions {
  return new Map(
    list.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((partition, index) => [partition, assignmentEpochs?.[index] ?? memberEpoch])),
    ]),
  )
}
