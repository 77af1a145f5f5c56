import { errorCode, type ErrorName, offsetFetch, zeroUuid } from '../../protocol/index.ts'
import {
  type OffsetFound,
  type OffsetsAsked,
  type OffsetsFound,
  isAnotherTopic,
} from '../groups/fetch-offsets.ts'
import type { Groups } from '../groups/groups.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { type ApiHandler, handler } from './handler.ts'
import type { ResponseOf } from './response-of.ts'

/** OffsetFetch: one group up to v7, several from v8 on, topics by id from v10 on. */
export function offsetFetchHandler(parts: OffsetFetchParts): ApiHandler {
  return handler(offsetFetch, {}, (request, { apiVersion }) => {
    if (apiVersion >= 8) {
      const { requireStable } = request
      const groups = request.groups.map(group =>
        fetchGroup(parts, { ...group, requireStable }, apiVersion >= 10),
      )
      return { groups }
    }
    const { groupId, topics, requireStable } = request
    const found = parts.groups.fetchOffsets({
      groupId,
      topics:
        topics?.map(({ name, partitionIndexes }) => namedTopic(parts.image(), name, partitionIndexes)) ??
        null,
      requireStable,
      member: noMember,
    })
    // There is no error of the whole before v2.
    const inEachPartition = apiVersion < 2 && found.error !== 'NONE'
    return {
      errorCode: errorCode(found.error),
      topics: inEachPartition
        ? (topics ?? []).map(({ name, partitionIndexes }) => ({
            name,
            partitions: partitionIndexes.map(partition => partitionAnswer(nothing(partition, found.error))),
          }))
        : found.topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(partitionAnswer) })),
    }
  })
}

interface OffsetFetchParts {
  readonly groups: Groups
  readonly image: () => MetadataImage
}

type GroupAnswer = NonNullable<ResponseOf<typeof offsetFetch>['groups']>[number]

type AskedTopic = NonNullable<OffsetsAsked['topics']>[number]

const noMember = { id: null, epoch: -1 }

function fetchGroup(
  { groups, image }: OffsetFetchParts,
  asked: {
    readonly groupId: string
    readonly memberId: string | null
    readonly memberEpoch: number
    readonly topics:
      | readonly {
          readonly name: string
          readonly topicId: string
          readonly partitionIndexes: readonly number[]
        }[]
      | null
    readonly requireStable: boolean
  },
  usesIds: boolean,
): GroupAnswer {
  const { groupId, requireStable } = asked
  const topics = asked.topics?.map(({ name, topicId, partitionIndexes }) => {
    if (!usesIds) return namedTopic(image(), name, partitionIndexes)
    const known = topicId === zeroUuid ? undefined : image().topicsById.get(topicId)
    return known === undefined
      ? { unknownId: topicId, partitions: partitionIndexes }
      : { name: known.name, topicId, partitions: partitionIndexes }
  })
  const found = groups.fetchOffsets({
    groupId,
    topics: topics?.filter((topic): topic is AskedTopic => 'name' in topic) ?? null,
    requireStable,
    member: { id: asked.memberId, epoch: asked.memberEpoch },
  })
  if (found.error !== 'NONE') return { groupId, errorCode: errorCode(found.error), topics: [] }
  const answers = topics === undefined ? existingTopics(image(), found, usesIds) : found.topics
  const unknown = (topics ?? []).flatMap(topic =>
    'unknownId' in topic
      ? [
          {
            name: '',
            topicId: topic.unknownId,
            partitions: topic.partitions.map(partition => nothing(partition, 'UNKNOWN_TOPIC_ID')),
          },
        ]
      : [],
  )
  return {
    groupId,
    topics: [...answers, ...unknown].map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(partitionAnswer),
    })),
  }
}

/** All positions of a group: those of topics that are gone, or were made anew, are left out where topics go by id. */
function existingTopics(image: MetadataImage, found: OffsetsFound, usesIds: boolean): OffsetsFound['topics'] {
  if (!usesIds) return found.topics
  return found.topics.flatMap(topic => {
    const known = image.topicsByName.get(topic.name)
    return known === undefined || isAnotherTopic(topic.topicId, known.id)
      ? []
      : [{ ...topic, topicId: known.id }]
  })
}

function namedTopic(image: MetadataImage, name: string, partitions: readonly number[]): AskedTopic {
  return { name, topicId: image.topicsByName.get(name)?.id ?? zeroUuid, partitions }
}

function nothing(partition: number, error: ErrorName): OffsetFound {
  return { partition, offset: -1, leaderEpoch: -1, metadata: '', error }
}

function partitionAnswer({ partition, offset, leaderEpoch, metadata, error }: OffsetFound) {
  return {
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: errorCode(error),
  }
}
