import { decompress, type RecordBatchView, RecordSpans } from '../../protocol/index.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import type { CleaningJob } from './cleaning-job.ts'
import type { CleaningReader } from './cleaning-reader.ts'
import type { OffsetMap } from './offset-map.ts'
import type { AbortedTransaction } from './transaction-index.ts'

export interface MappedRange {
  /** Exclusive: every record before it is mapped. */
  readonly endOffset: number
  /** Of the last batch in the dirty part before the end; -1 when there is none. */
  readonly lastOffset: number
}

/** Not even the first batch fits the map. */
export class OffsetMapTooSmall extends Error {
  override readonly name = 'OffsetMapTooSmall'
}

/**
 * The first pass: maps the keys of the dirty part. Ends before the first batch that may not fit any more. Records of aborted
 * transactions, markers, and records without a key are not mapped.
 */
export async function fillOffsetMap(
  map: OffsetMap,
  reader: CleaningReader,
  job: CleaningJob,
  aborted: readonly AbortedTransaction[],
): Promise<MappedRange> {
  const { firstDirtyOffset, upToOffset, segments } = job
  const transactions = new CleanedTransactions(
    aborted.filter(({ lastOffset }) => lastOffset >= firstDirtyOffset),
  )
  let endOffset = upToOffset
  let lastOffset = -1
  const use = (batch: RecordBatchView): 'go on' | 'stop' => {
    if (batch.lastOffset < firstDirtyOffset) return 'go on'
    if (batch.isControl) transactions.isSpent(batch)
    else if (batch.recordCount > 0 && !transactions.isAborted(batch)) {
      if (map.size + batch.recordCount > map.capacity) {
        endOffset = batch.baseOffset
        return 'stop'
      }
      mapKeys(map, batch, job)
    }
    lastOffset = batch.lastOffset
    return 'go on'
  }
  for (const [index, segment] of segments.entries()) {
    if ((segments[index + 1]?.baseOffset ?? upToOffset) <= firstDirtyOffset) continue
    if ((await reader.eachBatch(segment, use)) === 'stop') break
  }
  if (endOffset < upToOffset && lastOffset < 0) {
    throw new OffsetMapTooSmall(
      `A batch at offset ${endOffset} has more records than the map of keys takes (${map.capacity}). ` +
        'Set log.cleaner.dedupe.buffer.size higher, or log.cleaner.threads lower.',
    )
  }
  return { endOffset, lastOffset }
}

function mapKeys(map: OffsetMap, batch: RecordBatchView, job: CleaningJob): void {
  const plain =
    batch.compressionId === 0
      ? batch.recordsBytes
      : decompress(batch.compression, batch.recordsBytes, { maxDecompressedBytes: job.mostUnpackedBytes })
  const { baseOffset } = batch
  const spans = new RecordSpans(plain, batch.recordCount)
  while (spans.next()) {
    const offset = baseOffset + spans.offsetDelta
    if (spans.keyLength >= 0 && offset >= job.firstDirtyOffset) {
      map.put(plain, spans.keyStart, spans.keyLength, offset)
    }
  }
}
