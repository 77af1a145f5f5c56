import { type LogRead, LogSlice } from './log-slice.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

export interface ReadOptions {
  readonly offset: number
  readonly maxBytes: number
  /** Give the first batch whole even when it is larger than `maxBytes`. */
  readonly minOneBatch: boolean
  /** Exclusive: the batch that contains it, and what comes after, is not given. */
  readonly upTo: number
  /** Also find the aborted transactions that overlap what is given. */
  readonly readCommitted?: boolean
}

/** What a read needs to know of the log. */
export interface ReadFrom {
  readonly segments: SegmentList
  readonly logEndOffset: () => number
  /** Place of an offset in the active segment if it is at hand; else -1. */
  readonly recentPosition: (offset: number) => number
  /** Monotonic. */
  readonly nowMs: () => number
}

/** So much of the end of a log is taken to be in the page cache. */
const recentBytes = 32 * 1024 * 1024

/**
 * Finds the bytes that begin with the batch that contains `offset` (at most the log end) and do not go beyond `upTo`
 * or the end of the segment. May end in the middle of a batch that is not the first.
 */
export function readSegments(from: ReadFrom, options: ReadOptions): LogRead {
  const { segments } = from
  const logEndOffset = from.logEndOffset()
  const upTo = Math.min(options.upTo, logEndOffset)
  const place = options.offset < upTo ? findPlace(from, options.offset) : undefined
  if (place === undefined) return emptyRead(from, options)

  const { segment, index, position } = place
  const next = segments.at(index + 1)
  const end =
    upTo >= (next?.baseOffset ?? logEndOffset) ? segment.readableBytes : positionIn(from, segment, upTo)
  const available = end - position
  if (available <= 0) return emptyRead(from, options)

  const length = lengthOf(segment, position, available, options)
  const nowMs = from.nowMs()
  segment.lastReadAtMs = nowMs
  return new LogSlice({
    segment,
    position,
    length,
    recent: isRecent(segments, segment, index, position, length, nowMs),
    firstBatchIncomplete: length === 0,
    endsInOldSegment: next !== undefined && length === available && upTo > next.baseOffset,
    abortedTransactions:
      options.readCommitted === true
        ? findAborted(segments, index, options.offset, upTo, position + length, from)
        : null,
    nowMs: from.nowMs,
  })
}

interface Place {
  readonly segment: Segment
  readonly index: number
  readonly position: number
}

/** After compaction an offset may be missing, and the next batch stand in a later segment. */
function findPlace(from: ReadFrom, offset: number): Place | undefined {
  const { segments } = from
  for (let index = Math.max(0, segments.indexFor(offset)); index < segments.length; index++) {
    const segment = segments.at(index)
    if (segment === undefined) return undefined
    const position = offset <= segment.baseOffset ? 0 : positionIn(from, segment, offset)
    if (position < segment.readableBytes) return { segment, index, position }
  }
  return undefined
}

function positionIn(from: ReadFrom, segment: Segment, offset: number): number {
  const recent = segment === from.segments.active ? from.recentPosition(offset) : -1
  return recent >= 0 ? recent : segment.positionFor(offset)
}

function lengthOf(segment: Segment, position: number, available: number, options: ReadOptions): number {
  if (available <= options.maxBytes) return available
  const firstBatchBytes = segment.batchSizeAt(position)
  if (firstBatchBytes <= options.maxBytes) return options.maxBytes
  // A piece of a batch as the only content is of no use to anybody.
  return options.minOneBatch ? Math.min(firstBatchBytes, available) : 0
}

function isRecent(
  segments: SegmentList,
  segment: Segment,
  index: number,
  position: number,
  length: number,
  nowMs: number,
): boolean {
  let toTheEnd = segment.readableBytes - position
  if (index === segments.length - 2) toTheEnd += segments.active.readableBytes
  if (index >= segments.length - 2 && toTheEnd <= recentBytes) return true
  return segment.warm.has(position, position + length, nowMs)
}

/** The upper bound may be rounded up to the next index entry: readers cope with transactions too many, not with too few. */
function findAborted(
  segments: SegmentList,
  index: number,
  offset: number,
  upTo: number,
  endPosition: number,
  from: ReadFrom,
): { producerId: number; firstOffset: number }[] {
  const found: { producerId: number; firstOffset: number }[] = []
  let upperBound = -1
  for (let at = index; at < segments.length; at++) {
    const segment = segments.at(at)
    if (segment === undefined || !segment.transactions.exists) continue
    if (upperBound < 0)
      upperBound = Math.min(upTo, offsetAfter(segments, index, endPosition, from.logEndOffset()))
    if (segment.transactions.collect(offset, upperBound, found)) break
  }
  return found
}

function offsetAfter(
  segments: SegmentList,
  index: number,
  endPosition: number,
  logEndOffset: number,
): number {
  const entry = segments.at(index)?.offsets.firstFrom(endPosition)
  return entry?.offset ?? segments.at(index + 1)?.baseOffset ?? logEndOffset
}

function emptyRead(from: ReadFrom, options: ReadOptions): LogRead {
  const { active } = from.segments
  return new LogSlice({
    segment: active,
    position: active.readableBytes,
    length: 0,
    recent: true,
    firstBatchIncomplete: false,
    endsInOldSegment: false,
    abortedTransactions: options.readCommitted === true ? [] : null,
    nowMs: from.nowMs,
  })
}
