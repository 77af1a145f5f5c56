// Members that speak the classic protocol in a consumer group: JoinGroup, SyncGroup, Heartbeat and LeaveGroup are
// answered from it. Their generation is their member epoch. They do not wait for each other: whoever has to move is told
// to join again, and its join is one step of reconciliation.

import type { ErrorName } from '../../protocol/index.ts'
import { consumerProtocolType, noBytes } from './classic-group.ts'
import type { JoinRequested } from './classic-join.ts'
import { failedJoin, failedSync, type JoinReply, type SyncReply } from './classic-step.ts'
import { advance, checkSize, ordered, takeMember } from './consumer-heartbeat.ts'
import { loseMembers } from './consumer-leave.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { checkInstance, subscribe } from './consumer-members.ts'
import { readSubscription, withTopicIds, writeAssignment } from './consumer-protocol.ts'
import { type ConsumerStep, isRefusal } from './consumer-step.ts'
import { downgradeIfLast } from './downgrade-group.ts'
import { updateTarget } from './target-assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'

/** The group has members. Nothing of `step` may be used when the reply is an error. */
export function joinConsumerGroup(step: ConsumerStep, event: JoinRequested): JoinReply {
  const { group, context } = step
  const { instanceId } = event
  const memberId = event.memberId === '' ? context.newId() : event.memberId
  const full = checkSize(step, memberId, instanceId)
  if (full !== undefined) return failedJoin(full.error, event.memberId)

  const [first] = event.protocols
  const subscription = first === undefined ? null : readSubscription(first[1])
  const fits =
    event.protocolType === consumerProtocolType &&
    subscription !== null &&
    group.supportsClassicProtocols(event.protocols.keys())
  if (!fits) return failedJoin('INCONSISTENT_GROUP_PROTOCOL', event.memberId)
  if (event.memberId === '' && instanceId === null && event.mustKnowItsId)
    return failedJoin('MEMBER_ID_REQUIRED', memberId)

  const hadConsumerMembers = group.classicMemberCount < group.members.size
  const before = subscribe(step, {
    memberId,
    instanceId,
    memberEpoch: 0,
    owned: null,
    joins: instanceId === null || event.memberId === '',
    classic: true,
  })
  if (isRefusal(before)) return failedJoin(before.error, event.memberId)
  const updated: ConsumerMember = {
    ...before,
    instanceId: instanceId ?? before.instanceId,
    rackId: subscription.rackId === '' ? before.rackId : (subscription.rackId ?? before.rackId),
    rebalanceTimeoutMs: event.rebalanceTimeoutMs,
    serverAssignor: null,
    subscribedTopicNames: ordered(subscription.topics),
    subscribedTopicRegex: null,
    clientId: event.clientId,
    clientHost: event.clientHost,
    classic: {
      sessionTimeoutMs: event.sessionTimeoutMs,
      supportedProtocols: Array.from(event.protocols, ([name, metadata]) => ({ name, metadata })),
    },
  }
  const member = takeMember(step, before, updated)
  updateTarget(step)
  const after = advance(step, member, withTopicIds(subscription.ownedPartitions, context.topics))
  if (isRefusal(after)) return failedJoin('UNKNOWN_MEMBER_ID', event.memberId)

  step.cancel(memberId, ['join'])
  // A static member may have taken the place of the last one that spoke the newer protocol.
  if (!hadConsumerMembers || !downgradeIfLast(step, new Set())) {
    step.schedule('session', memberId, event.sessionTimeoutMs)
    step.schedule('sync', memberId, event.rebalanceTimeoutMs)
  }
  return {
    error: 'NONE',
    memberId,
    generation: after.memberEpoch,
    protocolType: consumerProtocolType,
    protocol: first![0],
    leader: '',
    skipAssignment: false,
    members: [],
  }
}

/** Who speaks in the calls that follow a join. */
export interface ClassicCaller {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
}

export interface SyncRequested extends ClassicCaller {
  /** null: not told. */
  readonly protocolType: string | null
  readonly protocol: string | null
}

export function syncConsumerGroup(step: ConsumerStep, event: SyncRequested): SyncReply {
  const { group, context } = step
  const member = findCaller(group, event)
  if (typeof member === 'string') return failedSync(member)
  const [chosen] = member.classic.supportedProtocols
  const matches =
    (event.protocolType === null || event.protocolType === consumerProtocolType) &&
    (event.protocol === null || event.protocol === chosen?.name)
  if (!matches) return failedSync('INCONSISTENT_GROUP_PROTOCOL')
  if (group.targetEpoch > member.memberEpoch && member.state !== 'unrevokedPartitions') {
    tellToJoin(step, member)
    return failedSync('REBALANCE_IN_PROGRESS')
  }
  step.cancel(member.memberId, ['sync'])
  step.schedule('session', member.memberId, member.classic.sessionTimeoutMs)
  return {
    error: 'NONE',
    protocolType: consumerProtocolType,
    protocol: chosen?.name ?? null,
    assignment: writeAssignment(member.assigned, context.topics, chosen?.metadata ?? noBytes),
  }
}

export function heartbeatToConsumerGroup(step: ConsumerStep, event: ClassicCaller): ErrorName {
  const { group } = step
  const member = findCaller(group, event)
  if (typeof member === 'string') return member
  step.schedule('session', member.memberId, member.classic.sessionTimeoutMs)
  if (step.topicsChanged()) {
    step.bumpEpoch()
    updateTarget(step)
  }
  if (!hasToMove(group, member)) return 'NONE'
  tellToJoin(step, member)
  return 'REBALANCE_IN_PROGRESS'
}

/** A newer target, something to give up, or something that has become free. */
function hasToMove(group: ConsumerGroup, member: ConsumerMember): boolean {
  if (member.memberEpoch < group.targetEpoch) return true
  switch (member.state) {
    case 'unrevokedPartitions':
    case 'unknown':
      return true
    case 'unreleasedPartitions':
      for (const [topicId, partitions] of group.target(member.memberId)) {
        for (const partition of partitions)
          if (!member.assigned.get(topicId)?.has(partition) && group.ownerEpoch(topicId, partition) === -1)
            return true
      }
      return false
    case 'stable':
      return false
  }
}

/** It has its rebalance timeout to come. */
function tellToJoin(step: ConsumerStep, member: ConsumerMember): void {
  step.schedule('join', member.memberId, member.rebalanceTimeoutMs, { ifAbsent: true })
}

export interface LeavingMember {
  /** '' with an instance id: whoever stands for it. */
  readonly memberId: string
  readonly instanceId: string | null
}

/** LeaveGroup; each gets an answer of its own. */
export function leaveConsumerGroup(
  step: ConsumerStep,
  leaving: readonly LeavingMember[],
): readonly ErrorName[] {
  const gone = new Set<string>()
  const errors = leaving.map(({ memberId, instanceId }): ErrorName => {
    const holder = instanceId === null ? undefined : step.group.staticMember(instanceId)
    const id = memberId === '' ? (holder?.memberId ?? '') : memberId
    const member = findClassic(step.group, id, instanceId)
    if (typeof member === 'string') return member
    gone.add(id)
    return 'NONE'
  })
  if (gone.size > 0) loseMembers(step, [...gone])
  return errors
}

type Caller = ConsumerMember & { readonly classic: NonNullable<ConsumerMember['classic']> }

function findCaller(
  group: ConsumerGroup,
  { memberId, instanceId, generation }: ClassicCaller,
): Caller | ErrorName {
  const member = findClassic(group, memberId, instanceId)
  if (typeof member === 'string') return member
  return generation === member.memberEpoch ? member : 'ILLEGAL_GENERATION'
}

function findClassic(group: ConsumerGroup, memberId: string, instanceId: string | null): Caller | ErrorName {
  const refusal = instanceId === null ? undefined : checkInstance(group, instanceId, memberId)
  if (refusal !== undefined) return refusal.error
  const member = group.members.get(memberId)
  return member?.classic ? { ...member, classic: member.classic } : 'UNKNOWN_MEMBER_ID'
}
