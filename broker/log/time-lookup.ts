import {
  decodePlainRecords,
  decodeRecordsAsync,
  type DecodedRecord,
  type RecordBatchView,
} from '../../protocol/index.ts'
import type { Segment } from './segment.ts'

export interface RecordAtTime {
  readonly offset: number
  readonly timestamp: number
  /** -1 when unknown. */
  readonly leaderEpoch: number
}

/** What is looked in; asked again after each wait, as segments come and go. */
export interface LookedIn {
  readonly segments: readonly Segment[]
  readonly logStartOffset: number
  /** However well a batch packs, it may not unpack to more. */
  readonly mostUnpackedBytes: number
}

/** The first record, by offset, with a time >= `timestamp`; undefined when there is none. */
export async function findRecordAtTime(
  lookedIn: () => LookedIn,
  timestamp: number,
): Promise<RecordAtTime | undefined> {
  let fromOffset = 0
  for (;;) {
    const { segments, logStartOffset, mostUnpackedBytes } = lookedIn()
    fromOffset = Math.max(fromOffset, logStartOffset)
    const batch = firstBatchAtTime(segments, timestamp, fromOffset)
    if (batch === undefined) return undefined
    for (const record of await recordsOf(batch, mostUnpackedBytes)) {
      if (record.timestamp >= timestamp && record.offset >= fromOffset) return foundRecord(batch, record)
    }
    // The header promised more than the records hold.
    fromOffset = batch.nextOffset
  }
}

/** The first record with the largest time of all; undefined when no record has a time. */
export async function findRecordOfMaxTime(lookedIn: () => LookedIn): Promise<RecordAtTime | undefined> {
  const { segments, mostUnpackedBytes } = lookedIn()
  let largest: Segment | undefined
  for (const segment of segments) {
    if (segment.largestTimestamp > (largest?.largestTimestamp ?? -1)) largest = segment
  }
  if (largest === undefined) return undefined
  const found = largest.find(largest.offsetOfLargestTimestamp)
  if (found === undefined) return undefined
  const batch = withRecords(segments, largest.batchAt(found.position))
  if (batch === undefined) return undefined
  let best: DecodedRecord | undefined
  for (const record of await recordsOf(batch, mostUnpackedBytes)) {
    if (best === undefined || record.timestamp > best.timestamp) best = record
  }
  return best === undefined ? undefined : foundRecord(batch, best)
}

/** An emptied batch still says a time that no record has any more; then the header of every other batch is asked. */
function withRecords(segments: readonly Segment[], largest: RecordBatchView): RecordBatchView | undefined {
  if (largest.recordCount > 0) return largest
  let best:
    | { readonly segment: Segment; readonly position: number; readonly maxTimestamp: number }
    | undefined
  for (const segment of segments) {
    for (const { batch, position } of segment.headers()) {
      const { recordCount, maxTimestamp } = batch
      if (recordCount > 0 && maxTimestamp > (best?.maxTimestamp ?? -1))
        best = { segment, position, maxTimestamp }
    }
  }
  return best?.segment.batchAt(best.position)
}

function firstBatchAtTime(
  segments: readonly Segment[],
  timestamp: number,
  fromOffset: number,
): RecordBatchView | undefined {
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1]
    if ((next !== undefined && next.baseOffset <= fromOffset) || segment.largestTimestamp < timestamp)
      continue
    const indexed = segment.times.lookup(timestamp)?.offset ?? segment.baseOffset
    const start = segment.offsets.lookup(Math.max(indexed, fromOffset)).position
    for (const { batch, position } of segment.headers(start)) {
      if (batch.maxTimestamp >= timestamp && batch.lastOffset >= fromOffset) return segment.batchAt(position)
    }
  }
  return undefined
}

async function recordsOf(
  batch: RecordBatchView,
  mostUnpackedBytes: number,
): Promise<Iterable<DecodedRecord>> {
  return batch.compression === 'none'
    ? decodePlainRecords(batch, batch.recordsBytes)
    : decodeRecordsAsync(batch, { maxDecompressedBytes: mostUnpackedBytes })
}

function foundRecord(batch: RecordBatchView, record: DecodedRecord): RecordAtTime {
  return { offset: record.offset, timestamp: record.timestamp, leaderEpoch: batch.partitionLeaderEpoch }
}
