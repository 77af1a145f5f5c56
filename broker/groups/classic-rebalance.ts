import type { ErrorName } from '../../protocol/index.ts'
import { assert } from '../../runtime/assert.ts'
import {
  type ClassicGroup,
  type ClassicMember,
  memberMetadata,
  noBytes,
  rebalanceTimeoutMs,
  selectProtocol,
  withMembers,
  withoutMembers,
  withState,
} from './classic-group.ts'
import { groupMetadata } from './classic-group-records.ts'
import {
  type ClassicEffect,
  doing,
  failedSync,
  type JoinReply,
  type Step,
  stay,
  andThen,
} from './classic-step.ts'
import type { Now } from './group-settings.ts'

/**
 * A rebalance from its beginning to the end of the join phase. Members join again, one after the other, and wait; when all
 * known ones are there and nobody is expected (or time is up) a new generation begins.
 */

/** Something changed that needs an agreement of all: begins a rebalance, or looks whether the running one can end. */
export function rebalance(group: ClassicGroup, now: Now): Step {
  return group.state === 'preparingRebalance'
    ? endJoinPhaseIfAllJoined(group, now)
    : prepareRebalance(group, now)
}

export function prepareRebalance(group: ClassicGroup, now: Now): Step {
  assert(group.state !== 'preparingRebalance', 'A rebalance begins once.', { group: group.groupId })
  const isInitialRebalance = group.state === 'empty'
  const interrupted =
    group.state === 'completingRebalance' ? interruptSync(group, 'REBALANCE_IN_PROGRESS') : stay(group)
  const effects: ClassicEffect[] = group.pendingSyncs.size > 0 ? [{ kind: 'endSyncTimer' }] : []
  const preparing = {
    ...withState(interrupted.group, 'preparingRebalance', now.nowMs),
    pendingSyncs: new Set<string>(),
    isInitialRebalance,
  }
  const step = { group: preparing, records: [], effects: [...interrupted.effects, ...effects] }
  if (!isInitialRebalance) return andThen(step, prepared => endJoinPhaseOrWait(prepared, now))
  const delay = initialDelay(now)
  const limitMs = Math.max(rebalanceTimeoutMs(group), delay.afterMs)
  return andThen(step, prepared =>
    doing(prepared, { kind: 'startJoinTimer', afterMs: limitMs, ifAbsent: false }, delay),
  )
}

/** Somebody new came: whoever else is on the way is waited for anew while the first rebalance is held up. */
export function rebalanceForNewMember(group: ClassicGroup, now: Now): Step {
  return group.isInitialRebalance ? doing(group, initialDelay(now)) : rebalance(group, now)
}

function initialDelay({ settings }: Now): ClassicEffect & { readonly kind: 'startInitialDelay' } {
  return { kind: 'startInitialDelay', afterMs: settings['group.initial.rebalance.delay.ms'] }
}

/** The assignment under way is void, and whoever waits for it is told so. */
export function interruptSync(group: ClassicGroup, error: ErrorName): Step {
  const effects: ClassicEffect[] = []
  for (const member of group.members.values()) {
    if (member.awaiting !== 'sync') continue
    effects.push({ kind: 'answerSync', memberId: member.id, reply: failedSync(error) })
    effects.push({ kind: 'startSession', memberId: member.id, afterMs: member.sessionTimeoutMs })
  }
  const reset = withMembers(group, member => ({
    ...member,
    assignment: noBytes,
    awaiting: member.awaiting === 'sync' ? null : member.awaiting,
  }))
  return { group: reset, records: [], effects }
}

/** Somebody came or went while members join. The first rebalance of an empty group lasts for its delay whoever comes. */
export function endJoinPhaseIfAllJoined(group: ClassicGroup, now: Now): Step {
  if (group.state !== 'preparingRebalance' || group.isInitialRebalance) return stay(group)
  return endJoinPhaseOrWait(group, now)
}

function endJoinPhaseOrWait(group: ClassicGroup, now: Now): Step {
  if (hasAllMembersJoined(group)) return endJoinPhase(group, now)
  return doing(group, { kind: 'startJoinTimer', afterMs: rebalanceTimeoutMs(group), ifAbsent: true })
}

function hasAllMembersJoined(group: ClassicGroup): boolean {
  if (group.pendingMembers.size > 0) return false
  for (const member of group.members.values()) if (member.awaiting !== 'join') return false
  return true
}

/**
 * Nobody new came to an empty group for group.initial.rebalance.delay.ms. Kafka looks only whenever such a delay is over, and
 * then waits for a whole one more if anybody came meanwhile, so that a group of two waits for two delays at least. Here the
 * delay runs from the last who came: as long a quiet time for latecomers, and a group of any size is up after one.
 */
export function initialDelayOver(group: ClassicGroup, now: Now): Step {
  return group.isInitialRebalance ? endJoinPhase(group, now) : stay(group)
}

/** The longest time that members have to join is over; for the first rebalance of an empty group too. */
export function joinTimeOver(group: ClassicGroup, now: Now): Step {
  return group.state === 'preparingRebalance' ? endJoinPhase(group, now) : stay(group)
}

/**
 * Those who did not come back are out, save static members, who are away until their session ends. When nobody came back
 * everybody gets another round.
 */
function endJoinPhase(group: ClassicGroup, now: Now): Step {
  const absent = [...group.members.values()].filter(
    ({ awaiting, instanceId }) => awaiting !== 'join' && instanceId === null,
  )
  const present = electLeader(withoutMembers(group, new Set(absent.map(({ id }) => id))))
  const ended: Step = {
    group: present,
    records: [],
    effects: [
      ...(group.isInitialRebalance ? [{ kind: 'endInitialDelay' } as const] : []),
      { kind: 'endJoinTimer' },
      ...absent.map(({ id }): ClassicEffect => ({ kind: 'endSession', memberId: id })),
    ],
  }
  if (present.members.size === 0) return andThen(ended, remaining => becomeEmpty(remaining, now))
  if (!hasJoined(present, present.leader)) {
    return andThen(ended, remaining =>
      doing(
        { ...remaining, isInitialRebalance: false },
        { kind: 'startJoinTimer', afterMs: rebalanceTimeoutMs(remaining), ifAbsent: false },
      ),
    )
  }
  return andThen(ended, remaining => beginGeneration(remaining, now))
}

/** The leader stays while it is there; else the first who came back leads. */
function electLeader(group: ClassicGroup): ClassicGroup {
  if (hasJoined(group, group.leader)) return group
  for (const member of group.members.values()) {
    if (member.awaiting === 'join') return { ...group, leader: member.id }
  }
  return group
}

function hasJoined(group: ClassicGroup, memberId: string | null): boolean {
  return memberId !== null && group.members.get(memberId)?.awaiting === 'join'
}

function becomeEmpty(group: ClassicGroup, now: Now): Step {
  const empty: ClassicGroup = {
    ...withState(group, 'empty', now.nowMs),
    generation: nextGeneration(group),
    protocol: null,
    leader: null,
    pendingSyncs: new Set(),
    isInitialRebalance: false,
  }
  return { group: empty, records: [groupMetadata(empty, now.nowMs)], effects: [] }
}

function beginGeneration(group: ClassicGroup, now: Now): Step {
  const chosen: ClassicGroup = {
    ...withState(group, 'completingRebalance', now.nowMs),
    generation: nextGeneration(group),
    protocol: selectProtocol(group),
    pendingSyncs: new Set(group.members.keys()),
    isInitialRebalance: false,
  }
  const effects: ClassicEffect[] = []
  for (const member of chosen.members.values()) {
    if (member.awaiting === 'join') {
      effects.push({ kind: 'answerJoin', memberId: member.id, reply: joinedReply(chosen, member.id) })
    }
    effects.push({ kind: 'startSession', memberId: member.id, afterMs: member.sessionTimeoutMs })
  }
  const begun = withMembers(chosen, member => ({ ...member, awaiting: null, isNew: false }))
  effects.push({
    kind: 'startSyncTimer',
    afterMs: rebalanceTimeoutMs(begun),
    generation: begun.generation,
  })
  return { group: begun, records: [], effects }
}

function nextGeneration({ generation }: ClassicGroup): number {
  return generation === 2 ** 31 - 1 ? 1 : generation + 1
}

/** What a member is told of the current generation; the leader also what the others want. */
export function joinedReply(group: ClassicGroup, memberId: string): JoinReply {
  return {
    error: 'NONE',
    memberId,
    generation: group.generation,
    protocolType: group.protocolType,
    protocol: group.protocol,
    leader: group.leader ?? '',
    skipAssignment: false,
    members: group.leader === memberId ? membersForLeader(group) : [],
  }
}

export function membersForLeader(group: ClassicGroup): JoinReply['members'] {
  return Array.from(group.members.values(), (member: ClassicMember) => ({
    memberId: member.id,
    instanceId: member.instanceId,
    metadata: memberMetadata(group, member),
  }))
}
