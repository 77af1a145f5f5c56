// Members of a consumer group go: because they say so, or because they were not heard of in time.

import type { HeartbeatRequest } from './check-consumer-heartbeat.ts'
import type { HeartbeatResponse } from './consumer-heartbeat.ts'
import { currentAssignmentRecord } from './consumer-group-records.ts'
import { nothingOwned, staticLeaveEpoch } from './consumer-member.ts'
import { checkInstance, removeMembers, unknownMember } from './consumer-members.ts'
import type { ConsumerStep, Refusal } from './consumer-step.ts'
import { downgradeIfLast } from './downgrade-group.ts'
import { updateTarget } from './target-assignment.ts'

/** ConsumerGroupHeartbeat with epoch -1 or -2. */
export function leave(step: ConsumerStep, request: HeartbeatRequest): HeartbeatResponse | Refusal {
  const { memberId, memberEpoch, instanceId } = request
  const refusal =
    instanceId === null ? checkMember(step, memberId) : checkInstance(step.group, instanceId, memberId)
  if (refusal !== undefined) return refusal
  if (memberEpoch === staticLeaveEpoch) leaveForAWhile(step, memberId)
  else loseMembers(step, [memberId])
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    memberId,
    memberEpoch,
    heartbeatIntervalMs: 0,
    assignment: null,
  }
}

function checkMember({ group }: ConsumerStep, memberId: string): Refusal | undefined {
  return group.members.has(memberId) ? undefined : unknownMember(group, memberId)
}

/** A static member keeps its place and its partitions until its session runs out. */
function leaveForAWhile(step: ConsumerStep, memberId: string): void {
  const member = step.group.members.get(memberId)!
  const { groupId } = step.group
  step.cancel(memberId, ['rebalance', 'join', 'sync'])
  step.emit(
    currentAssignmentRecord(groupId, {
      ...member,
      memberEpoch: staticLeaveEpoch,
      previousMemberEpoch: member.memberEpoch,
      pendingRevocation: nothingOwned,
    }),
  )
}

/** They are removed. A group whose other members all speak the classic protocol becomes a classic group, if it may. */
export function loseMembers(step: ConsumerStep, memberIds: readonly string[]): void {
  if (downgradeIfLast(step, new Set(memberIds))) return
  removeMembers(step, memberIds)
  updateTarget(step)
}

/** A timer of a member ran out. */
export function expireMember(step: ConsumerStep, memberId: string): void {
  if (step.group.members.has(memberId)) loseMembers(step, [memberId])
}

/** The member was asked to give something up in this epoch and did not confirm in time. */
export function expireRevocation(step: ConsumerStep, memberId: string, memberEpoch: number): void {
  if (step.group.members.get(memberId)?.memberEpoch === memberEpoch) loseMembers(step, [memberId])
}
