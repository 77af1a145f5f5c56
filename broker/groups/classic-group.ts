import {
  consumerProtocolSubscription,
  decodeVersioned,
  type ErrorName,
  ProtocolError,
} from '../../protocol/index.ts'

/**
 * A classic group: its members agree on a protocol, one of them, the leader, hands out assignments that the broker does
 * not understand. An immutable value; the machine is in the other classic-*.ts files, one for each thing that happens.
 *
 * Remembered in the log (GroupMetadata record): protocol type, generation, protocol, leader, members with the metadata
 * of that protocol and their assignments. Everything about a rebalance under way is not: after a load a group with
 * members is stable, one without is empty.
 */
export interface ClassicGroup {
  readonly kind: 'classic'
  readonly groupId: string
  readonly state: ClassicState
  /** Wall clock; -1 for groups of an old format. */
  readonly stateSinceMs: number
  /** null: nobody has ever joined, the group only has positions ("simple"). */
  readonly protocolType: string | null
  /** 0 before the first. */
  readonly generation: number
  /** The one that was chosen; null while there is none. */
  readonly protocol: string | null
  readonly leader: string | null
  /** In the order in which they joined. */
  readonly members: ReadonlyMap<string, ClassicMember>
  /** Were given an id to come back with and have not come yet: the join phase waits for them. */
  readonly pendingMembers: ReadonlySet<string>
  /** Have been told of this generation and have not synced yet. */
  readonly pendingSyncs: ReadonlySet<string>
  /** The rebalance under way is the first of an empty group, and is held up so that more can join. */
  readonly isInitialRebalance: boolean
}

/**
 * Which state may follow which. `dead` is what DescribeGroups calls a group that is not there; a group that is removed is
 * taken out of the map.
 *
 * | from \ on            | member joins        | all are in          | leader syncs | member leaves, expires, changes |
 * |----------------------|---------------------|---------------------|--------------|---------------------------------|
 * | empty                | preparingRebalance  |                     |              |                                 |
 * | preparingRebalance   | waits               | completingRebalance, or empty when nobody is left  | same |  |
 * | completingRebalance  | preparingRebalance  |                     | stable       | preparingRebalance              |
 * | stable               | preparingRebalance  |                     |              | preparingRebalance              |
 */
export const legalMoves = {
  empty: ['preparingRebalance', 'dead'],
  preparingRebalance: ['completingRebalance', 'empty', 'dead'],
  completingRebalance: ['stable', 'preparingRebalance', 'dead'],
  stable: ['preparingRebalance', 'dead'],
  dead: [],
} as const satisfies Record<string, readonly string[]>

export type ClassicState = Exclude<keyof typeof legalMoves, 'dead'>

/** As clients see the states. */
export const classicStateNames: Readonly<Record<keyof typeof legalMoves, string>> = {
  empty: 'Empty',
  preparingRebalance: 'PreparingRebalance',
  completingRebalance: 'CompletingRebalance',
  stable: 'Stable',
  dead: 'Dead',
}

export interface ClassicMember {
  readonly id: string
  /** Not null: a static member. */
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Name → metadata, in the order of the member's preference. After a load only the chosen one is known. */
  readonly protocols: ReadonlyMap<string, Buffer>
  readonly assignment: Buffer
  /** Has never been answered a join. */
  readonly isNew: boolean
  /** Which of its calls is parked. */
  readonly awaiting: 'join' | 'sync' | null
}

export const noBytes: Buffer = Buffer.alloc(0)

export function newClassicGroup(groupId: string, nowMs: number): ClassicGroup {
  return {
    kind: 'classic',
    groupId,
    state: 'empty',
    stateSinceMs: nowMs,
    protocolType: null,
    generation: 0,
    protocol: null,
    leader: null,
    members: new Map(),
    pendingMembers: new Set(),
    pendingSyncs: new Set(),
    isInitialRebalance: false,
  }
}

/** The member of a static member's name. */
export function staticMember(group: ClassicGroup, instanceId: string): ClassicMember | undefined {
  for (const member of group.members.values()) if (member.instanceId === instanceId) return member
  return undefined
}

/** NONE when the id, and the static name if one is given, belong to a member. */
export function checkMember(group: ClassicGroup, memberId: string, instanceId: string | null): ErrorName {
  if (instanceId !== null) {
    const holder = staticMember(group, instanceId)
    if (holder === undefined) return 'UNKNOWN_MEMBER_ID'
    if (holder.id !== memberId) return 'FENCED_INSTANCE_ID'
  }
  return group.members.has(memberId) ? 'NONE' : 'UNKNOWN_MEMBER_ID'
}

/** The longest time that any member may take to join again. */
export function rebalanceTimeoutMs(group: ClassicGroup): number {
  let longestMs = 0
  for (const member of group.members.values()) longestMs = Math.max(longestMs, member.rebalanceTimeoutMs)
  return longestMs
}

/** Protocols that every member knows. */
export function commonProtocols(group: ClassicGroup): Set<string> {
  const [first, ...others] = group.members.values()
  const common = new Set(first?.protocols.keys())
  for (const member of others) {
    for (const name of common) if (!member.protocols.has(name)) common.delete(name)
    if (common.size === 0) break
  }
  return common
}

/** Whether somebody with these protocols can take part. */
export function supportsProtocols(
  group: ClassicGroup,
  protocolType: string,
  protocols: ReadonlyMap<string, Buffer>,
): boolean {
  if (group.state === 'empty') return protocolType !== '' && protocols.size > 0
  if (group.protocolType !== protocolType) return false
  if (group.members.size === 0) return protocols.size > 0
  for (const name of commonProtocols(group)) if (protocols.has(name)) return true
  return false
}

/** Of the protocols that all know, the one that most members like best. Null when they have none in common. */
export function selectProtocol(group: ClassicGroup): string | null {
  const common = commonProtocols(group)
  const votes = new Map<string, number>()
  for (const member of group.members.values()) {
    for (const name of member.protocols.keys()) {
      if (!common.has(name)) continue
      votes.set(name, (votes.get(name) ?? 0) + 1)
      break
    }
  }
  let chosen: string | null = null
  for (const [name, count] of votes) if (chosen === null || count > (votes.get(chosen) ?? 0)) chosen = name
  return chosen
}

/** What the member says in the chosen protocol. */
export function memberMetadata(group: ClassicGroup, member: ClassicMember): Buffer {
  return (group.protocol === null ? undefined : member.protocols.get(group.protocol)) ?? noBytes
}

export const consumerProtocolType = 'consumer'

/** The embedded protocol of consumers, whose subscriptions the broker can read. */
export function usesConsumerProtocol(group: ClassicGroup): boolean {
  return group.protocolType === consumerProtocolType
}

/** Topics that members say they want. Null when that cannot be known: other protocols, metadata of another form. */
export function subscribedTopics(group: ClassicGroup): ReadonlySet<string> | null {
  if (group.members.size === 0) return new Set()
  if (!usesConsumerProtocol(group) || group.protocol === null) return null
  const topics = new Set<string>()
  try {
    for (const member of group.members.values()) {
      const { topics: wanted } = decodeVersioned(
        consumerProtocolSubscription,
        memberMetadata(group, member),
        {
          newerAsNewest: true,
        },
      )
      for (const topic of wanted) topics.add(topic)
    }
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
  return topics
}

// ---- changes that every part of the machine makes ----

export function withState(group: ClassicGroup, state: ClassicState, nowMs: number): ClassicGroup {
  return { ...group, state, stateSinceMs: nowMs }
}

/** Puts a member in, or another version of one that is there, in its place. */
export function withMember(group: ClassicGroup, member: ClassicMember): ClassicGroup {
  return { ...group, members: new Map(group.members).set(member.id, member) }
}

/** Every member after `change`, in the same order. */
export function withMembers(
  group: ClassicGroup,
  change: (member: ClassicMember) => ClassicMember,
): ClassicGroup {
  const members = new Map<string, ClassicMember>()
  for (const member of group.members.values()) members.set(member.id, change(member))
  return { ...group, members }
}

/** Takes members out; should the leader go, the first of the others leads. */
export function withoutMembers(group: ClassicGroup, gone: ReadonlySet<string>): ClassicGroup {
  const members = new Map(group.members)
  for (const id of gone) members.delete(id)
  const leader =
    group.leader !== null && gone.has(group.leader) ? (members.keys().next().value ?? null) : group.leader
  return {
    ...group,
    members,
    leader,
    pendingMembers: difference(group.pendingMembers, gone),
    pendingSyncs: difference(group.pendingSyncs, gone),
  }
}

function difference(from: ReadonlySet<string>, gone: ReadonlySet<string>): ReadonlySet<string> {
  const left = new Set(from)
  for (const id of gone) left.delete(id)
  return left.size === from.size ? from : left
}
