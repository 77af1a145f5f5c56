import type { LogOptions } from './log-options.ts'
import type { RemovedSegments } from './removed-segments.ts'
import { decideRetention } from './retention.ts'
import type { SegmentList } from './segment-list.ts'

export interface RetainedLog {
  readonly segments: SegmentList
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly removed: RemovedSegments
  /** Begins an empty segment at the end of the log; false when it could not. */
  readonly roll: () => boolean
  readonly moveLogStart: (offset: number) => void
}

/** Takes out of the log what retention lets go; `nowMs` is wall clock. Answers how many segments went. */
export function deleteOldSegments(
  { topic, partition, logger, settings }: Pick<LogOptions, 'topic' | 'partition' | 'logger' | 'settings'>,
  log: RetainedLog,
  nowMs: number,
): number {
  const { segments, removed } = log
  const { count, reason } = decideRetention(
    {
      segments: segments.all.map(segment => ({
        baseOffset: segment.baseOffset,
        sizeInBytes: segment.sizeInBytes,
        timestampMs: () => segment.timestampMs,
      })),
      logStartOffset: log.logStartOffset,
      logEndOffset: log.logEndOffset,
      highWatermark: log.highWatermark,
      nowMs,
    },
    settings(),
  )
  const isAll = count === segments.length
  const gone = segments.removeFirst(isAll ? count - 1 : count)
  for (const segment of gone) removed.remove(segment)
  // A full disk may have no room for another segment before others are gone: then the last one goes next time.
  if (isAll && log.roll()) {
    for (const segment of segments.removeFirst(1)) {
      removed.remove(segment)
      gone.push(segment)
    }
  }
  if (gone.length === 0) return 0
  const logStartOffset = segments.first.baseOffset
  log.moveLogStart(logStartOffset)
  logger.info(
    { topic, partition, segments: gone.length, reason, logStartOffset },
    'Old segments were deleted.',
  )
  return gone.length
}
