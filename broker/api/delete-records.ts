import { deleteRecords, type ErrorName, errorCode } from '../../protocol/index.ts'
import type { Partitions } from '../replication/partitions.ts'
import { type ApiHandler, handler } from './handler.ts'
import { isInternalTopic } from './produce.ts'

/** DeleteRecords: moves the start of a log up to an offset (-1: the high watermark), never beyond the watermark. */
export function deleteRecordsHandler(parts: { readonly partitions: Partitions }): ApiHandler {
  return handler(deleteRecords, {}, request => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => {
        const result = deleteBefore(parts.partitions, name, partitionIndex, offset)
        return {
          partitionIndex,
          lowWatermark: result.lowWatermark,
          errorCode: errorCode(result.error),
        }
      }),
    })),
  }))
}

function deleteBefore(
  partitions: Partitions,
  topic: string,
  index: number,
  offset: number,
): { readonly error: ErrorName; readonly lowWatermark: number } {
  const failed = (error: ErrorName) => ({ error, lowWatermark: -1 })
  if (isInternalTopic(topic)) return failed('INVALID_TOPIC_EXCEPTION')
  const replica = partitions.leader(topic, index)
  if (typeof replica === 'string') return failed(replica)
  const policies = replica.settings['cleanup.policy']
  if (policies.includes('compact') && !policies.includes('delete')) return failed('POLICY_VIOLATION')
  const target = offset === -1 ? replica.log.highWatermark : offset
  if (target < 0 || target > replica.log.highWatermark) return failed('OFFSET_OUT_OF_RANGE')
  replica.log.deleteRecordsBefore(target)
  replica.notifyWatchers()
  return { error: 'NONE', lowWatermark: replica.log.logStartOffset }
}
