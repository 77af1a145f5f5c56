import type { Uuid } from '../../protocol/index.ts'
import type { Assignment, AssignorInput, AssignorMember } from './assignor.ts'

/** One member while its partitions are worked out. */
export interface DraftMember {
  readonly memberId: string
  readonly subscribedTopicIds: ReadonlySet<Uuid>
  readonly partitions: Map<Uuid, Set<number>>
  count: number
}

export function addPartition(member: DraftMember, topicId: Uuid, partition: number): void {
  let partitions = member.partitions.get(topicId)
  if (partitions === undefined) {
    partitions = new Set()
    member.partitions.set(topicId, partitions)
  }
  partitions.add(partition)
  member.count++
}

export function removePartition(member: DraftMember, topicId: Uuid, partition: number): void {
  member.partitions.get(topicId)?.delete(partition)
  member.count--
}

export function emptyDraft(member: AssignorMember): DraftMember {
  return {
    memberId: member.memberId,
    subscribedTopicIds: member.subscribedTopicIds,
    partitions: new Map(),
    count: 0,
  }
}

export function inOrder(input: AssignorInput): AssignorMember[] {
  return [...input.members].sort((a, b) => compareText(a.memberId, b.memberId))
}

/** By UTF-16 units, the same everywhere. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * What `member` had and may still have, topics in order and partitions ascending: subscribed, existing, and not in
 * `taken`.
 */
export function* retained(
  member: AssignorMember,
  partitionCounts: ReadonlyMap<Uuid, number>,
  taken: ReadonlySet<string>,
): Generator<readonly [Uuid, number]> {
  for (const topicId of [...member.assignment.keys()].sort(compareText)) {
    if (!member.subscribedTopicIds.has(topicId)) continue
    const count = partitionCounts.get(topicId) ?? 0
    for (const partition of [...member.assignment.get(topicId)!].sort((a, b) => a - b))
      if (partition < count && !taken.has(partitionKey(topicId, partition))) yield [topicId, partition]
  }
}

export function partitionKey(topicId: Uuid, partition: number): string {
  return `${topicId}/${partition}`
}

export function finished(drafts: readonly DraftMember[]): ReadonlyMap<string, Assignment> {
  return new Map(
    drafts.map(draft => [
      draft.memberId,
      new Map(
        [...draft.partitions]
          .filter(([, partitions]) => partitions.size > 0)
          .sort(([a], [b]) => compareText(a, b))
          .map(([topicId, partitions]) => [topicId, [...partitions].sort((a, b) => a - b)]),
      ),
    ]),
  )
}
