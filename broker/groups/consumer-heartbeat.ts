// ConsumerGroupHeartbeat of a member that joins or stays: it is made a member or changed, the group gets a new target
// when that changes anything, and the member goes a step towards what the target gives it.

import type { consumerGroupHeartbeat, Encodable } from '../../protocol/index.ts'
import { checkExpression, type HeartbeatRequest } from './check-consumer-heartbeat.ts'
import { compareText } from './assignment-draft.ts'
import { isExpression } from './consumer-group.ts'
import { currentAssignmentRecord, memberRecord } from './consumer-group-records.ts'
import {
  type ConsumerMember,
  type OwnedPartitions,
  sameMetadata,
  sameNames,
  sameOwned,
  samePartitions,
} from './consumer-member.ts'
import { subscribe } from './consumer-members.ts'
import { type ConsumerStep, isRefusal, type Refusal } from './consumer-step.ts'
import { type OwnedReport, reconcile } from './reconcile-member.ts'
import { changeExpression, refreshExpressions } from './subscribed-expressions.ts'
import { updateTarget } from './target-assignment.ts'

export type HeartbeatResponse = Encodable<(typeof consumerGroupHeartbeat)['response']>

export interface ClientIdentity {
  readonly clientId: string
  /** As Kafka shows it, with a leading slash. */
  readonly clientHost: string
}

/** The request was checked, and is no leave. Nothing of `step` may be used after a refusal. */
export function heartbeat(
  step: ConsumerStep,
  request: HeartbeatRequest,
  client: ClientIdentity,
): HeartbeatResponse | Refusal {
  const { context } = step
  const { memberEpoch, instanceId } = request
  const joins = memberEpoch === 0
  const memberId = request.memberId === '' ? context.newId() : request.memberId
  const full = checkSize(step, memberId, instanceId)
  if (full !== undefined) return full

  const before = subscribe(step, {
    memberId,
    instanceId,
    memberEpoch,
    owned: request.topicPartitions,
    joins,
    classic: false,
  })
  if (isRefusal(before)) return before
  const updated = updatedMember(before, request, client)
  const expression = updated.subscribedTopicRegex
  if (isExpression(expression) && expression !== before.subscribedTopicRegex) {
    const refusal = checkExpression(expression)
    if (refusal !== undefined) return refusal
  }

  const member = takeMember(step, before, updated)
  updateTarget(step)
  const after = advance(step, member, request.topicPartitions)
  if (isRefusal(after)) return after
  step.schedule('session', memberId, context.settings.sessionTimeoutMs)

  const isFull =
    joins ||
    (request.rebalanceTimeoutMs !== -1 &&
      (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
      request.topicPartitions !== null)
  const tells = isFull || !samePartitions(before.assigned, after.assigned)
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    memberId,
    memberEpoch: after.memberEpoch,
    heartbeatIntervalMs: context.settings.heartbeatIntervalMs,
    assignment: tells ? { topicPartitions: listed(after.assigned) } : null,
  }
}

/**
 * Writes what a member says of itself; the group moves on when that matters to anyone. The answer is the member as it is
 * from now on: the same object when it said nothing new.
 */
export function takeMember(
  step: ConsumerStep,
  before: ConsumerMember,
  updated: ConsumerMember,
): ConsumerMember {
  const { group } = step
  const isNew = !group.members.has(updated.memberId)
  const changed = isNew || !sameMetadata(before, updated)
  if (changed) step.emit(memberRecord(group.groupId, updated))
  const resolved = changed && changeExpression(step, before, updated)
  refreshExpressions(step)
  const matters =
    isNew ||
    resolved ||
    group.epoch === 0 ||
    before.serverAssignor !== updated.serverAssignor ||
    before.rackId !== updated.rackId ||
    !sameNames(before.subscribedTopicNames, updated.subscribedTopicNames) ||
    before.subscribedTopicRegex !== updated.subscribedTopicRegex
  if (matters || step.topicsChanged()) step.bumpEpoch()
  return changed ? updated : before
}

/** One step of the member towards the target, with a record when there was one to take. */
export function advance(
  step: ConsumerStep,
  member: ConsumerMember,
  owned: OwnedReport | null,
): ConsumerMember | Refusal {
  const { group, context } = step
  const { memberId } = member
  const after = reconcile(member, {
    targetEpoch: group.targetEpoch,
    target: group.target(memberId),
    owned,
    ownerEpoch: (topicId, partition) => group.ownerEpoch(topicId, partition),
    topics: context.topics,
    expressions: group.expressions,
  })
  if (after === 'fenced')
    return {
      error: 'FENCED_MEMBER_EPOCH',
      message:
        'The consumer group member is in an unknown state. The member must abandon all its partitions and rejoin.',
    }
  if (sameStanding(member, after)) return member
  step.emitLast(currentAssignmentRecord(group.groupId, after))
  if (after.state === 'unrevokedPartitions')
    step.schedule('rebalance', memberId, after.rebalanceTimeoutMs, { memberEpoch: after.memberEpoch })
  else step.cancel(memberId, ['rebalance'])
  return after
}

function sameStanding(one: ConsumerMember, other: ConsumerMember): boolean {
  return (
    one === other ||
    (one.memberEpoch === other.memberEpoch &&
      one.previousMemberEpoch === other.previousMemberEpoch &&
      one.state === other.state &&
      sameOwned(one.assigned, other.assigned) &&
      sameOwned(one.pendingRevocation, other.pendingRevocation))
  )
}

/** A member that is known, or an instance that comes back, is let in whatever the size. */
export function checkSize(
  { group, context }: ConsumerStep,
  memberId: string,
  instanceId: string | null,
): Refusal | undefined {
  const { maxSize } = context.settings
  if (group.members.size < maxSize || group.members.has(memberId)) return undefined
  if (instanceId !== null && group.staticMember(instanceId) !== undefined) return undefined
  return {
    error: 'GROUP_MAX_SIZE_REACHED',
    message: `The consumer group has reached its maximum capacity of ${maxSize} members.`,
  }
}

/** Fields that are not told stay as they were. */
function updatedMember(
  before: ConsumerMember,
  request: HeartbeatRequest,
  client: ClientIdentity,
): ConsumerMember {
  return {
    ...before,
    instanceId: request.instanceId ?? before.instanceId,
    rackId: request.rackId ?? before.rackId,
    rebalanceTimeoutMs:
      request.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? before.serverAssignor,
    subscribedTopicNames:
      request.subscribedTopicNames === null
        ? before.subscribedTopicNames
        : ordered(request.subscribedTopicNames),
    subscribedTopicRegex: request.subscribedTopicRegex ?? before.subscribedTopicRegex,
    clientId: client.clientId,
    clientHost: client.clientHost,
    classic: null,
  }
}

export function ordered(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort(compareText)
}

function listed(owned: OwnedPartitions) {
  return [...owned].map(([topicId, epochs]) => ({
    topicId,
    partitions: [...epochs.keys()].sort((a, b) => a - b),
  }))
}
