import type { LogSettings } from './log-settings.ts'

/** What retention knows of a segment. */
export interface RetainedSegment {
  readonly baseOffset: number
  readonly sizeInBytes: number
  /** Largest record time; the file's time where no record has one. Asked only when the time rule gets there. */
  timestampMs(): number
}

export interface RetentionFacts {
  /** From the oldest; the last one is being written. */
  readonly segments: readonly RetainedSegment[]
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly nowMs: number
}

export type RetentionReason = 'logStart' | 'size' | 'time'

/**
 * How many segments, counted from the oldest, are to go, and by which rule the last of them. Rules in Kafka's order:
 * what lies before the log start, what is too much, what is too old; each goes on where the one before stopped. Never
 * anything at or above the high watermark, and never the last segment while it is empty.
 */
export function decideRetention(
  facts: RetentionFacts,
  settings: LogSettings,
): { readonly count: number; readonly reason: RetentionReason | undefined } {
  const { segments, logStartOffset, logEndOffset, highWatermark, nowMs } = facts
  let count = 0
  let reason: RetentionReason | undefined

  const deleteWhile = (
    why: RetentionReason,
    mayGo: (segment: RetainedSegment, next: RetainedSegment | undefined) => boolean,
  ): void => {
    for (;;) {
      const segment = segments[count]
      if (segment === undefined) return
      const next = segments[count + 1]
      if ((next?.baseOffset ?? logEndOffset) > highWatermark) return
      if (next === undefined && segment.sizeInBytes === 0) return
      if (!mayGo(segment, next)) return
      count++
      reason = why
    }
  }

  deleteWhile('logStart', (_, next) => next !== undefined && next.baseOffset <= logStartOffset)
  if (!settings['cleanup.policy'].includes('delete')) return { count, reason }

  const retentionBytes = settings['retention.bytes']
  if (retentionBytes >= 0) {
    let excess = -retentionBytes
    for (let index = count; index < segments.length; index++) excess += segments[index]?.sizeInBytes ?? 0
    deleteWhile('size', segment => {
      if (excess < segment.sizeInBytes) return false
      excess -= segment.sizeInBytes
      return true
    })
  }

  const retentionMs = settings['retention.ms']
  if (retentionMs >= 0) deleteWhile('time', segment => nowMs - segment.timestampMs() > retentionMs)
  return { count, reason }
}
