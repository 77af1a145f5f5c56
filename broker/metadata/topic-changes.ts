import type { Uuid } from '../../protocol/index.ts'
import type { MetadataImage, PartitionImage, TopicImage } from './image.ts'

/**
 * Puts topics together from their own key (name, number of partitions) and the keys of their partitions, which are
 * written before it and deleted after it. A partition key outside what the topic's key says is kept aside, as
 * detached: readers of the image never see it.
 */
export interface TopicEdits {
  /** By topic id; undefined: the topic's key is gone. */
  readonly headers: Map<Uuid, RevisedHeader | undefined>
  /** By topic id and index; undefined: the partition's key is gone. */
  readonly partitions: Map<Uuid, Map<number, PartitionImage | undefined>>
}

interface RevisedHeader {
  readonly name: string
  readonly partitions: number
  readonly modRevision: number
}

interface ChangedTopics {
  readonly byId: Map<Uuid, TopicImage | undefined>
  readonly byName: Map<string, TopicImage | undefined>
  readonly detached: Map<Uuid, ReadonlyMap<number, PartitionImage> | undefined>
}

export function applyTopicChanges(image: MetadataImage, edits: TopicEdits): ChangedTopics {
  const changed: ChangedTopics = { byId: new Map(), byName: new Map(), detached: new Map() }
  for (const topicId of new Set([...edits.headers.keys(), ...edits.partitions.keys()])) {
    applyToTopic(image, topicId, edits, changed)
  }
  return changed
}

function applyToTopic(image: MetadataImage, topicId: Uuid, edits: TopicEdits, changed: ChangedTopics): void {
  const before = image.topicsById.get(topicId)
  const header = edits.headers.has(topicId) ? edits.headers.get(topicId) : headerOf(before)
  const count = header?.partitions ?? 0
  const partitionEdits = edits.partitions.get(topicId) ?? new Map<number, PartitionImage | undefined>()

  const detachedBefore = image.detachedPartitions.get(topicId)
  const detached = new Map(detachedBefore)
  const attached: (PartitionImage | undefined)[] = [...(before?.partitions ?? [])]
  for (let index = count; index < attached.length; index++) {
    const partition = attached[index]
    if (partition !== undefined && partition !== missingPartition) detached.set(index, partition)
  }
  attached.length = count
  for (const [index, partition] of partitionEdits) {
    if (index < count) attached[index] = partition
    else if (partition === undefined) detached.delete(index)
    else detached.set(index, partition)
  }
  for (let index = before?.partitions.length ?? 0; index < count; index++) {
    attached[index] ??= detached.get(index)
    detached.delete(index)
  }

  if (detached.size > 0) changed.detached.set(topicId, detached)
  else if (detachedBefore !== undefined) changed.detached.set(topicId, undefined)

  if (header === undefined) {
    if (before === undefined) return
    changed.byId.set(topicId, undefined)
    // Another topic may have taken the name in the same revision.
    if (changed.byName.get(before.name) === undefined) changed.byName.set(before.name, undefined)
    return
  }
  const touchesTopic = edits.headers.has(topicId) || [...partitionEdits.keys()].some(index => index < count)
  if (!touchesTopic) return
  const topic: TopicImage = {
    id: topicId,
    name: header.name,
    partitions: Array.from(attached, partition => partition ?? missingPartition),
    modRevision: header.modRevision,
  }
  changed.byId.set(topicId, topic)
  changed.byName.set(topic.name, topic)
}

function headerOf(topic: TopicImage | undefined): RevisedHeader | undefined {
  if (topic === undefined) return undefined
  return { name: topic.name, partitions: topic.partitions.length, modRevision: topic.modRevision }
}

/** Stands in for a partition whose key is not there though its topic counts it: offline, with no replica. */
const missingPartition: PartitionImage = {
  leader: -1,
  leaderEpoch: 0,
  isr: [],
  replicas: [],
  adding: [],
  removing: [],
  elr: [],
  lastKnownLeader: -1,
  directories: [],
  recovering: false,
  partitionEpoch: 0,
  modRevision: 0,
}
