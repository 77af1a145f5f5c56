import type { ErrorName } from '../../protocol/index.ts'
import { checkMember, type ClassicGroup, type ClassicMember, noBytes, withMember } from './classic-group.ts'
import { groupMetadata } from './classic-group-records.ts'
import { interruptSync, prepareRebalance } from './classic-rebalance.ts'
import {
  type ClassicEffect,
  doing,
  failedSync,
  reply,
  type Step,
  type SyncReply,
  andThen,
} from './classic-step.ts'
import type { Now } from './group-settings.ts'

export interface SyncRequested {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
  /** null: not told (below v5). */
  readonly protocolType: string | null
  readonly protocol: string | null
  /** From the leader; empty from others. */
  readonly assignments: ReadonlyMap<string, Buffer>
}

/** A member asks for its assignment, which the leader brings along. Nobody gets one before it is written and replicated. */
export function syncGroup(group: ClassicGroup, event: SyncRequested, now: Now): Step<SyncReply> {
  const { memberId } = event
  const error = refusalOfSync(group, event)
  const member = group.members.get(memberId)
  if (error !== 'NONE' || member === undefined) return reply(group, failedSync(error))
  switch (group.state) {
    case 'empty':
      return reply(group, failedSync('UNKNOWN_MEMBER_ID'))
    case 'preparingRebalance':
      return reply(group, failedSync('REBALANCE_IN_PROGRESS'))
    case 'completingRebalance': {
      const waiting = parkSync(group, member)
      return group.leader === memberId ? andThen(waiting, parked => assign(parked, event, now)) : waiting
    }
    case 'stable':
      return andThen(synced(group, member), current => ({
        ...doing(current, { kind: 'startSession', memberId, afterMs: member.sessionTimeoutMs }),
        reply: replyOf(current, member.assignment),
      }))
  }
}

function refusalOfSync(group: ClassicGroup, event: SyncRequested): ErrorName {
  const error = checkMember(group, event.memberId, event.instanceId)
  if (error !== 'NONE') return error
  if (event.generation !== group.generation) return 'ILLEGAL_GENERATION'
  const differs = (given: string | null, own: string | null): boolean =>
    given !== null && own !== null && given !== own
  return differs(event.protocolType, group.protocolType) || differs(event.protocol, group.protocol)
    ? 'INCONSISTENT_GROUP_PROTOCOL'
    : 'NONE'
}

/** Nobody waits any longer for this member to sync. */
function synced(group: ClassicGroup, member: ClassicMember): Step {
  if (!group.pendingSyncs.has(member.id)) return doing(group)
  const pendingSyncs = new Set(group.pendingSyncs)
  pendingSyncs.delete(member.id)
  const effects: ClassicEffect[] = pendingSyncs.size === 0 ? [{ kind: 'endSyncTimer' }] : []
  return doing({ ...group, pendingSyncs }, ...effects)
}

/** An earlier sync of this member that still waits was given up by the client. */
function parkSync(group: ClassicGroup, member: ClassicMember): Step {
  const { id: memberId } = member
  const effects: ClassicEffect[] = []
  if (member.awaiting === 'sync') {
    effects.push({ kind: 'answerSync', memberId, reply: failedSync('REBALANCE_IN_PROGRESS') })
  }
  effects.push({ kind: 'park', call: 'sync', memberId })
  return andThen(synced(group, member), current =>
    doing(withMember(current, { ...member, awaiting: 'sync' }), ...effects),
  )
}

/** The record makes the group stable. Everybody who waits is answered once it is replicated. */
function assign(group: ClassicGroup, event: SyncRequested, now: Now): Step<SyncReply> {
  const assignments = new Map<string, Buffer>()
  const effects: ClassicEffect[] = []
  for (const member of group.members.values()) {
    const assignment = event.assignments.get(member.id) ?? noBytes
    assignments.set(member.id, assignment)
    if (member.awaiting !== 'sync') continue
    effects.push({ kind: 'answerSync', memberId: member.id, reply: replyOf(group, assignment) })
    effects.push({ kind: 'startSession', memberId: member.id, afterMs: member.sessionTimeoutMs })
  }
  return {
    group,
    records: [groupMetadata(group, now.nowMs, assignments)],
    effects,
    ifRefused: error => {
      const leader = group.members.get(event.memberId)
      const others = leader === undefined ? group : withMember(group, { ...leader, awaiting: null })
      const told = andThen(interruptSync(others, error), left => prepareRebalance(left, now))
      return { ...told, reply: failedSync(error) }
    },
  }
}

function replyOf(group: ClassicGroup, assignment: Buffer): SyncReply {
  return { error: 'NONE', protocolType: group.protocolType, protocol: group.protocol, assignment }
}
