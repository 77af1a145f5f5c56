import { errorCode, type ErrorName, offsetCommit, type Uuid, zeroUuid } from '../../protocol/index.ts'
import type { Groups } from '../groups/groups.ts'
import type { MetadataImage, TopicImage } from '../metadata/image.ts'
import { type ApiHandler, handler, LateAnswer } from './handler.ts'
import type { ResponseOf } from './response-of.ts'

/** OffsetCommit. Partitions that do not exist are refused one by one; whether the offset does is not looked at. */
export function offsetCommitHandler(parts: {
  readonly groups: Groups
  readonly image: () => MetadataImage
}): ApiHandler {
  return handler(offsetCommit, {}, (request, { apiVersion }) => {
    const late = new LateAnswer<ResponseOf<typeof offsetCommit>>()
    const usesIds = apiVersion >= 10
    const image = parts.image()
    const known: { readonly result: { errorCode: number }; readonly offset: Committed }[] = []
    const topics = request.topics.map(topic => {
      const found = findTopic(image, topic, usesIds)
      const partitions = topic.partitions.map(committed => {
        const { partitionIndex } = committed
        const exists = found?.partitions[partitionIndex] !== undefined
        const result = { partitionIndex, errorCode: exists ? 0 : errorCode(errorOfMissing(found, usesIds)) }
        if (exists) {
          known.push({
            result,
            offset: {
              topic: found.name,
              topicId: found.id,
              partition: partitionIndex,
              offset: committed.committedOffset,
              leaderEpoch: committed.committedLeaderEpoch,
              metadata: committed.committedMetadata ?? '',
            },
          })
        }
        return result
      })
      return { name: topic.name, topicId: topic.topicId, partitions }
    })
    parts.groups.commitOffsets(
      {
        groupId: request.groupId,
        identity: {
          memberId: request.memberId,
          instanceId: request.groupInstanceId,
          generation: request.generationIdOrMemberEpoch,
          apiVersion,
          isTransactional: false,
        },
        offsets: known.map(({ offset }) => offset),
        retentionMs: request.retentionTimeMs,
      },
      reply => {
        for (const [index, { result }] of known.entries()) {
          const error = 'error' in reply ? reply.error : (reply.errors[index] ?? 'NONE')
          result.errorCode = errorCode(error)
        }
        late.answer({ topics })
      },
    )
    return late
  })
}

type Committed = Parameters<Groups['commitOffsets']>[0]['offsets'][number]

function findTopic(
  image: MetadataImage,
  { name, topicId }: { readonly name: string; readonly topicId: Uuid },
  usesIds: boolean,
): TopicImage | undefined {
  if (!usesIds) return image.topicsByName.get(name)
  return topicId === zeroUuid ? undefined : image.topicsById.get(topicId)
}

function errorOfMissing(topic: TopicImage | undefined, usesIds: boolean): ErrorName {
  return topic === undefined && usesIds ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION'
}
