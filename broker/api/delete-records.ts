import { deleteRecords, type ErrorName, errorCode } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Partition } from '../replication/partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import { type ApiHandler, handler } from './handler.ts'
import { isInternalTopic } from './produce.ts'

/**
 * DeleteRecords: moves the start of a log up to an offset (-1: the high watermark), never beyond the watermark. Answered when
 * every replica that is alive has done so (KIP-107), or when the time is up.
 */
export function deleteRecordsHandler(parts: {
  readonly partitions: Partitions
  readonly clock: Clock
}): ApiHandler {
  return handler(deleteRecords, {}, async request => {
    const deleted = request.topics.map(({ name, partitions }) =>
      partitions.map(({ partitionIndex, offset }) =>
        deleteBefore(parts, { topic: name, index: partitionIndex, offset, timeoutMs: request.timeoutMs }),
      ),
    )
    const topics = []
    for (const [at, { name, partitions }] of request.topics.entries()) {
      const results = await Promise.all(deleted[at] ?? [])
      topics.push({
        name,
        partitions: partitions.map(({ partitionIndex }, of) => ({
          partitionIndex,
          lowWatermark: results[of]?.lowWatermark ?? -1,
          errorCode: errorCode(results[of]?.error ?? 'UNKNOWN_SERVER_ERROR'),
        })),
      })
    }
    return { throttleTimeMs: 0, topics }
  })
}

interface Deleted {
  readonly error: ErrorName
  readonly lowWatermark: number
}

async function deleteBefore(
  { partitions, clock }: { readonly partitions: Partitions; readonly clock: Clock },
  asked: {
    readonly topic: string
    readonly index: number
    readonly offset: number
    readonly timeoutMs: number
  },
): Promise<Deleted> {
  const { topic, index, offset, timeoutMs } = asked
  if (isInternalTopic(topic)) return failed('INVALID_TOPIC_EXCEPTION')
  const replica = partitions.leader(topic, index)
  if (typeof replica === 'string') return failed(replica)
  const policies = replica.settings['cleanup.policy']
  if (policies.includes('compact') && !policies.includes('delete')) return failed('POLICY_VIOLATION')
  const target = offset === -1 ? replica.log.highWatermark : offset
  if (target < 0 || target > replica.log.highWatermark) return failed('OFFSET_OUT_OF_RANGE')
  replica.log.deleteRecordsBefore(target)
  return untilDeletedEverywhere(replica, target, clock, timeoutMs)
}

function untilDeletedEverywhere(
  replica: Partition,
  target: number,
  clock: Clock,
  timeoutMs: number,
): Promise<Deleted> {
  return new Promise(resolve => {
    const finish = (result: Deleted): void => {
      timer.cancel()
      replica.unwatch(watcher)
      resolve(result)
    }
    const check = (): void => {
      if (replica.isOffline) finish(failed('KAFKA_STORAGE_ERROR'))
      else if (!replica.isLeader) finish(failed('NOT_LEADER_OR_FOLLOWER'))
      else if (replica.lowWatermark >= target) finish({ error: 'NONE', lowWatermark: replica.lowWatermark })
    }
    const watcher = { partitionMoved: check }
    const timer = clock.after(Math.max(0, timeoutMs), () => finish(failed('REQUEST_TIMED_OUT')))
    replica.watch(watcher)
    check()
  })
}

function failed(error: ErrorName): Deleted {
  return { error, lowWatermark: -1 }
}
