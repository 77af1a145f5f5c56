// What classic consumers put into the bytes of their groups: the embedded consumer protocol.

import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  type Decoded,
  decodeVersioned,
  encodeVersioned,
  ProtocolError,
} from '../../protocol/index.ts'
import { compareText } from './assignment-draft.ts'
import type { OwnedPartitions } from './consumer-member.ts'
import type { GroupTopics } from './group-topics.ts'
import type { OwnedReport } from './reconcile-member.ts'

export type Subscription = Decoded<typeof consumerProtocolSubscription>

/** Null when the bytes are something else. */
export function readSubscription(metadata: Buffer): Subscription | null {
  return readOr(() => decodeVersioned(consumerProtocolSubscription, metadata, { newerAsNewest: true }))
}

/** Partitions by topic name. No bytes: no partitions. Null when the bytes are something else. */
export function readAssignment(bytes: Buffer): readonly TopicNamePartitions[] | null {
  if (bytes.length === 0) return []
  return readOr(
    () => decodeVersioned(consumerProtocolAssignment, bytes, { newerAsNewest: true }).assignedPartitions,
  )
}

interface TopicNamePartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

function readOr<Value>(read: () => Value): Value | null {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

/** In the version of the subscription that the member sent. Deleted topics are left out. */
export function writeAssignment(owned: OwnedPartitions, topics: GroupTopics, subscription: Buffer): Buffer {
  const assignedPartitions = [...owned]
    .flatMap(([topicId, epochs]) => {
      const topic = topics.byId(topicId)?.name
      return topic === undefined ? [] : [{ topic, partitions: [...epochs.keys()].sort((a, b) => a - b) }]
    })
    .sort((a, b) => compareText(a.topic, b.topic))
  const version = subscription.length < 2 ? 0 : subscription.readInt16BE()
  const { min, max } = consumerProtocolAssignment.versions
  return encodeVersioned(consumerProtocolAssignment, Math.min(Math.max(version, min), max), {
    assignedPartitions,
    userData: null,
  })
}

/** Topics that do not exist are left out. */
export function withTopicIds(list: readonly TopicNamePartitions[], topics: GroupTopics): OwnedReport {
  return list.flatMap(({ topic, partitions }) => {
    const found = topics.byName(topic)
    return found === undefined ? [] : [{ topicId: found.id, partitions }]
  })
}
