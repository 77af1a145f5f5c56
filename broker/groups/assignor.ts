// What the assignors of the broker are asked and answer. They are pure and deterministic: members are looked at in the
// order of their ids, topics in the order of theirs.

import type { ErrorName, Uuid } from '../../protocol/index.ts'
import { rangeAssignor } from './range-assignor.ts'
import { uniformAssignor } from './uniform-assignor.ts'

/** Partitions by topic id, ascending; a topic without partitions is left out. */
export type Assignment = ReadonlyMap<Uuid, readonly number[]>

export interface AssignorMember {
  readonly memberId: string
  /** Topics that exist, and no others. */
  readonly subscribedTopicIds: ReadonlySet<Uuid>
  /** What the last target gave it; assignors keep as much of it as they can. */
  readonly assignment: Assignment
}

export interface AssignorInput {
  readonly members: readonly AssignorMember[]
  /** Number of partitions of every topic that anyone is subscribed to. */
  readonly partitionCounts: ReadonlyMap<Uuid, number>
}

/** By member id; every member has an entry, and every partition of a subscribed topic exactly one owner. */
export type Assignor = (input: AssignorInput) => ReadonlyMap<string, Assignment>

export const assignors: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', uniformAssignor],
  ['range', rangeAssignor],
])

/** The refusal of an assignor that is not one of `allowed`, with Kafka's word for it. */
export function checkAssignor(
  name: string,
  allowed: readonly string[],
): { readonly error: ErrorName; readonly message: string } | undefined {
  if (allowed.includes(name) && assignors.has(name)) return undefined
  return {
    error: 'UNSUPPORTED_ASSIGNOR',
    message: `ServerAssignor ${name} is not supported. Supported assignors: ${allowed.join(', ')}.`,
  }
}

export const noPartitions: Assignment = new Map()

export function sameAssignment(one: Assignment, other: Assignment): boolean {
  if (one === other) return true
  if (one.size !== other.size) return false
  for (const [topicId, partitions] of one) {
    const others = other.get(topicId)
    if (others?.length !== partitions.length) return false
    if (!partitions.every((partition, index) => others[index] === partition)) return false
  }
  return true
}
