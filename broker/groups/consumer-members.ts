// How members come into a consumer group, stay the same ones, and go.

import type { ConsumerGroup } from './consumer-group.ts'
import {
  currentAssignmentRecord,
  expressionTombstone,
  memberRecord,
  memberTombstones,
  targetMemberRecord,
} from './consumer-group-records.ts'
import { type ConsumerMember, newMember, staticLeaveEpoch } from './consumer-member.ts'
import type { ConsumerStep, Refusal } from './consumer-step.ts'
import { isWithin, type OwnedReport } from './reconcile-member.ts'

export interface Subscriber {
  readonly memberId: string
  readonly instanceId: string | null
  /** 0 joins. Classic members are not asked for one here. */
  readonly memberEpoch: number
  readonly owned: OwnedReport | null
  /** A member that is not known may become one. */
  readonly joins: boolean
  readonly classic: boolean
}

/** The member that speaks, as it is or as a new one; a static member's successor takes its place at once. */
export function subscribe(step: ConsumerStep, subscriber: Subscriber): ConsumerMember | Refusal {
  return subscriber.instanceId === null
    ? subscribeDynamic(step, subscriber)
    : subscribeStatic(step, subscriber, subscriber.instanceId)
}

function subscribeDynamic(step: ConsumerStep, subscriber: Subscriber): ConsumerMember | Refusal {
  const member = step.group.members.get(subscriber.memberId)
  if (member === undefined)
    return subscriber.joins ? newMember(subscriber.memberId) : unknownMember(step.group, subscriber.memberId)
  return checkEpoch(member, subscriber) ?? member
}

function subscribeStatic(
  step: ConsumerStep,
  subscriber: Subscriber,
  instanceId: string,
): ConsumerMember | Refusal {
  const holder = step.group.staticMember(instanceId)
  const { memberId } = subscriber
  if (subscriber.joins) {
    if (holder === undefined) return step.group.members.get(memberId) ?? newMember(memberId)
    if (holder.memberId === memberId) return holder
    const bothNew = !subscriber.classic && holder.classic === null
    if (bothNew && holder.memberEpoch !== staticLeaveEpoch)
      return {
        error: 'UNRELEASED_INSTANCE_ID',
        message: `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${holder.memberId} member.`,
      }
    return replaceStatic(step, holder, memberId)
  }
  const refusal = checkInstance(step.group, instanceId, memberId)
  if (refusal !== undefined) return refusal
  return checkEpoch(holder!, subscriber) ?? holder!
}

/** The same instance under another id: it inherits what the old one had and should have. */
function replaceStatic(step: ConsumerStep, holder: ConsumerMember, memberId: string): ConsumerMember {
  const { group } = step
  const { groupId } = group
  const target = group.target(holder.memberId)
  const successor: ConsumerMember = { ...holder, memberId, memberEpoch: 0, previousMemberEpoch: -1 }
  step.cancel(holder.memberId)
  step.emit(
    ...memberTombstones(groupId, holder.memberId),
    memberRecord(groupId, successor),
    targetMemberRecord(groupId, memberId, target),
    currentAssignmentRecord(groupId, successor),
  )
  return successor
}

export function unknownMember(group: ConsumerGroup, memberId: string): Refusal {
  return {
    error: 'UNKNOWN_MEMBER_ID',
    message: `Member ${memberId} is not a member of group ${group.groupId}.`,
  }
}

/** The instance is known, and this member stands for it. */
export function checkInstance(
  group: ConsumerGroup,
  instanceId: string,
  memberId: string,
): Refusal | undefined {
  const holder = group.staticMember(instanceId)
  if (holder === undefined)
    return { error: 'UNKNOWN_MEMBER_ID', message: `Instance id ${instanceId} is unknown.` }
  if (holder.memberId === memberId) return undefined
  return {
    error: 'FENCED_INSTANCE_ID',
    message: `Static member ${memberId} with instance id ${instanceId} was fenced by member ${holder.memberId}.`,
  }
}

/**
 * 0 joins again, the member's own is right, and the one before is let through when the answer that carried the new one
 * may have been lost.
 */
function checkEpoch(
  member: ConsumerMember,
  { memberEpoch, owned, classic }: Subscriber,
): Refusal | undefined {
  if (classic || memberEpoch === 0 || memberEpoch === member.memberEpoch) return undefined
  if (
    memberEpoch < member.memberEpoch &&
    memberEpoch === member.previousMemberEpoch &&
    isWithin(owned, member.assigned)
  )
    return undefined
  const how = memberEpoch > member.memberEpoch ? 'greater' : 'smaller'
  return {
    error: 'FENCED_MEMBER_EPOCH',
    message: `The consumer group member has a ${how} member epoch (${memberEpoch}) than the one known by the group coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  }
}

/** They are gone at once, their partitions free, and the group moves on. */
export function removeMembers(step: ConsumerStep, memberIds: Iterable<string>): void {
  const { group } = step
  const left = new Set<string>()
  for (const memberId of memberIds) {
    const expression = group.members.get(memberId)?.subscribedTopicRegex
    if (expression) left.add(expression)
    step.cancel(memberId)
    step.emit(...memberTombstones(group.groupId, memberId))
  }
  forgetExpressions(step, left)
  step.bumpEpoch()
}

/** Of those that nobody is subscribed to any more nothing needs to be known. */
export function forgetExpressions(step: ConsumerStep, expressions: Iterable<string>): void {
  const { group } = step
  for (const expression of expressions)
    if (group.expressions.has(expression) && !group.subscribedExpressions.has(expression))
      step.emit(expressionTombstone(group.groupId, expression))
}
