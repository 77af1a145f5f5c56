import { unreachable } from '../../runtime/assert.ts'
import { nameOf } from '../coordinator/shard-kind.ts'
import type { ClassicGroup } from './classic-group.ts'
import { sessionOver, syncTimeOver } from './classic-members.ts'
import { initialDelayOver, joinTimeOver } from './classic-rebalance.ts'
import type { ClassicEffect, Step } from './classic-step.ts'
import type { GroupDecision, GroupEffect, GroupEvent } from './group-state.ts'
import type { GroupParts, Now } from './group-settings.ts'

/** From steps of the pure machine to what a shard carries out: names for the calls and timers of a group, events for timers. */

/** `before` is the group as it stands in the state; undefined: it is new. */
export function classicDecision<Reply>(step: Step<Reply>, parts: GroupParts): GroupDecision<Reply> {
  const { group, records, reply, ifRefused } = step
  return {
    records,
    volatile: state => {
      if (state.groups.get(group.groupId) !== group) state.groups.set(group.groupId, group)
    },
    effects: step.effects.map(effect => shardEffect(group.groupId, effect, parts)),
    ...(reply === undefined ? {} : { response: reply }),
    ...(ifRefused === undefined ? {} : { ifRefused: error => classicDecision(ifRefused(error), parts) }),
  }
}

export function sessionEffect(
  groupId: string,
  memberId: string,
  afterMs: number,
  parts: GroupParts,
): GroupEffect {
  return {
    kind: 'schedule',
    timer: nameOf('session', groupId, memberId),
    afterMs,
    event: onGroup(groupId, parts, (group, now) => sessionOver(group, memberId, now)),
  }
}

function shardEffect(groupId: string, effect: ClassicEffect, parts: GroupParts): GroupEffect {
  const joinTimer = nameOf('join-phase', groupId)
  const initialDelay = nameOf('initial-delay', groupId)
  const syncTimer = nameOf('sync-phase', groupId)
  switch (effect.kind) {
    case 'park':
      return { kind: 'park', call: nameOf(effect.call, groupId, effect.memberId) }
    case 'answerJoin':
      return { kind: 'answer', call: nameOf('join', groupId, effect.memberId), response: effect.reply }
    case 'answerSync':
      return { kind: 'answer', call: nameOf('sync', groupId, effect.memberId), response: effect.reply }
    case 'startSession':
      return sessionEffect(groupId, effect.memberId, effect.afterMs, parts)
    case 'endSession':
      return { kind: 'cancel', timer: nameOf('session', groupId, effect.memberId) }
    case 'startJoinTimer': {
      const { afterMs, ifAbsent } = effect
      return {
        kind: 'schedule',
        timer: joinTimer,
        afterMs,
        ifAbsent,
        event: onGroup(groupId, parts, joinTimeOver),
      }
    }
    case 'startInitialDelay': {
      const event = onGroup(groupId, parts, initialDelayOver)
      return { kind: 'schedule', timer: initialDelay, afterMs: effect.afterMs, event }
    }
    case 'endInitialDelay':
      return { kind: 'cancel', timer: initialDelay }
    case 'endJoinTimer':
      return { kind: 'cancel', timer: joinTimer }
    case 'startSyncTimer': {
      const { afterMs, generation } = effect
      const event = onGroup(groupId, parts, (group, now) => syncTimeOver(group, generation, now))
      return { kind: 'schedule', timer: syncTimer, afterMs, event }
    }
    case 'endSyncTimer':
      return { kind: 'cancel', timer: syncTimer }
    default:
      return unreachable(effect)
  }
}

/** By the time a timer goes off the group may be gone, or of another kind. */
function onGroup(
  groupId: string,
  parts: GroupParts,
  decide: (group: ClassicGroup, now: Now) => Step,
): GroupEvent {
  return state => {
    const group = state.groups.get(groupId)
    return group?.kind === 'classic' ? classicDecision(decide(group, parts.now()), parts) : {}
  }
}
