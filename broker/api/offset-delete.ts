import { errorCode, offsetDelete } from '../../protocol/index.ts'
import type { Groups } from '../groups/groups.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { type ApiHandler, handler, LateAnswer } from './handler.ts'
import type { ResponseOf } from './response-of.ts'

/** OffsetDelete: positions of a group, partition by partition. */
export function offsetDeleteHandler(parts: {
  readonly groups: Groups
  readonly image: () => MetadataImage
}): ApiHandler {
  return handler(offsetDelete, {}, request => {
    const late = new LateAnswer<ResponseOf<typeof offsetDelete>>()
    const known: {
      readonly result: { errorCode: number }
      readonly topic: string
      readonly partition: number
    }[] = []
    const topics = request.topics.map(({ name, partitions }) => {
      const topic = parts.image().topicsByName.get(name)
      const results = partitions.map(({ partitionIndex }) => {
        const exists = topic?.partitions[partitionIndex] !== undefined
        const result = { partitionIndex, errorCode: exists ? 0 : errorCode('UNKNOWN_TOPIC_OR_PARTITION') }
        if (exists) known.push({ result, topic: name, partition: partitionIndex })
        return result
      })
      return { name, partitions: results }
    })
    const { groupId } = request
    const offsets = known.map(({ topic, partition }) => ({ topic, partition }))
    parts.groups.deleteOffsets({ groupId, offsets }, reply => {
      if ('error' in reply) {
        late.answer({ errorCode: errorCode(reply.error), throttleTimeMs: 0, topics: [] })
        return
      }
      for (const [index, { result }] of known.entries())
        result.errorCode = errorCode(reply.errors[index] ?? 'NONE')
      late.answer({ errorCode: 0, throttleTimeMs: 0, topics })
    })
    return late
  })
}
