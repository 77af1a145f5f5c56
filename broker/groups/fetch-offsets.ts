import { type ErrorName, type Uuid, zeroUuid } from '../../protocol/index.ts'
import type { CommittedOffset } from './committed-offsets.ts'
import { rulesOf } from './group-rules.ts'
import type { GroupState } from './group-state.ts'

export interface OffsetsAsked {
  readonly groupId: string
  /** null: all that the group has. The zero id: not known, or not to be checked. */
  readonly topics:
    | readonly { readonly name: string; readonly topicId: Uuid; readonly partitions: readonly number[] }[]
    | null
  /** Positions that an open transaction is about to replace are not given. */
  readonly requireStable: boolean
  readonly member: { readonly id: string | null; readonly epoch: number }
}

export interface OffsetsFound {
  readonly error: ErrorName
  readonly topics: readonly {
    readonly name: string
    readonly topicId: Uuid
    readonly partitions: readonly OffsetFound[]
  }[]
}

export interface OffsetFound {
  readonly partition: number
  /** -1: none. */
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  readonly error: ErrorName
}

/** Only what is replicated is given out. Groups that are not there have no positions, which is no error. */
export function fetchOffsets(state: GroupState, asked: OffsetsAsked): OffsetsFound {
  const { groupId, member } = asked
  const group = state.groups.committed(groupId)
  const error = group === undefined ? 'NONE' : rulesOf(group).checkOffsetFetch(group, member)
  if (error !== 'NONE') return { error, topics: [] }
  if (asked.topics === null) return { error, topics: fetchAll(state, asked) }
  const topics = asked.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(partition => {
      const found = state.offsets.committed(groupId, name, partition)
      const isOther = found !== undefined && isAnotherTopic(found.topicId, topicId)
      return offsetFound(state, asked, name, partition, isOther ? undefined : found)
    }),
  }))
  return { error, topics }
}

function fetchAll(state: GroupState, asked: OffsetsAsked): OffsetsFound['topics'] {
  const topics: { name: string; topicId: Uuid; partitions: OffsetFound[] }[] = []
  for (const [name, offsets] of state.offsets.committedOf(asked.groupId)) {
    const partitions: OffsetFound[] = []
    let topicId = zeroUuid
    for (const [partition, found] of offsets) {
      if (found.topicId !== zeroUuid) topicId = found.topicId
      partitions.push(offsetFound(state, asked, name, partition, found))
    }
    if (partitions.length > 0) topics.push({ name, topicId, partitions })
  }
  return topics
}

function offsetFound(
  state: GroupState,
  asked: OffsetsAsked,
  topic: string,
  partition: number,
  found: CommittedOffset | undefined,
): OffsetFound {
  if (asked.requireStable && state.offsets.isPending(asked.groupId, topic, partition)) {
    return { partition, offset: -1, leaderEpoch: -1, metadata: '', error: 'UNSTABLE_OFFSET_COMMIT' }
  }
  if (found === undefined) return { partition, offset: -1, leaderEpoch: -1, metadata: '', error: 'NONE' }
  const { offset, leaderEpoch, metadata } = found
  return { partition, offset, leaderEpoch, metadata, error: 'NONE' }
}

/** The topic was deleted and made anew since: its positions mean nothing. */
export function isAnotherTopic(committed: Uuid, asked: Uuid): boolean {
  return committed !== zeroUuid && asked !== zeroUuid && committed !== asked
}
