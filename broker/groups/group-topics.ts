import { createHash } from 'node:crypto'
import type { Uuid } from '../../protocol/index.ts'
import { compareText } from './assignment-draft.ts'

/** A topic as groups see it. */
export interface GroupTopic {
  readonly id: Uuid
  readonly name: string
  readonly partitionCount: number
  /** For every partition the racks of its replicas, in order; empty when no broker has one. */
  readonly racks: readonly (readonly string[])[]
}

/** Topics at one revision of the cluster's metadata; another revision is another object. */
export interface GroupTopics {
  /** Of the metadata. Only grows. */
  readonly revision: number
  /** The revision in which a topic last came or went. */
  readonly namesRevision: number
  byName(name: string): GroupTopic | undefined
  byId(id: Uuid): GroupTopic | undefined
  names(): Iterable<string>
}

/**
 * A number that changes when a topic comes, goes, grows, or when racks of its replicas change. Kept in the group's
 * records, so it must be the same after a restart. 0: no topic exists.
 */
export function hashOfTopics(names: Iterable<string>, topics: GroupTopics): bigint {
  const found: GroupTopic[] = []
  for (const name of names) {
    const topic = topics.byName(name)
    if (topic !== undefined) found.push(topic)
  }
  if (found.length === 0) return 0n
  found.sort((a, b) => compareText(a.name, b.name))
  const hash = createHash('sha256')
  for (const { id, name, partitionCount, racks } of found)
    hash.update(JSON.stringify([id, name, partitionCount, racks]))
  return hash.digest().readBigInt64BE()
}
