import { describeTopicPartitions, type Encodable, errorCode, zeroUuid } from '../../protocol/index.ts'
import type { MetadataImage, TopicImage } from '../metadata/image.ts'
import { allTopicOperations } from './authorized-operations.ts'
import { partitionView } from './cluster-view.ts'
import { type ApiHandler, handler } from './handler.ts'
import { isInternalTopic } from './produce.ts'

type TopicAnswer = NonNullable<Encodable<typeof describeTopicPartitions.response>['topics']>[number]
type Cursor = { readonly topicName: string; readonly partitionIndex: number }

/** DescribeTopicPartitions: topics by name, a page at a time; a page ends in the middle of a topic when it must. */
export function describeTopicPartitionsHandler(parts: {
  readonly image: () => MetadataImage
  /** The setting max.request.partition.size.limit. */
  readonly mostPartitions: number
}): ApiHandler {
  return handler(describeTopicPartitions, {}, (request, context) => {
    const image = parts.image()
    const wantsAll = request.topics.length === 0
    const names = wantsAll ? [...image.topicsByName.keys()] : request.topics.map(({ name }) => name)
    const cursor: Cursor | null = request.cursor
    const ordered = [...new Set(names)].sort().filter(name => cursor === null || name >= cursor.topicName)
    let room = Math.max(1, Math.min(request.responsePartitionLimit, parts.mostPartitions))

    const topics: TopicAnswer[] = []
    for (const name of ordered) {
      if (room === 0) return page(topics, { topicName: name, partitionIndex: 0 })
      const topic = image.topicsByName.get(name)
      if (topic === undefined) {
        if (!wantsAll) topics.push(unknownTopic(name))
        continue
      }
      const from = cursor?.topicName === name ? Math.max(0, cursor.partitionIndex) : 0
      const to = Math.min(topic.partitions.length, from + room)
      topics.push(topicAnswer(image, topic, from, to, context.listenerName))
      room -= Math.max(0, to - from)
      if (to < topic.partitions.length) return page(topics, { topicName: name, partitionIndex: to })
    }
    return page(topics, null)
  })
}

function page(topics: TopicAnswer[], nextCursor: Cursor | null) {
  return { throttleTimeMs: 0, topics, nextCursor }
}

function topicAnswer(
  image: MetadataImage,
  topic: TopicImage,
  from: number,
  to: number,
  listenerName: string,
): TopicAnswer {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    topicAuthorizedOperations: allTopicOperations,
    partitions: topic.partitions.slice(from, to).map((partition, at) => {
      const seen = partitionView(image, partition, listenerName)
      return {
        errorCode: errorCode(seen.error),
        partitionIndex: from + at,
        leaderId: seen.leader,
        leaderEpoch: seen.leaderEpoch,
        replicaNodes: [...seen.replicas],
        isrNodes: [...seen.isr],
        eligibleLeaderReplicas: [...partition.elr],
        lastKnownElr: [],
        offlineReplicas: [...seen.offlineReplicas],
      }
    }),
  }
}

function unknownTopic(name: string): TopicAnswer {
  return {
    errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION'),
    name,
    topicId: zeroUuid,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: allTopicOperations,
  }
}
