import { type ErrorName, type Uuid, zeroUuid } from '../../protocol/index.ts'
import { configResourceKey, type MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import type { DeleteTopicResult } from './controller-client.ts'
import type { Decision, DecisionContext } from './decision.ts'

/** A topic to delete, by name or by id. */
export interface TopicToDelete {
  readonly name: string | null
  readonly topicId: Uuid | null
}

/**
 * Refusals that can be told from the request alone, by the item's place: neither or both of name and id, and topics
 * named more than once, also when once by name and once by id.
 */
export function findMistakesInDeletion(
  image: MetadataImage,
  topics: readonly TopicToDelete[],
): ReadonlyMap<number, DeleteTopicResult> {
  const refused = new Map<number, DeleteTopicResult>()
  const places = new Map<string, number[]>()
  for (const [at, topic] of topics.entries()) {
    const hasId = topic.topicId !== null && topic.topicId !== zeroUuid
    if (topic.name === null && !hasId) {
      refused.set(at, refuse(topic, 'INVALID_REQUEST', 'Neither topic name nor id were specified.'))
    } else if (topic.name !== null && hasId) {
      refused.set(at, refuse(topic, 'INVALID_REQUEST', 'You may not specify both topic name and topic id.'))
    } else {
      const identity =
        topic.name === null
          ? topic.topicId!
          : (image.topicsByName.get(topic.name)?.id ?? `name ${topic.name}`)
      const same = places.get(identity)
      if (same === undefined) places.set(identity, [at])
      else same.push(at)
    }
  }
  for (const same of places.values()) {
    if (same.length === 1) continue
    for (const at of same) {
      refused.set(at, refuse(topics[at]!, 'INVALID_REQUEST', 'The topic was specified more than once.'))
    }
  }
  return refused
}

/** Deletes one topic with its overrides. Its own key goes first or in one transaction with all others. */
export function deleteTopic(
  image: MetadataImage,
  topic: TopicToDelete,
  context: DecisionContext,
): Decision<DeleteTopicResult> {
  if (!context.rules.deletesTopics()) {
    return { changes: [], result: refuse(topic, 'TOPIC_DELETION_DISABLED', 'Topic deletion is disabled.') }
  }
  const found =
    topic.name === null ? image.topicsById.get(topic.topicId ?? zeroUuid) : image.topicsByName.get(topic.name)
  if (found === undefined) {
    const error = topic.name === null ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION'
    return { changes: [], result: refuse(topic, error, 'This server does not host this topic.') }
  }
  const { id, name } = found
  const changes: MetadataChange[] = [
    { kind: 'topic', topicId: id, topic: null },
    { kind: 'topicName', name, topicId: null },
  ]
  if (image.configs.has(configResourceKey('topic', name))) {
    changes.push({ kind: 'config', type: 'topic', name, overrides: null })
  }
  for (const index of found.partitions.keys()) {
    changes.push({ kind: 'partition', topicId: id, index, partition: null })
  }
  return { changes, result: { name, topicId: id, error: 'NONE', message: null } }
}

export function refuse(topic: TopicToDelete, error: ErrorName, message: string): DeleteTopicResult {
  return { name: topic.name, topicId: topic.topicId, error, message }
}
