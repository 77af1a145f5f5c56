// Spreads partitions evenly: balance first, then as few moves as possible. When all members are subscribed to the same
// topics their counts differ by one at most. When they are not, no partition can move to a subscriber that has at least
// two fewer. Racks play no part, as in Kafka.

import type { Uuid } from '../../protocol/index.ts'
import { assert } from '../../runtime/assert.ts'
import {
  addPartition,
  compareText,
  type DraftMember,
  emptyDraft,
  finished,
  inOrder,
  partitionKey,
  removePartition,
  retained,
} from './assignment-draft.ts'
import type { Assignment, AssignorInput, AssignorMember } from './assignor.ts'

export function uniformAssignor(input: AssignorInput): ReadonlyMap<string, Assignment> {
  if (input.members.length === 0) return new Map()
  const members = inOrder(input)
  return finished(
    isHomogeneous(members) ? spreadEvenly(members, input) : spreadAmongSubscribers(members, input),
  )
}

function isHomogeneous(members: readonly AssignorMember[]): boolean {
  const first = members[0]!.subscribedTopicIds
  return members.every(
    ({ subscribedTopicIds }) =>
      subscribedTopicIds === first ||
      (subscribedTopicIds.size === first.size &&
        [...first].every(topicId => subscribedTopicIds.has(topicId))),
  )
}

function spreadEvenly(members: readonly AssignorMember[], input: AssignorInput): DraftMember[] {
  const partitions = [...partitionsOf(members[0]!.subscribedTopicIds, input)]
  const least = Math.floor(partitions.length / members.length)
  let extras = partitions.length % members.length

  const taken = new Set<string>()
  const drafts = members.map(emptyDraft)
  // Who has more than the least already is the first to keep one more.
  members.forEach((member, index) => {
    const draft = drafts[index]!
    for (const [topicId, partition] of retained(member, input.partitionCounts, taken)) {
      if (draft.count > least || (draft.count === least && extras === 0)) break
      if (draft.count === least) extras--
      addPartition(draft, topicId, partition)
      taken.add(partitionKey(topicId, partition))
    }
  })

  const free = partitions.filter(([topicId, partition]) => !taken.has(partitionKey(topicId, partition)))
  let next = 0
  for (const draft of drafts) {
    let room = least - draft.count
    if (draft.count <= least && extras > 0) {
      extras--
      room++
    }
    for (; room > 0; room--) addPartition(draft, ...free[next++]!)
  }
  assert(next === free.length, 'Partitions were left without an owner.', { left: free.length - next })
  return drafts
}

function spreadAmongSubscribers(members: readonly AssignorMember[], input: AssignorInput): DraftMember[] {
  const drafts = members.map(emptyDraft)
  const subscribers = new Map<Uuid, DraftMember[]>()
  for (const draft of drafts) {
    for (const topicId of draft.subscribedTopicIds) {
      const others = subscribers.get(topicId)
      if (others === undefined) subscribers.set(topicId, [draft])
      else others.push(draft)
    }
  }

  const owners = new Map<string, DraftMember>()
  const before = new Map<string, DraftMember>()
  const taken = new Set<string>()
  members.forEach((member, index) => {
    const draft = drafts[index]!
    for (const [topicId, partition] of retained(member, input.partitionCounts, taken)) {
      const key = partitionKey(topicId, partition)
      addPartition(draft, topicId, partition)
      taken.add(key)
      owners.set(key, draft)
      before.set(key, draft)
    }
  })

  const topicIds = hardestFirst([...subscribers.keys()], subscribers, input)
  for (const [topicId, partition] of partitionsOf(topicIds, input)) {
    const key = partitionKey(topicId, partition)
    if (owners.has(key)) continue
    const owner = leastLoaded(subscribers.get(topicId)!)
    addPartition(owner, topicId, partition)
    owners.set(key, owner)
  }

  // Every move makes the sum of the squared counts smaller, so this ends.
  const movable = [...partitionsOf(topicIds, input)].filter(
    ([topicId]) => subscribers.get(topicId)!.length > 1,
  )
  let moved = true
  while (moved) {
    moved = false
    for (const [topicId, partition] of movable) {
      const key = partitionKey(topicId, partition)
      const owner = owners.get(key)!
      const home = before.get(key)
      const target =
        home !== undefined && home.count + 1 < owner.count ? home : leastLoaded(subscribers.get(topicId)!)
      if (target.count + 1 >= owner.count) continue
      removePartition(owner, topicId, partition)
      addPartition(target, topicId, partition)
      owners.set(key, target)
      moved = true
    }
  }
  return drafts
}

/** Topics with many partitions for few subscribers leave the least choice, so they come first. */
function hardestFirst(
  topicIds: Uuid[],
  subscribers: ReadonlyMap<Uuid, readonly DraftMember[]>,
  input: AssignorInput,
): Uuid[] {
  const load = (topicId: Uuid): number =>
    (input.partitionCounts.get(topicId) ?? 0) / subscribers.get(topicId)!.length
  return topicIds.sort(
    (a, b) =>
      load(b) - load(a) || subscribers.get(a)!.length - subscribers.get(b)!.length || compareText(a, b),
  )
}

function leastLoaded(members: readonly DraftMember[]): DraftMember {
  let least = members[0]!
  for (const member of members) if (member.count < least.count) least = member
  return least
}

/** A set is taken in the order of its ids, a list as it is. */
function* partitionsOf(
  topicIds: ReadonlySet<Uuid> | readonly Uuid[],
  input: AssignorInput,
): Generator<readonly [Uuid, number]> {
  const ordered = Array.isArray(topicIds) ? (topicIds as readonly Uuid[]) : [...topicIds].sort(compareText)
  for (const topicId of ordered) {
    const count = input.partitionCounts.get(topicId) ?? 0
    for (let partition = 0; partition < count; partition++) yield [topicId, partition]
  }
}
