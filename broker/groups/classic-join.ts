import type { ErrorName } from '../../protocol/index.ts'
import {
  checkMember,
  type ClassicGroup,
  type ClassicMember,
  noBytes,
  selectProtocol,
  staticMember,
  supportsProtocols,
  withMember,
} from './classic-group.ts'
import { groupMetadata } from './classic-group-records.ts'
import {
  joinedReply,
  membersForLeader,
  prepareRebalance,
  rebalance,
  rebalanceForNewMember,
} from './classic-rebalance.ts'
import {
  type ClassicEffect,
  doing,
  failedJoin,
  failedSync,
  type JoinReply,
  reply,
  type Step,
  andThen,
} from './classic-step.ts'
import type { Now } from './group-settings.ts'

/** JoinGroup, as far as a group is concerned that is there (or was just made for a member without an id). */
export interface JoinRequested {
  /** '' when the member has none yet. */
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  /** In the order of preference. */
  readonly protocols: ReadonlyMap<string, Buffer>
  /** v4+: a new dynamic member is sent away with an id to come back with, so that lost answers leave no dead members. */
  readonly mustKnowItsId: boolean
  /** v9+: a leader can be told to leave the assignment as it is. */
  readonly maySkipAssignment: boolean
  /** The unguessable part of the id of a new member. */
  readonly newIdSuffix: string
}

/** New members that wait have no heartbeat; after that long they are taken for gone. */
const newMemberJoinTimeoutMs = 5 * 60_000

/** Ids that were given out and never came back: a client that only ever asks for one must not fill the memory. */
const mostPendingMembers = 5000

/** A record has room for 32 KB of a member's id. */
const mostClientIdLength = 10_000

export function joinGroup(group: ClassicGroup, event: JoinRequested, now: Now): Step<JoinReply> {
  if (!hasRoomFor(group, event.memberId, now)) return refuseJoin(group, 'GROUP_MAX_SIZE_REACHED', '')
  return event.memberId === '' ? joinAsNew(group, event, now) : joinAgain(group, event, now)
}

function refuseJoin(group: ClassicGroup, error: ErrorName, memberId: string): Step<JoinReply> {
  return reply(group, failedJoin(error, memberId))
}

/** While members join again only those who wait count, so that a group that is too large gets rid of its last. */
function hasRoomFor(group: ClassicGroup, memberId: string, { settings }: Now): boolean {
  const most = settings['group.max.size']
  switch (group.state) {
    case 'empty':
      return true
    case 'preparingRebalance': {
      if (group.members.get(memberId)?.awaiting === 'join') return true
      let waiting = 0
      for (const member of group.members.values()) if (member.awaiting === 'join') waiting++
      return waiting < most
    }
    case 'completingRebalance':
    case 'stable':
      return group.members.has(memberId) || group.members.size < most
  }
}

function joinAsNew(group: ClassicGroup, event: JoinRequested, now: Now): Step<JoinReply> {
  if (!supportsProtocols(group, event.protocolType, event.protocols)) {
    return refuseJoin(group, 'INCONSISTENT_GROUP_PROTOCOL', '')
  }
  const memberId = `${event.instanceId ?? event.clientId.slice(0, mostClientIdLength)}-${event.newIdSuffix}`
  if (event.instanceId !== null) {
    const holder = staticMember(group, event.instanceId)
    return holder === undefined
      ? addMember(group, memberId, event, now)
      : replaceStaticMember(group, holder, memberId, event, now)
  }
  if (!event.mustKnowItsId) return addMember(group, memberId, event, now)
  if (group.pendingMembers.size >= mostPendingMembers) return refuseJoin(group, 'GROUP_MAX_SIZE_REACHED', '')
  const pending = { ...group, pendingMembers: new Set(group.pendingMembers).add(memberId) }
  return andThen(
    doing(pending, { kind: 'startSession', memberId, afterMs: event.sessionTimeoutMs }),
    expecting => refuseJoin(expecting, 'MEMBER_ID_REQUIRED', memberId),
  )
}

function joinAgain(group: ClassicGroup, event: JoinRequested, now: Now): Step<JoinReply> {
  const { memberId, instanceId } = event
  if (!supportsProtocols(group, event.protocolType, event.protocols)) {
    return refuseJoin(group, 'INCONSISTENT_GROUP_PROTOCOL', memberId)
  }
  if (group.pendingMembers.has(memberId)) {
    return instanceId === null
      ? addMember(group, memberId, event, now)
      : refuseJoin(group, 'UNKNOWN_MEMBER_ID', memberId)
  }
  const error = checkMember(group, memberId, instanceId)
  const member = group.members.get(memberId)
  if (error !== 'NONE' || member === undefined) return refuseJoin(group, error, memberId)
  switch (group.state) {
    case 'empty':
      return refuseJoin(group, 'UNKNOWN_MEMBER_ID', memberId)
    case 'preparingRebalance':
      return updateMember(group, member, event, now)
    case 'completingRebalance':
      // The same again: the answer to the first join was lost.
      return saysTheSame(member, event)
        ? reply(group, joinedReply(group, memberId))
        : updateMember(group, member, event, now)
    case 'stable':
      // A leader joins again when it has seen something that it wants to assign anew.
      return group.leader !== memberId && saysTheSame(member, event)
        ? reply(group, joinedReply(group, memberId))
        : updateMember(group, member, event, now)
  }
}

function saysTheSame(member: ClassicMember, event: JoinRequested): boolean {
  if (member.protocols.size !== event.protocols.size) return false
  const others = event.protocols.entries()
  for (const [name, metadata] of member.protocols) {
    const other = others.next().value
    if (other?.[0] !== name || !other[1].equals(metadata)) return false
  }
  return true
}

function addMember(group: ClassicGroup, memberId: string, event: JoinRequested, now: Now): Step<JoinReply> {
  const { instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = event
  const pendingMembers = new Set(group.pendingMembers)
  pendingMembers.delete(memberId)
  const isFirst = group.members.size === 0
  const joined = withMember(
    {
      ...group,
      pendingMembers,
      protocolType: isFirst ? event.protocolType : group.protocolType,
      leader: group.leader ?? memberId,
    },
    {
      id: memberId,
      instanceId,
      clientId,
      clientHost,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      protocols,
      assignment: noBytes,
      isNew: true,
      awaiting: 'join',
    },
  )
  return andThen(
    doing(
      joined,
      { kind: 'park', call: 'join', memberId },
      { kind: 'startSession', memberId, afterMs: newMemberJoinTimeoutMs },
    ),
    waiting => rebalanceForNewMember(waiting, now),
  )
}

function updateMember(
  group: ClassicGroup,
  member: ClassicMember,
  event: JoinRequested,
  now: Now,
): Step<JoinReply> {
  const waiting = parkJoin(group, member, event)
  return andThen(waiting, updated => rebalance(updated, now))
}

/** The member as it describes itself now, waiting. An earlier join of it that still waits was given up by the client. */
function parkJoin(group: ClassicGroup, member: ClassicMember, event: JoinRequested): Step {
  const { id: memberId } = member
  const effects: ClassicEffect[] = []
  if (member.awaiting === 'join') {
    effects.push({ kind: 'answerJoin', memberId, reply: failedJoin('REBALANCE_IN_PROGRESS', memberId) })
  }
  effects.push({ kind: 'park', call: 'join', memberId })
  if (!member.isNew) effects.push({ kind: 'startSession', memberId, afterMs: event.sessionTimeoutMs })
  const interrupted: ClassicEffect[] =
    member.awaiting === 'sync'
      ? [
          {
            kind: 'answerSync',
            memberId,
            reply: {
              error: 'REBALANCE_IN_PROGRESS',
              protocolType: null,
              protocol: null,
              assignment: noBytes,
            },
          },
        ]
      : []
  const { sessionTimeoutMs, rebalanceTimeoutMs, protocols } = event
  const updated: ClassicMember = {
    ...member,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols,
    awaiting: 'join',
  }
  return doing(withMember(group, updated), ...interrupted, ...effects)
}

/**
 * A static member came back without its id: it gets a new one, and whoever still uses the old one is fenced. While the group
 * is stable and would choose the same protocol, nothing else changes: no rebalance, the assignment stays.
 */
function replaceStaticMember(
  group: ClassicGroup,
  holder: ClassicMember,
  memberId: string,
  event: JoinRequested,
  now: Now,
): Step<JoinReply> {
  const replaced = replaceId(group, holder, memberId)
  const updated = andThen(replaced, renamed =>
    parkJoin(renamed, { ...holder, id: memberId, awaiting: null }, event),
  )
  const { group: next } = updated
  if (next.state === 'completingRebalance') return andThen(updated, waiting => prepareRebalance(waiting, now))
  if (next.state !== 'stable' || next.protocol !== selectProtocol(next)) {
    return andThen(updated, waiting => rebalance(waiting, now))
  }
  // Below v9 a leader cannot be told to skip the assignment; it is told that another one leads.
  const leads = next.leader === memberId
  const answer: JoinReply = {
    ...joinedReply(next, memberId),
    leader: event.maySkipAssignment ? (next.leader ?? '') : (group.leader ?? ''),
    skipAssignment: event.maySkipAssignment && leads,
    members: event.maySkipAssignment && leads ? membersForLeader(next) : [],
  }
  return andThen(updated, waiting => {
    const back = waiting.members.get(memberId)
    const settled = back === undefined ? waiting : withMember(waiting, { ...back, awaiting: null })
    return {
      group: settled,
      records: [groupMetadata(settled, now.nowMs)],
      effects: [{ kind: 'answerJoin', memberId, reply: answer }],
    }
  })
}

function replaceId(group: ClassicGroup, holder: ClassicMember, memberId: string): Step {
  const members = new Map<string, ClassicMember>()
  for (const member of group.members.values()) {
    if (member.id === holder.id) members.set(memberId, { ...member, id: memberId, awaiting: null })
    else members.set(member.id, member)
  }
  const pendingSyncs = new Set(group.pendingSyncs)
  if (pendingSyncs.delete(holder.id)) pendingSyncs.add(memberId)
  const effects: ClassicEffect[] = [{ kind: 'endSession', memberId: holder.id }]
  if (holder.awaiting === 'join') {
    const fenced = failedJoin('FENCED_INSTANCE_ID', holder.id)
    effects.push({ kind: 'answerJoin', memberId: holder.id, reply: fenced })
  }
  if (holder.awaiting === 'sync') {
    effects.push({ kind: 'answerSync', memberId: holder.id, reply: failedSync('FENCED_INSTANCE_ID') })
  }
  const leader = group.leader === holder.id ? memberId : group.leader
  return doing({ ...group, members, pendingSyncs, leader }, ...effects)
}
