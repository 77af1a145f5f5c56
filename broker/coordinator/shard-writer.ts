import {
  buildBatch,
  type CompressionType,
  type ErrorName,
  type RecordToBuild,
  sizeOfRecord,
} from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import { type EncodedEntry, type EntryOrigin, outsideTransactions } from './shard-kind.ts'
import type { ShardLog } from './shard-log.ts'

/**
 * Gathers the records that a shard writes in one turn into one batch, which goes to the log at the end of the turn.
 * Records that belong together are never parted; transactional ones get a batch of their own, at once.
 *
 * Writes are numbered: `newest` is the number that records taken now belong to.
 */
export class ShardWriter {
  readonly #options: ShardWriterOptions
  #open: OpenBatch | undefined
  #newest = 0

  constructor(options: ShardWriterOptions) {
    this.#options = options
  }

  /** Number of the newest write, the batch that is still open included. */
  get newest(): number {
    return this.#newest
  }

  /**
   * Takes records into the open batch, or into new ones where they do not fit. The error says why nothing could be taken; then
   * nothing was.
   */
  take(
    entries: readonly EncodedEntry[],
    options: { readonly independent: boolean; readonly transaction: EntryOrigin | undefined },
  ): ErrorName | null {
    const refusal = this.#options.log.refusal()
    if (refusal !== null) return refusal
    const timestamp = this.#options.clock.nowMs()
    const records = entries.map(entry => ({ ...entry, timestamp }))
    const { mostBatchBytes } = this.#options.log
    const sizes = records.map(
      record => sizeOfRecord(record, records.length + largestDelta, 0) + slackPerRecord,
    )
    const groups = options.independent
      ? records.map((_, index) => [index])
      : [records.map((_, index) => index)]
    for (const group of groups) {
      const size = group.reduce((sum, index) => sum + sizes[index]!, batchOverhead)
      if (size > mostBatchBytes) return 'MESSAGE_TOO_LARGE'
    }
    const { transaction = outsideTransactions } = options
    if (transaction !== outsideTransactions) this.flush()
    for (const group of groups) {
      const size = group.reduce((sum, index) => sum + sizes[index]!, 0)
      if (this.#open !== undefined && this.#open.sizeInBytes + size > mostBatchBytes) this.flush()
      const batch = this.#openBatch(transaction)
      for (const index of group) batch.records.push(records[index]!)
      batch.sizeInBytes += size
    }
    if (transaction !== outsideTransactions) this.flush()
    return null
  }

  /** The open batch goes to the log. */
  flush(): void {
    const batch = this.#open
    if (batch === undefined) return
    this.#open = undefined
    const { log, compression } = this.#options
    const { producerId, producerEpoch } = batch.origin
    const bytes = buildBatch({
      records: batch.records,
      compression: compression(),
      ...(producerId < 0 ? {} : { producerId, producerEpoch, isTransactional: true }),
    })
    const outcome = log.append(bytes)
    if ('error' in outcome) this.#options.refused(outcome.error, outcome.message)
    else this.#options.appended(batch.sequence, outcome.endOffset)
  }

  /** Numbers a write that stands in the log already: it was found there at load, not yet replicated. */
  numberFoundWrite(): number {
    this.#options.opened(++this.#newest)
    return this.#newest
  }

  /** What is in the open batch is forgotten: it is part of a state that is dropped. */
  discard(): void {
    this.#open = undefined
  }

  #openBatch(origin: EntryOrigin): OpenBatch {
    if (this.#open !== undefined) return this.#open
    const batch: OpenBatch = { sequence: ++this.#newest, origin, records: [], sizeInBytes: batchOverhead }
    this.#open = batch
    this.#options.opened(batch.sequence)
    this.#options.turn.write(() => {
      if (this.#open === batch) this.flush()
    })
    return batch
  }
}

export interface ShardWriterOptions {
  readonly log: ShardLog
  readonly clock: Clock
  readonly turn: EndOfTurn
  readonly compression: () => CompressionType
  /** A write has begun: what is applied from now on belongs to it. */
  readonly opened: (sequence: number) => void
  readonly appended: (sequence: number, endOffset: number) => void
  /** The log refused what the state already has. */
  readonly refused: (error: ErrorName, message: string) => void
}

interface OpenBatch {
  readonly sequence: number
  readonly origin: EntryOrigin
  readonly records: RecordToBuild[]
  sizeInBytes: number
}

/** Header of a batch, rounded up. */
const batchOverhead = 64
/** Deltas of offset and time take more bytes as a batch fills: the most they can. */
const largestDelta = 2 ** 20
const slackPerRecord = 4
