// The classic side of conversion: what ends when a classic group becomes a consumer group, and what begins when a
// consumer group has become a classic one. The records are made in upgrade-group.ts and downgrade-group.ts.

import type { ClassicGroup } from './classic-group.ts'
import { classicDecision } from './classic-decision.ts'
import { afterLoad } from './classic-members.ts'
import { prepareRebalance } from './classic-rebalance.ts'
import { type ClassicEffect, failedJoin, failedSync, andThen } from './classic-step.ts'
import type { GroupParts } from './group-settings.ts'
import type { GroupDecision, GroupEffect, GroupState } from './group-state.ts'

/** Its timers go; whoever waits is told to join again, and finds the consumer group then. */
export function endOfClassic(group: ClassicGroup, parts: GroupParts): readonly GroupEffect[] {
  const effects: ClassicEffect[] = [{ kind: 'endJoinTimer' }, { kind: 'endSyncTimer' }]
  for (const { id, awaiting } of group.members.values()) {
    effects.push({ kind: 'endSession', memberId: id })
    if (awaiting === 'join')
      effects.push({ kind: 'answerJoin', memberId: id, reply: failedJoin('REBALANCE_IN_PROGRESS', id) })
    else if (awaiting === 'sync')
      effects.push({ kind: 'answerSync', memberId: id, reply: failedSync('REBALANCE_IN_PROGRESS') })
  }
  for (const memberId of group.pendingMembers) effects.push({ kind: 'endSession', memberId })
  return classicDecision({ group, records: [], effects }, parts).effects ?? []
}

/** Sessions begin, and a rebalance: its members have what they had, and nobody has what those had who left. */
export function startOfClassic(state: GroupState, groupId: string, parts: GroupParts): GroupDecision {
  const group = state.groups.get(groupId)
  if (group?.kind !== 'classic' || group.state !== 'stable') return {}
  const now = parts.now()
  return classicDecision(
    andThen(afterLoad(group, now), started =>
      started.state === 'stable'
        ? prepareRebalance(started, now)
        : { group: started, records: [], effects: [] },
    ),
    parts,
  )
}
