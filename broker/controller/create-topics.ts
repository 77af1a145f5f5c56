import { type ErrorName, type Uuid, uuidFromRandom, zeroUuid } from '../../protocol/index.ts'
import { configsOf, type MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import type { CreateTopicResult, NewTopic } from './controller-client.ts'
import type { Decision, DecisionContext } from './decision.ts'
import {
  type Assignment,
  checkManualAssignment,
  newPartition,
  placeNewPartitions,
} from './replica-assignment.ts'
import { findCollidingTopic, findMistakeInTopicName } from './topic-names.ts'

/** Most partitions that one request may ask for, over all its topics. */
export const mostPartitionsPerRequest = 10_000

/** The metadata topic of KRaft clusters; tools would mistake a topic of this name for it. */
const metadataTopic = '__cluster_metadata'

/** Each different name once; one named twice is refused whatever else is said of it. */
export function newTopicsByName(topics: readonly NewTopic[]): {
  topics: NewTopic[]
  repeated: ReadonlySet<string>
} {
  const byName = new Map<string, NewTopic>()
  const repeated = new Set<string>()
  for (const topic of topics) {
    if (byName.has(topic.name)) repeated.add(topic.name)
    else byName.set(topic.name, topic)
  }
  return { topics: [...byName.values()], repeated }
}

/** Partitions that the topics ask for, together. */
export function countNewPartitions(topics: readonly NewTopic[], context: DecisionContext): number {
  let total = 0
  for (const { numPartitions, assignments } of topics) {
    if (assignments.length > 0) total += assignments.length
    else total += numPartitions === -1 ? context.rules.defaultPartitions() : Math.max(0, numPartitions)
  }
  return total
}

/** Creates one topic, or says why not. The topic's own key is the commit point. */
export function createTopic(
  image: MetadataImage,
  topic: NewTopic,
  context: DecisionContext,
): Decision<CreateTopicResult> {
  const refusal = findRefusal(image, topic)
  if (refusal !== null) return refuseTopic(topic.name, refusal.error, refusal.message)

  const configs = new Map<string, string>()
  for (const { name, value } of topic.configs) {
    if (value === null) {
      return refuseTopic(topic.name, 'INVALID_CONFIG', `The setting ${name} was given without a value.`)
    }
    configs.set(name, value)
  }
  const mistake = context.rules.configs.findMistake({ type: 'topic', name: topic.name }, configs)
  if (mistake !== null) return refuseTopic(topic.name, 'INVALID_CONFIG', mistake)

  const assignment = topic.assignments.length > 0 ? manual(image, topic) : automatic(image, topic, context)
  if (assignment.kind === 'refused') return refuseTopic(topic.name, assignment.error, assignment.message)

  const { replicas } = assignment
  const topicId = uuidFromRandom(size => context.random.bytes(size))
  return {
    changes: changesFor(image, topic.name, topicId, replicas, configs),
    result: {
      name: topic.name,
      error: 'NONE',
      message: null,
      topicId,
      numPartitions: replicas.length,
      replicationFactor: replicas[0]?.length ?? 0,
      configs,
    },
  }
}

function refuseTopic(name: string, error: ErrorName, message: string): Decision<CreateTopicResult> {
  return { changes: [], result: refusedTopic(name, error, message) }
}

export function refusedTopic(name: string, error: ErrorName, message: string): CreateTopicResult {
  return {
    name,
    error,
    message,
    topicId: zeroUuid,
    numPartitions: -1,
    replicationFactor: -1,
    configs: new Map(),
  }
}

function findRefusal(image: MetadataImage, topic: NewTopic): { error: ErrorName; message: string } | null {
  const { name } = topic
  const badName = findMistakeInTopicName(name)
  if (badName !== null) return { error: 'INVALID_TOPIC_EXCEPTION', message: badName }
  if (name === metadataTopic) {
    return {
      error: 'TOPIC_AUTHORIZATION_FAILED',
      message: `The name ${name} is kept for the cluster itself.`,
    }
  }
  if (image.topicsByName.has(name)) {
    return { error: 'TOPIC_ALREADY_EXISTS', message: `Topic '${name}' already exists.` }
  }
  const colliding = findCollidingTopic(name, image.topicsByName)
  if (colliding !== undefined) {
    return {
      error: 'INVALID_TOPIC_EXCEPTION',
      message: `Topic '${name}' collides with existing topic: ${colliding}`,
    }
  }
  return null
}

function manual(image: MetadataImage, topic: NewTopic): Assignment {
  const refused = (error: ErrorName, message: string): Assignment => ({ kind: 'refused', error, message })
  if (topic.replicationFactor !== -1) {
    return refused(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    )
  }
  if (topic.numPartitions !== -1) {
    return refused(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    )
  }
  const lists = new Map<number, readonly number[]>()
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (lists.has(partitionIndex)) {
      return refused(
        'INVALID_REPLICA_ASSIGNMENT',
        `Found multiple manual partition assignments for partition ${partitionIndex}.`,
      )
    }
    lists.set(partitionIndex, brokerIds)
  }
  const inOrder: (readonly number[])[] = []
  for (let index = 0; index < lists.size; index++) {
    const list = lists.get(index)
    if (list === undefined) {
      return refused(
        'INVALID_REPLICA_ASSIGNMENT',
        `The manual assignment has no partition ${index}: partitions are numbered from 0 without gaps.`,
      )
    }
    inOrder.push(list)
  }
  return checkManualAssignment(image, inOrder, { firstPartition: 0, replicationFactor: null })
}

function automatic(image: MetadataImage, topic: NewTopic, context: DecisionContext): Assignment {
  const { rules } = context
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    return {
      kind: 'refused',
      error: 'INVALID_REPLICATION_FACTOR',
      message: 'Replication factor must be larger than 0, or -1 to use the default value.',
    }
  }
  if (topic.numPartitions < -1 || topic.numPartitions === 0) {
    return {
      kind: 'refused',
      error: 'INVALID_PARTITIONS',
      message: 'Number of partitions must be larger than 0, or -1 to use the default value.',
    }
  }
  const partitions = topic.numPartitions === -1 ? rules.defaultPartitions() : topic.numPartitions
  const replicationFactor =
    topic.replicationFactor === -1 ? rules.defaultReplicationFactor() : topic.replicationFactor
  return placeNewPartitions(image, { partitions, replicationFactor, firstPartition: 0 }, context)
}

function changesFor(
  image: MetadataImage,
  name: string,
  topicId: Uuid,
  replicas: readonly (readonly number[])[],
  configs: ReadonlyMap<string, string>,
): MetadataChange[] {
  const changes: MetadataChange[] = replicas.map((list, index) => ({
    kind: 'partition',
    topicId,
    index,
    partition: newPartition(image, list),
  }))
  // Overrides left behind by a topic that had this name must not come to life again.
  if (configs.size > 0) changes.push({ kind: 'config', type: 'topic', name, overrides: configs })
  else if (configsOf(image, 'topic', name).size > 0)
    changes.push({ kind: 'config', type: 'topic', name, overrides: null })
  changes.push({ kind: 'topicName', name, topicId })
  changes.push({ kind: 'topic', topicId, topic: { name, partitions: replicas.length } })
  return changes
}
