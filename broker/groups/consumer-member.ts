import type { Uuid } from '../../protocol/index.ts'

/** In the order of their numbers in records. */
export const memberStates = ['stable', 'unrevokedPartitions', 'unreleasedPartitions'] as const

/**
 * - stable: has what it should have, or knows nothing newer;
 * - unrevokedPartitions: was told to give something up and has not confirmed;
 * - unreleasedPartitions: waits for partitions that others have not given up yet;
 * - unknown: written by a newer broker.
 */
export type MemberState = (typeof memberStates)[number] | 'unknown'

/** By topic and partition the epoch in which the member got it. A topic without partitions is left out. */
export type OwnedPartitions = ReadonlyMap<Uuid, ReadonlyMap<number, number>>

export const leaveEpoch = -1
export const staticLeaveEpoch = -2

export interface ConsumerMember {
  readonly memberId: string
  /** -2: a static member that left for a while; -1 (only while it is being removed): gone. */
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Without doubles, in order. */
  readonly subscribedTopicNames: readonly string[]
  readonly subscribedTopicRegex: string | null
  readonly rebalanceTimeoutMs: number
  readonly serverAssignor: string | null
  /** What a member that speaks the classic protocol said when it joined; null for the newer protocol. */
  readonly classic: ClassicMemberMetadata | null
  readonly assigned: OwnedPartitions
  readonly pendingRevocation: OwnedPartitions
}

export interface ClassicMemberMetadata {
  readonly sessionTimeoutMs: number
  readonly supportedProtocols: readonly ClassicProtocol[]
}

export interface ClassicProtocol {
  readonly name: string
  /** The embedded consumer protocol's subscription. */
  readonly metadata: Buffer
}

export const nothingOwned: OwnedPartitions = new Map()

export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: 'stable',
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    subscribedTopicRegex: null,
    rebalanceTimeoutMs: -1,
    serverAssignor: null,
    classic: null,
    assigned: nothingOwned,
    pendingRevocation: nothingOwned,
  }
}

/** Whether nothing is left to do until there is another target. */
export function isReconciledTo(member: ConsumerMember, targetEpoch: number): boolean {
  return member.state === 'stable' && member.memberEpoch === targetEpoch
}

export function owns(owned: OwnedPartitions, topicId: Uuid, partition: number): boolean {
  return owned.get(topicId)?.has(partition) ?? false
}

export function sameOwned(one: OwnedPartitions, other: OwnedPartitions): boolean {
  if (one === other) return true
  if (one.size !== other.size) return false
  for (const [topicId, epochs] of one) {
    const others = other.get(topicId)
    if (others?.size !== epochs.size) return false
    for (const [partition, epoch] of epochs) if (others.get(partition) !== epoch) return false
  }
  return true
}

/** The same partitions, whatever the epochs in which they were given. */
export function samePartitions(one: OwnedPartitions, other: OwnedPartitions): boolean {
  if (one.size !== other.size) return false
  for (const [topicId, epochs] of one) {
    const others = other.get(topicId)
    if (others?.size !== epochs.size) return false
    for (const partition of epochs.keys()) if (!others.has(partition)) return false
  }
  return true
}

/** Whether what a member says of itself is the same, so that no record of it is needed. */
export function sameMetadata(one: ConsumerMember, other: ConsumerMember): boolean {
  return (
    one.instanceId === other.instanceId &&
    one.rackId === other.rackId &&
    one.clientId === other.clientId &&
    one.clientHost === other.clientHost &&
    one.subscribedTopicRegex === other.subscribedTopicRegex &&
    one.rebalanceTimeoutMs === other.rebalanceTimeoutMs &&
    one.serverAssignor === other.serverAssignor &&
    sameNames(one.subscribedTopicNames, other.subscribedTopicNames) &&
    sameClassic(one.classic, other.classic)
  )
}

export function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((name, index) => name === other[index]))
}

function sameClassic(one: ClassicMemberMetadata | null, other: ClassicMemberMetadata | null): boolean {
  if (one === null || other === null) return one === other
  return (
    one.sessionTimeoutMs === other.sessionTimeoutMs &&
    one.supportedProtocols.length === other.supportedProtocols.length &&
    one.supportedProtocols.every(({ name, metadata }, index) => {
      const others = other.supportedProtocols[index]!
      return name === others.name && metadata.equals(others.metadata)
    })
  )
}
