import type { ErrorName } from '../../protocol/index.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import type { CreatePartitionsResult, MorePartitions } from './controller-client.ts'
import type { Decision, DecisionContext } from './decision.ts'
import { checkManualAssignment, newPartition, placeNewPartitions } from './replica-assignment.ts'

/** Each different name once, and the names that came more than once. */
export function topicsByName(topics: readonly MorePartitions[]): {
  topics: MorePartitions[]
  repeated: ReadonlySet<string>
} {
  const byName = new Map<string, MorePartitions>()
  const repeated = new Set<string>()
  for (const topic of topics) {
    if (byName.has(topic.name)) repeated.add(topic.name)
    else byName.set(topic.name, topic)
  }
  return { topics: [...byName.values()], repeated }
}

/** Partitions that the topics would gain, together. */
export function countAddedPartitions(image: MetadataImage, topics: readonly MorePartitions[]): number {
  let total = 0
  for (const { name, count } of topics) {
    const now = image.topicsByName.get(name)?.partitions.length
    if (now !== undefined) total += Math.max(0, count - now)
  }
  return total
}

/** Adds partitions to one topic, or says why not. The topic's own key, which counts them, is the commit point. */
export function createPartitions(
  image: MetadataImage,
  request: MorePartitions,
  context: DecisionContext,
): Decision<CreatePartitionsResult> {
  const { name, count, assignments } = request
  const topic = image.topicsByName.get(name)
  if (topic === undefined) {
    return refusePartitions(
      name,
      'UNKNOWN_TOPIC_OR_PARTITION',
      'This server does not host this topic-partition.',
    )
  }
  const now = topic.partitions.length
  if (count === now)
    return refusePartitions(name, 'INVALID_PARTITIONS', `Topic already has ${now} partition(s).`)
  if (count < now) {
    return refusePartitions(
      name,
      'INVALID_PARTITIONS',
      `The topic ${name} currently has ${now} partition(s); ${count} would not be an increase.`,
    )
  }
  const added = count - now
  if (assignments !== null && assignments.length !== added) {
    return refusePartitions(
      name,
      'INVALID_REPLICA_ASSIGNMENT',
      `Attempted to add ${added} additional partition(s), but ${assignments.length} assignment(s) were specified.`,
    )
  }
  const replicationFactor = topic.partitions[0]?.replicas.length ?? 1
  const assignment =
    assignments === null
      ? placeNewPartitions(image, { partitions: added, replicationFactor, firstPartition: now }, context)
      : checkManualAssignment(image, assignments, { firstPartition: now, replicationFactor })
  if (assignment.kind === 'refused') return refusePartitions(name, assignment.error, assignment.message)

  const changes: MetadataChange[] = assignment.replicas.map((replicas, at) => ({
    kind: 'partition',
    topicId: topic.id,
    index: now + at,
    partition: newPartition(image, replicas),
  }))
  changes.push({ kind: 'topic', topicId: topic.id, topic: { name, partitions: count } })
  return { changes, result: { name, error: 'NONE', message: null } }
}

export function refusePartitions(
  name: string,
  error: ErrorName,
  message: string,
): Decision<CreatePartitionsResult> {
  return { changes: [], result: { name, error, message } }
}
