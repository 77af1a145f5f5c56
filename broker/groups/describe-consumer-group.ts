import {
  type consumerGroupDescribe,
  type Encodable,
  errorCode,
  type ErrorName,
} from '../../protocol/index.ts'
import type { Assignment } from './assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { GroupTopics } from './group-topics.ts'
import { assignmentOf } from './reconcile-member.ts'

export type DescribedGroup = Encodable<(typeof consumerGroupDescribe)['response']>['groups'][number]

const memberTypes = { classic: 0, consumer: 1 } as const

/** As ConsumerGroupDescribe tells it. Deleted topics are left out of assignments. */
export function describeConsumerGroup(
  group: ConsumerGroup,
  topics: GroupTopics,
  assignors: readonly string[],
): DescribedGroup {
  return {
    errorCode: 0,
    errorMessage: null,
    groupId: group.groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.targetEpoch,
    assignorName: group.preferredAssignor(assignors),
    members: Array.from(group.members.values(), member => describeMember(group, member, topics)),
  }
}

function describeMember(group: ConsumerGroup, member: ConsumerMember, topics: GroupTopics) {
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: { topicPartitions: named(assignmentOf(member.assigned), topics) },
    targetAssignment: { topicPartitions: named(group.target(member.memberId), topics) },
    memberType: member.classic === null ? memberTypes.consumer : memberTypes.classic,
  }
}

function named(assignment: Assignment, topics: GroupTopics) {
  return [...assignment].flatMap(([topicId, partitions]) => {
    const topicName = topics.byId(topicId)?.name
    return topicName === undefined ? [] : [{ topicId, topicName, partitions: [...partitions] }]
  })
}

export function undescribedGroup(
  groupId: string,
  error: ErrorName,
  message: string | null = null,
): DescribedGroup {
  return {
    errorCode: errorCode(error),
    errorMessage: message,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}
