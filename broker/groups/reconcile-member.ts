// One step of a member from what it has towards what it should have. It first gives up what it should not have, and
// confirms that by no longer reporting it; only then its epoch becomes that of the target and it gets what is new, as
// far as nobody else has it still. No partition ever has two owners.

import type { Uuid } from '../../protocol/index.ts'
import { type Assignment, noPartitions } from './assignor.ts'
import { isExpression, type ResolvedExpression } from './consumer-group.ts'
import {
  type ConsumerMember,
  type MemberState,
  nothingOwned,
  type OwnedPartitions,
  owns,
} from './consumer-member.ts'
import type { GroupTopics } from './group-topics.ts'

/** What a member says that it owns. */
export type OwnedReport = readonly { readonly topicId: Uuid; readonly partitions: readonly number[] }[]

export interface Reconciliation {
  readonly targetEpoch: number
  readonly target: Assignment
  /** null: not told this time. */
  readonly owned: OwnedReport | null
  /** See ConsumerGroup.ownerEpoch. */
  readonly ownerEpoch: (topicId: Uuid, partition: number) => number
  readonly topics: GroupTopics
  readonly expressions: ReadonlyMap<string, ResolvedExpression>
}

/** The same object when nothing changes. 'fenced': nobody here knows its state, so it has to join anew. */
export function reconcile(member: ConsumerMember, towards: Reconciliation): ConsumerMember | 'fenced' {
  switch (member.state) {
    case 'stable':
      return member.memberEpoch === towards.targetEpoch
        ? withoutUnsubscribed(member, towards)
        : nextAssignment(member, member.memberEpoch, towards)
    case 'unrevokedPartitions':
      return stillOwns(towards.owned, member.pendingRevocation)
        ? withoutUnsubscribed(member, towards)
        : nextAssignment(member, member.memberEpoch, towards)
    case 'unreleasedPartitions':
      return nextAssignment(member, member.memberEpoch, towards)
    case 'unknown':
      return towards.owned === null || towards.owned.length > 0
        ? 'fenced'
        : nextAssignment(member, towards.targetEpoch, towards)
  }
}

/** Takes what it may no longer read at once, though no new target says so yet. */
function withoutUnsubscribed(member: ConsumerMember, towards: Reconciliation): ConsumerMember {
  if (isKnownToFit(member, towards)) return member
  const isSubscribed = subscriptionOf(member, towards)
  if ([...member.assigned.keys()].every(isSubscribed)) {
    fitting.set(member, { topics: towards.topics, resolved: resolvedFor(member, towards) })
    return member
  }
  const assigned = new Map([...member.assigned].filter(([topicId]) => isSubscribed(topicId)))
  const revoked = new Map(member.pendingRevocation)
  for (const [topicId, epochs] of member.assigned)
    if (!isSubscribed(topicId)) revoked.set(topicId, new Map([...(revoked.get(topicId) ?? []), ...epochs]))
  if (!stillOwns(towards.owned, revoked)) return { ...member, assigned }
  return { ...member, state: 'unrevokedPartitions', assigned, pendingRevocation: revoked }
}

/** Members seen to have nothing but what they subscribe to, and what that was seen against: most heartbeats change nothing. */
const fitting = new WeakMap<
  ConsumerMember,
  { readonly topics: GroupTopics; readonly resolved: ResolvedExpression | undefined }
>()

function isKnownToFit(member: ConsumerMember, towards: Reconciliation): boolean {
  const seen = fitting.get(member)
  return seen?.topics === towards.topics && seen.resolved === resolvedFor(member, towards)
}

function nextAssignment(
  member: ConsumerMember,
  memberEpoch: number,
  towards: Reconciliation,
): ConsumerMember {
  const { targetEpoch, target, ownerEpoch } = towards
  const kept = new Map<Uuid, Map<number, number>>()
  const revoked = new Map<Uuid, ReadonlyMap<number, number>>()
  const added: [Uuid, number][] = []
  let unreleased = false
  const isSubscribed = subscriptionOf(member, towards)

  for (const topicId of new Set([...target.keys(), ...member.assigned.keys()])) {
    const wanted = new Set(isSubscribed(topicId) ? target.get(topicId) : [])
    const had = member.assigned.get(topicId) ?? noEpochs
    const keep = new Map([...had].filter(([partition]) => wanted.has(partition)))
    if (keep.size > 0) kept.set(topicId, keep)
    if (keep.size < had.size)
      revoked.set(topicId, new Map([...had].filter(([partition]) => !wanted.has(partition))))
    for (const partition of wanted) {
      if (keep.has(partition)) continue
      // What this very member was revoking is its own to take back.
      if (ownerEpoch(topicId, partition) === -1 || owns(member.pendingRevocation, topicId, partition))
        added.push([topicId, partition])
      else unreleased = true
    }
  }

  if (revoked.size > 0 && stillOwns(towards.owned, revoked))
    return moved(member, memberEpoch, 'unrevokedPartitions', kept, revoked)
  for (const [topicId, partition] of added) {
    const epochs = kept.get(topicId)
    if (epochs === undefined) kept.set(topicId, new Map([[partition, targetEpoch]]))
    else epochs.set(partition, targetEpoch)
  }
  return moved(member, targetEpoch, unreleased ? 'unreleasedPartitions' : 'stable', kept, nothingOwned)
}

const noEpochs: ReadonlyMap<number, number> = new Map()

function moved(
  member: ConsumerMember,
  memberEpoch: number,
  state: MemberState,
  assigned: OwnedPartitions,
  pendingRevocation: OwnedPartitions,
): ConsumerMember {
  const previousMemberEpoch =
    memberEpoch === member.memberEpoch ? member.previousMemberEpoch : member.memberEpoch
  return { ...member, memberEpoch, previousMemberEpoch, state, assigned, pendingRevocation }
}

/** A member that does not say counts as one that owns everything still. */
function stillOwns(owned: OwnedReport | null, revoked: OwnedPartitions): boolean {
  if (owned === null) return true
  return owned.some(({ topicId, partitions }) =>
    partitions.some(partition => owns(revoked, topicId, partition)),
  )
}

/** Deleted topics count as not subscribed, and expressions that are not resolved yet as empty. */
function subscriptionOf(member: ConsumerMember, towards: Reconciliation): (topicId: Uuid) => boolean {
  const names = new Set(member.subscribedTopicNames)
  for (const name of resolvedFor(member, towards)?.topics ?? []) names.add(name)
  return topicId => {
    const name = towards.topics.byId(topicId)?.name
    return name !== undefined && names.has(name)
  }
}

function resolvedFor(member: ConsumerMember, towards: Reconciliation): ResolvedExpression | undefined {
  return isExpression(member.subscribedTopicRegex)
    ? towards.expressions.get(member.subscribedTopicRegex)
    : undefined
}

/** Whether everything in `owned` is in `assigned`. */
export function isWithin(owned: OwnedReport | null, assigned: OwnedPartitions): boolean {
  if (owned === null) return false
  return owned.every(({ topicId, partitions }) =>
    partitions.every(partition => owns(assigned, topicId, partition)),
  )
}

export function assignmentOf(owned: OwnedPartitions): Assignment {
  if (owned.size === 0) return noPartitions
  return new Map([...owned].map(([topicId, epochs]) => [topicId, [...epochs.keys()].sort((a, b) => a - b)]))
}
