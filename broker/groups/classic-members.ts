import type { ErrorName } from '../../protocol/index.ts'
import {
  checkMember,
  type ClassicGroup,
  type ClassicMember,
  staticMember,
  withoutMembers,
} from './classic-group.ts'
import { endJoinPhaseIfAllJoined, prepareRebalance } from './classic-rebalance.ts'
import {
  type ClassicEffect,
  doing,
  failedJoin,
  failedSync,
  reply,
  type Step,
  stay,
  andThen,
} from './classic-step.ts'
import type { Now } from './group-settings.ts'

/** Members after they joined: signs of life, leaving, being taken for gone. */

export interface HeartbeatReceived {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
}

export function heartbeat(group: ClassicGroup, event: HeartbeatReceived): Step<ErrorName> {
  const { memberId } = event
  const error = checkMember(group, memberId, event.instanceId)
  const member = group.members.get(memberId)
  if (error !== 'NONE' || member === undefined) return reply(group, error)
  if (event.generation !== group.generation) return reply(group, 'ILLEGAL_GENERATION')
  const alive = doing(group, { kind: 'startSession', memberId, afterMs: member.sessionTimeoutMs })
  switch (group.state) {
    case 'empty':
      return reply(group, 'UNKNOWN_MEMBER_ID')
    case 'preparingRebalance':
      return { ...alive, reply: 'REBALANCE_IN_PROGRESS' }
    // A member may beat as soon as it has joined, before it has its assignment.
    case 'completingRebalance':
    case 'stable':
      return { ...alive, reply: 'NONE' }
  }
}

/** Who is to leave: a member by its id, or, with an empty id, a static member by its name (as administrators do). */
export interface Leaving {
  readonly memberId: string
  readonly instanceId: string | null
}

export function leaveGroup(
  group: ClassicGroup,
  members: readonly Leaving[],
  now: Now,
): Step<readonly ErrorName[]> {
  const results: ErrorName[] = []
  const leaving = new Set<string>()
  const pending = new Set<string>()
  for (const { memberId, instanceId } of members) {
    if (memberId === '') {
      const holder = instanceId === null ? undefined : staticMember(group, instanceId)
      const known = holder !== undefined && !leaving.has(holder.id)
      if (known) leaving.add(holder.id)
      results.push(known ? 'NONE' : 'UNKNOWN_MEMBER_ID')
    } else if (group.pendingMembers.has(memberId)) {
      pending.add(memberId)
      results.push('NONE')
    } else {
      const error = leaving.has(memberId) ? 'UNKNOWN_MEMBER_ID' : checkMember(group, memberId, instanceId)
      if (error === 'NONE') leaving.add(memberId)
      results.push(error)
    }
  }
  const ends = [...pending].map((memberId): ClassicEffect => ({ kind: 'endSession', memberId }))
  const expected = doing(withoutMembers(group, pending), ...ends)
  // Whoever was only expected back leaves no gap: the join phase may end without it, but nothing has to be shared out anew.
  const settled =
    leaving.size === 0
      ? andThen(expected, rest => endJoinPhaseIfAllJoined(rest, now))
      : andThen(
          andThen(expected, rest => removeMembers(rest, leaving)),
          rest => afterLeaving(rest, now),
        )
  return { ...settled, reply: results }
}

/** Nothing was heard of a member, or of one that was given an id to come back with, for its session timeout. */
export function sessionOver(group: ClassicGroup, memberId: string, now: Now): Step {
  if (group.pendingMembers.has(memberId)) {
    return endJoinPhaseIfAllJoined(withoutMembers(group, new Set([memberId])), now)
  }
  const member = group.members.get(memberId)
  // Who waits cannot beat. A new member that waits is taken for gone all the same: it can join again.
  if (member === undefined || (member.awaiting !== null && !member.isNew)) return stay(group)
  return andThen(removeMembers(group, new Set([memberId])), rest => afterLeaving(rest, now))
}

/** Members that did not ask for their assignment in time are out. */
export function syncTimeOver(group: ClassicGroup, generation: number, now: Now): Step {
  if (generation !== group.generation || group.pendingSyncs.size === 0) return stay(group)
  if (group.state !== 'completingRebalance' && group.state !== 'stable') return stay(group)
  return andThen(removeMembers(group, group.pendingSyncs), rest => prepareRebalance(rest, now))
}

/** Whoever of them waits is told that it is not known any more, so that it joins anew. */
function removeMembers(group: ClassicGroup, gone: ReadonlySet<string>): Step {
  const effects = [...gone].flatMap(id => effectsOfRemoval(id, group.members.get(id)))
  return doing(withoutMembers(group, gone), ...effects)
}

function effectsOfRemoval(memberId: string, member: ClassicMember | undefined): ClassicEffect[] {
  const effects: ClassicEffect[] = [{ kind: 'endSession', memberId }]
  if (member?.awaiting === 'join') {
    effects.push({ kind: 'answerJoin', memberId, reply: failedJoin('UNKNOWN_MEMBER_ID', memberId) })
  } else if (member?.awaiting === 'sync') {
    effects.push({ kind: 'answerSync', memberId, reply: failedSync('UNKNOWN_MEMBER_ID') })
  }
  return effects
}

function afterLeaving(group: ClassicGroup, now: Now): Step {
  switch (group.state) {
    case 'empty':
      return stay(group)
    case 'preparingRebalance':
      return endJoinPhaseIfAllJoined(group, now)
    case 'completingRebalance':
    case 'stable':
      return prepareRebalance(group, now)
  }
}

/** After a load: every member has a whole session before it, and a group that is too large by now rebalances. */
export function afterLoad(group: ClassicGroup, now: Now): Step {
  const sessions = Array.from(
    group.members.values(),
    ({ id, sessionTimeoutMs }): ClassicEffect => ({
      kind: 'startSession',
      memberId: id,
      afterMs: sessionTimeoutMs,
    }),
  )
  const isTooLarge = group.members.size > now.settings['group.max.size']
  const begun = doing(group, ...sessions)
  return isTooLarge ? andThen(begun, current => prepareRebalance(current, now)) : begun
}
