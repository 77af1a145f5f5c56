import type { LogSettings } from './log-settings.ts'
import { decideRetention } from './retention.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

export interface RetainedLog {
  readonly segments: SegmentList
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly settings: LogSettings
  /** Begins an empty segment at the end of the log; false when it could not. */
  readonly roll: () => boolean
  readonly remove: (segment: Segment) => void
}

/** Takes out of the log what retention lets go; `nowMs` is wall clock. Answers how many segments went, and why. */
export function deleteOldSegments(log: RetainedLog, nowMs: number): ReturnType<typeof decideRetention> {
  const { segments } = log
  const decided = decideRetention(
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
    log.settings,
  )
  if (decided.count === 0) return decided
  const isAll = decided.count === segments.length
  for (const segment of segments.removeFirst(isAll ? decided.count - 1 : decided.count)) log.remove(segment)
  if (!isAll) return decided
  // A full disk may have no room for another segment before others are gone: then the last one goes next time.
  if (!log.roll()) return { ...decided, count: decided.count - 1 }
  for (const segment of segments.removeFirst(1)) log.remove(segment)
  return decided
}
