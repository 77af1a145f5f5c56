import { isCompacted, type LogSettings } from './log-settings.ts'

/** What the choice knows of a segment. Times are asked for only when a rule needs them. */
export interface CleanableSegment {
  readonly baseOffset: number
  readonly sizeInBytes: number
  /** Largest record time; -1 when no record has one. */
  readonly largestTimestamp: number
  /** Largest time of the first batch; -1 when it has none. */
  readonly firstTimestamp: number
}

export interface CleaningFacts {
  /** From the oldest; the last one is being written. */
  readonly segments: readonly CleanableSegment[]
  readonly logStartOffset: number
  readonly lastStableOffset: number
  /** Where the last cleaning ended; undefined before the first. */
  readonly firstDirtyOffset: number | undefined
  /** Wall clock. */
  readonly nowMs: number
}

export interface CleaningPlan {
  /** Below it every key stands once. */
  readonly firstDirtyOffset: number
  /** Exclusive; the base of a segment. Nothing from here on is touched. */
  readonly upToOffset: number
  readonly cleanBytes: number
  /** Between the two offsets, by whole segments. 0: there is nothing to do. */
  readonly dirtyBytes: number
  /** dirtyBytes as a part of both, 0–1. */
  readonly dirtyRatio: number
  /** For how long something dirty has been older than max.compaction.lag.ms; 0 when nothing is. */
  readonly overdueMs: number
}

/**
 * What a cleaning of this log would do. Only whole segments are cleaned, below the last stable offset (whoever is to read
 * them knows how their transactions ended), and none that holds a record younger than min.compaction.lag.ms.
 */
export function planCleaning(facts: CleaningFacts, settings: LogSettings): CleaningPlan {
  const { segments, logStartOffset, nowMs } = facts
  const activeBase = segments.at(-1)?.baseOffset ?? logStartOffset
  const claimed = facts.firstDirtyOffset ?? logStartOffset
  // The log may have been cut, or have lost its beginning, since that was written down.
  const firstDirtyOffset = claimed < logStartOffset || claimed > activeBase ? logStartOffset : claimed

  const limit = Math.min(facts.lastStableOffset, activeBase)
  const endOf = (index: number): number => segments[index + 1]?.baseOffset ?? activeBase
  let cleanBytes = 0
  let dirtyBytes = 0
  let upToOffset = firstDirtyOffset
  let oldestMs = nowMs
  const youngestMs = nowMs - settings['min.compaction.lag.ms']
  const hasMaxLag = settings['max.compaction.lag.ms'] < nowMs
  for (const [index, segment] of segments.entries()) {
    const end = endOf(index)
    if (end <= firstDirtyOffset) {
      cleanBytes += segment.sizeInBytes
      continue
    }
    if (end > limit || index === segments.length - 1) break
    if (settings['min.compaction.lag.ms'] > 0 && segment.largestTimestamp > youngestMs) break
    dirtyBytes += segment.sizeInBytes
    upToOffset = end
    if (hasMaxLag && segment.firstTimestamp > 0) oldestMs = Math.min(oldestMs, segment.firstTimestamp)
  }
  const total = cleanBytes + dirtyBytes
  return {
    firstDirtyOffset,
    upToOffset,
    cleanBytes,
    dirtyBytes,
    dirtyRatio: total === 0 ? 0 : dirtyBytes / total,
    overdueMs: hasMaxLag ? Math.max(0, nowMs - settings['max.compaction.lag.ms'] - oldestMs) : 0,
  }
}

export function isWorthCleaning(plan: CleaningPlan, settings: LogSettings): boolean {
  if (plan.dirtyBytes === 0 || !isCompacted(settings)) return false
  return plan.overdueMs > 0 || plan.dirtyRatio > settings['min.cleanable.dirty.ratio']
}

/** The active segment is to be closed, as it holds a record older than max.compaction.lag.ms and nobody appends. */
export function isRollOverdue(active: CleanableSegment, settings: LogSettings, nowMs: number): boolean {
  const lagMs = settings['max.compaction.lag.ms']
  if (!isCompacted(settings) || lagMs >= nowMs || active.sizeInBytes === 0) return false
  return active.firstTimestamp > 0 && nowMs - active.firstTimestamp > lagMs
}

/** The one with the largest dirty part. */
export function filthiest<Candidate extends { readonly plan: CleaningPlan }>(
  candidates: readonly Candidate[],
): Candidate | undefined {
  return candidates.reduce<Candidate | undefined>(
    (best, next) => (best === undefined || next.plan.dirtyRatio > best.plan.dirtyRatio ? next : best),
    undefined,
  )
}
