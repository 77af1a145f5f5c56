import { BatchCleaner, type LastRecord } from './clean-batch.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import type {
  CleanedGroup,
  CleaningControl,
  CleaningJob,
  CleaningOutcome,
  SegmentToClean,
} from './cleaning-job.ts'
import { CleaningReader } from './cleaning-reader.ts'
import type { Disk } from './disk.ts'
import { segmentFileName } from './file-names.ts'
import { fillOffsetMap } from './fill-offset-map.ts'
import { groupSegments, type SegmentGroup } from './group-segments.ts'
import { OffsetMap, offsetMapSlotBytes } from './offset-map.ts'
import { SegmentWriter } from './segment-writer.ts'
import { readAbortedTransactions } from './read-aborted-transactions.ts'
import { type AbortedTransaction, decodeTransactionIndex } from './transaction-index.ts'

/**
 * Cleans a log in two passes: one over what is dirty, which maps each key to its last offset, and one over everything up to
 * there, which copies what is to stay to new segments. Existing files are only read. Rejects with DiskError; with
 * DamagedSegment or RecordsError for bytes that are no log; with OffsetMapTooSmall or SegmentTooLarge; and with
 * CleaningStopped. What was being written then is removed; groups that were given out stay as they are.
 */
export async function cleanLog(
  disk: Disk,
  job: CleaningJob,
  control: CleaningControl,
): Promise<CleaningOutcome> {
  const { segments, upToOffset } = job
  const map = new OffsetMap({
    memoryBytes: job.mapBytes,
    loadFactor: job.mapLoadFactor,
    seed: job.seed,
  })
  const aborted = readAborted(disk, job)
  const reader = new CleaningReader(disk, job.directory, control, job.bufferBytes)
  const { endOffset, lastOffset } = await fillOffsetMap(map, reader, job, aborted)

  const transactions = new CleanedTransactions(aborted)
  const cleaner = new BatchCleaner({
    map,
    mapEndOffset: endOffset,
    lastOffset,
    transactions,
    lastRecordOf: lastRecords(job.producers),
    nowMs: job.nowMs,
    deleteRetentionMs: job.deleteRetentionMs,
    mostUnpackedBytes: job.mostUnpackedBytes,
  })
  const copied = segments.filter(({ baseOffset }) => baseOffset < endOffset)
  const copiedEnd = segments[copied.length]?.baseOffset ?? upToOffset
  const buffer = Buffer.allocUnsafeSlow(job.bufferBytes)
  let bytesBefore = 0
  let bytesAfter = 0
  for (const group of groupSegments(copied, copiedEnd, job)) {
    const cleaned = await cleanGroup({ disk, job, reader, cleaner, transactions, buffer }, group)
    const sizeBefore = group.reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0)
    bytesBefore += sizeBefore
    bytesAfter += cleaned?.sizeInBytes ?? sizeBefore
    if (cleaned !== undefined) control.onGroup(cleaned)
  }
  return {
    endOffset,
    mappedKeys: map.size,
    mapUtilization: (map.size * offsetMapSlotBytes) / (job.mapBytes * job.mapLoadFactor),
    readBytes: reader.readBytes,
    bytesBefore,
    bytesAfter,
  }
}

interface CopyParts {
  readonly disk: Disk
  readonly job: CleaningJob
  readonly reader: CleaningReader
  readonly cleaner: BatchCleaner
  readonly transactions: CleanedTransactions
  readonly buffer: Buffer
}

/** Undefined when the group is one segment of which everything stays as it is. */
async function cleanGroup(
  { disk, job, reader, cleaner, transactions, buffer }: CopyParts,
  group: SegmentGroup<SegmentToClean>,
): Promise<CleanedGroup | undefined> {
  const writer = new SegmentWriter({ ...job, disk, group, buffer })
  let hasChanges = group.length > 1
  try {
    for (const segment of group) {
      await reader.eachBatch(segment, batch => {
        const bytes = cleaner.clean(batch)
        // A batch that stays as it is is given back as it lies in the reader's buffer.
        if (bytes?.buffer !== batch.buffer.buffer) hasChanges = true
        if (bytes !== undefined) reader.noteWritten(writer.add(bytes))
        if (batch.isControl) writer.addAborted(transactions.takeRetained())
        return 'go on'
      })
    }
    if (hasChanges) return await writer.finish()
  } catch (error) {
    abandon(writer)
    throw error
  }
  writer.abandon()
  return undefined
}

/** What is left is removed at the next start. */
function abandon(writer: SegmentWriter): void {
  try {
    writer.abandon()
  } catch {
    // The reason why it is abandoned says more.
  }
}

function readAborted(disk: Disk, job: CleaningJob): readonly AbortedTransaction[] {
  return job.transactionIndexes.flatMap(base => {
    const content = disk.readFile(`${job.directory}/${segmentFileName(base, 'txnindex')}`)
    if (content === undefined) return []
    return decodeTransactionIndex(content) ?? readAbortedTransactions(disk, job.directory, base)
  })
}

function lastRecords(producers: Float64Array): (producerId: number) => LastRecord | undefined {
  const last = new Map<number, LastRecord>()
  for (let at = 0; at < producers.length; at += 3) {
    last.set(producers[at]!, { lastDataOffset: producers[at + 1]!, epoch: producers[at + 2]! })
  }
  return producerId => last.get(producerId)
}
