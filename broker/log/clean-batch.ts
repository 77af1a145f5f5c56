import {
  decompress,
  type RecordBatchView,
  RecordSpans,
  retainRecords,
  withoutRecords,
} from '../../protocol/index.ts'
import type { CleanedTransactions } from './cleaned-transactions.ts'
import type { OffsetMap } from './offset-map.ts'

/** What of a producer's batches must stay so that its sequence and epoch survive. */
export interface LastRecord {
  /** Of its last batch with data; -1 when it has only written a marker since its epoch began. */
  readonly lastDataOffset: number
  readonly epoch: number
}

export interface BatchCleanerParts {
  readonly map: Pick<OffsetMap, 'get'>
  /** Exclusive end of what the map was made of. */
  readonly mapEndOffset: number
  readonly transactions: Pick<CleanedTransactions, 'isAborted' | 'isSpent'>
  /** Of the producers that are alive. */
  readonly lastRecordOf: (producerId: number) => LastRecord | undefined
  /** The last batch before the map's end: it stays, so that the end of what was cleaned can still be seen. */
  readonly lastOffset: number
  /** Wall clock when the cleaning began. */
  readonly nowMs: number
  /** The setting delete.retention.ms. */
  readonly deleteRetentionMs: number
  readonly mostUnpackedBytes: number
}

/**
 * Decides what of each batch stays, in the second pass over a log. Batches have to come in order, each once.
 *
 * - A record with a key stays when no later one has the key, or when it lies behind what was mapped.
 * - A tombstone stays until its batch's horizon, which is set when it is first copied.
 * - Records without a key go, as do the data of aborted transactions.
 * - A marker stays while data of its transaction do, and then until the horizon that is set for it.
 * - The last batch of a living producer, and of what is cleaned, stays even when nothing is left in it.
 */
export class BatchCleaner {
  readonly #parts: BatchCleanerParts
  /** Start and end of each run of records that stay; used again for every batch. */
  readonly #runs: number[] = []

  constructor(parts: BatchCleanerParts) {
    this.#parts = parts
  }

  /** What takes the place of `batch`: its own bytes as they stand when nothing changes; undefined when it goes. */
  clean(batch: RecordBatchView): Buffer | undefined {
    const { nowMs, lastOffset, transactions } = this.#parts
    const staysEmpty = batch.lastOffset === lastOffset || this.#isLastOfProducer(batch)
    const horizonMs = batch.deleteHorizonMs
    if (batch.isControl) {
      const isSpent = transactions.isSpent(batch)
      if (batch.recordCount === 0) return staysEmpty ? batch.bytes : undefined
      if (!isSpent) return batch.bytes
      if (horizonMs === undefined) return this.#withHorizon(batch)
      if (nowMs < horizonMs) return batch.bytes
      return staysEmpty ? withoutRecords(batch) : undefined
    }
    const isAborted = transactions.isAborted(batch)
    if (batch.recordCount === 0) return staysEmpty ? batch.bytes : undefined
    if (isAborted) return staysEmpty ? withoutRecords(batch) : undefined
    return this.#filter(batch, horizonMs) ?? (staysEmpty ? withoutRecords(batch) : undefined)
  }

  /** Undefined when no record stays. */
  #filter(batch: RecordBatchView, horizonMs: number | undefined): Buffer | undefined {
    const { nowMs, mapEndOffset, map, deleteRetentionMs } = this.#parts
    const { baseOffset, recordCount } = batch
    const plain = this.#plain(batch)
    const spans = new RecordSpans(plain, recordCount)
    const keepsTombstones = horizonMs === undefined || nowMs < horizonMs
    const runs = this.#runs
    runs.length = 0
    let kept = 0
    let largestDelta = Number.NEGATIVE_INFINITY
    let hasTombstone = false
    while (spans.next()) {
      const offset = baseOffset + spans.offsetDelta
      if (offset < mapEndOffset) {
        if (spans.keyLength < 0 || !(spans.hasValue || keepsTombstones)) continue
        if (map.get(plain, spans.keyStart, spans.keyLength) > offset) continue
      }
      kept++
      if (spans.timestampDelta > largestDelta) largestDelta = spans.timestampDelta
      if (!spans.hasValue) hasTombstone = true
      if (runs.length > 0 && runs[runs.length - 1] === spans.start) runs[runs.length - 1] = spans.end
      else runs.push(spans.start, spans.end)
    }
    if (kept === 0) return undefined
    const setsHorizon = hasTombstone && horizonMs === undefined
    if (kept === recordCount && !setsHorizon) return batch.bytes
    return retainRecords(batch, plain, {
      runs,
      recordCount: kept,
      maxTimestamp: batch.baseTimestamp + largestDelta,
      ...(setsHorizon ? { deleteHorizonMs: nowMs + deleteRetentionMs } : {}),
    })
  }

  /** A marker that is spent begins its last span of life. */
  #withHorizon(batch: RecordBatchView): Buffer {
    const { nowMs, deleteRetentionMs } = this.#parts
    const plain = this.#plain(batch)
    return retainRecords(batch, plain, {
      runs: [0, plain.length],
      recordCount: batch.recordCount,
      maxTimestamp: batch.maxTimestamp,
      deleteHorizonMs: nowMs + deleteRetentionMs,
    })
  }

  #plain(batch: RecordBatchView): Buffer {
    if (batch.compressionId === 0) return batch.recordsBytes
    return decompress(batch.compression, batch.recordsBytes, {
      maxDecompressedBytes: this.#parts.mostUnpackedBytes,
    })
  }

  #isLastOfProducer(batch: RecordBatchView): boolean {
    const { producerId } = batch
    if (producerId < 0) return false
    const last = this.#parts.lastRecordOf(producerId)
    if (last === undefined) return false
    return last.lastDataOffset >= 0
      ? batch.lastOffset === last.lastDataOffset
      : batch.isControl && batch.producerEpoch === last.epoch
  }
}
