import type { KnownProducer, ProducerBatch } from './check-producer.ts'
import { FirstBatches } from './first-batches.ts'
import { type CompletedTransaction, OpenTransactions } from './open-transactions.ts'
import { type DraftOptions, ProducerDraft, type TransactionEvent } from './producer-draft.ts'
import { ProducerEntry, type RememberedProducer } from './producer-entry.ts'
import type { SnapshotEntry } from './producer-snapshot.ts'
import { type TransactionGuard, TransactionVerifications } from './transaction-verifications.ts'
import type { UnwrittenProducers } from './unwritten-producers.ts'

/** As DescribeProducers shows it. */
export interface DescribedProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  readonly currentTxnStartOffset: number
}

/** All of a state by value, for another thread: more than a snapshot holds. */
export interface ProducerMemory {
  readonly producers: readonly RememberedProducer[]
  /** Transactions whose marker may not be below the high watermark yet. */
  readonly unreplicated: readonly CompletedTransaction[]
}

/** What takes a transaction out of the open ones, and what the transaction index of its segment is to say. */
export interface EndedTransaction extends CompletedTransaction {
  /** What the last stable offset is once this one is taken away. */
  readonly lastStableOffset: number
}

/**
 * The producers of one log: their epochs, last sequences and open transactions. Changed only by taking over a draft,
 * by the same rules whether the batch came from a client, from a leader or from the own files at start-up; so every
 * replica comes to the same state from the same bytes.
 *
 * Use: `draft`, then `add` for every batch of the append, then (bytes given to the file, offsets fixed) `takeOver`.
 * Between them nothing else may be taken over.
 */
export class ProducerState {
  readonly #entries = new Map<number, ProducerEntry>()
  #transactions = new OpenTransactions()
  readonly #verifications = new TransactionVerifications()
  readonly #firstBatches = new FirstBatches()

  get size(): number {
    return this.#entries.size
  }

  /** The oldest offset readers of committed data must not reach; Infinity without one. Last stable offset = min(this, high watermark). */
  get firstUnstableOffset(): number {
    return this.#transactions.firstUnstableOffset
  }

  /** Begin of the oldest transaction without a marker; Infinity without one. */
  get firstUndecidedOffset(): number {
    return this.#transactions.firstUndecidedOffset
  }

  draft(options: DraftOptions): ProducerDraft {
    return new ProducerDraft(this, options)
  }

  /** To be called whenever the high watermark has moved. */
  highWatermarkMoved(highWatermark: number): void {
    this.#transactions.replicatedTo(highWatermark)
  }

  entry(producerId: number): KnownProducer | undefined {
    return this.#entries.get(producerId)
  }

  hasOpenTransaction(producerId: number, epoch: number): boolean {
    const entry = this.#entries.get(producerId)
    return entry !== undefined && entry.transactionFirstOffset !== -1 && entry.epoch === epoch
  }

  /** Undefined: the transaction is already open here, the coordinator need not be asked. */
  startVerification(
    batch: ProducerBatch,
    options: { readonly supportsEpochBump: boolean; readonly nowMs: number },
  ): TransactionGuard | undefined {
    if (this.hasOpenTransaction(batch.producerId, batch.producerEpoch)) return undefined
    return this.#verifications.start({
      producerId: batch.producerId,
      epoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      ...options,
    })
  }

  /** The guard that an append of this producer must bring. */
  verification(producerId: number): ReturnType<TransactionVerifications['get']> {
    return this.#verifications.get(producerId)
  }

  /** For a batch of a producer that is not known, with a sequence other than 0: whether it may be the first. Notes that it came. */
  mayBegin(batch: ProducerBatch, nowMs: number): boolean {
    return this.#firstBatches.mayBegin(batch, nowMs)
  }

  /** Forgets producers that wrote nothing for `expirationMs`; never one with an open transaction. Returns how many. */
  expire(nowMs: number, expirationMs: number): number {
    let expired = 0
    for (const [producerId, entry] of this.#entries) {
      if (!isExpired(entry.transactionFirstOffset, entry.lastWriteMs, nowMs, expirationMs)) continue
      this.#entries.delete(producerId)
      expired++
    }
    this.#verifications.expire(nowMs - expirationMs)
    this.#firstBatches.expire(nowMs)
    return expired
  }

  describe(): DescribedProducer[] {
    return Array.from(this.#entries, ([producerId, entry]) => ({
      producerId,
      producerEpoch: entry.epoch,
      lastSequence: entry.lastSequence,
      lastTimestamp: entry.lastTimestampMs,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnStartOffset: entry.transactionFirstOffset,
    }))
  }

  /** For a snapshot of the state as it is now. */
  snapshot(): SnapshotEntry[] {
    const stored: SnapshotEntry[] = []
    for (const [producerId, entry] of this.#entries) stored.push(...entry.store(producerId))
    return stored
  }

  /** The state that a snapshot holds, without producers that have expired since. */
  static fromSnapshot(
    entries: readonly SnapshotEntry[],
    options: { readonly nowMs: number; readonly expirationMs: number },
  ): ProducerState {
    const state = new ProducerState()
    for (const stored of entries) {
      let entry = state.#entries.get(stored.producerId)
      if (entry === undefined) {
        entry = new ProducerEntry()
        state.#entries.set(stored.producerId, entry)
      }
      entry.restore(stored)
    }
    state.expire(options.nowMs, options.expirationMs)
    state.#openTransactions([])
    return state
  }

  toMemory(): ProducerMemory {
    return {
      producers: Array.from(this.#entries, ([producerId, entry]) => entry.toRemember(producerId)),
      unreplicated: this.#transactions.unreplicated,
    }
  }

  static fromMemory(memory: ProducerMemory): ProducerState {
    const state = new ProducerState()
    for (const producer of memory.producers) {
      state.#entries.set(producer.producerId, ProducerEntry.remembered(producer))
    }
    state.#openTransactions(memory.unreplicated)
    return state
  }

  /** Only for `ProducerDraft`. */
  takeOver(
    changes: {
      readonly entries: ReadonlyMap<number, ProducerEntry>
      readonly events: readonly TransactionEvent[]
    },
    unwritten?: UnwrittenProducers,
  ): readonly EndedTransaction[] {
    for (const [producerId, entry] of changes.entries) {
      unwritten?.note(producerId, this.#entries.get(producerId))
      this.#entries.set(producerId, entry)
    }
    if (changes.events.length === 0) return noTransactions
    const ended: EndedTransaction[] = []
    for (const event of changes.events) {
      if (event.kind === 'verified') {
        this.#verifications.end(event.producerId)
      } else if (event.kind === 'begun') {
        this.#transactions.begin(event.producerId, event.firstOffset)
      } else {
        const { transaction } = event
        const lastStableOffset = this.#transactions.lastStableOffsetWithout(transaction)
        this.#transactions.complete(transaction)
        ended.push({ ...transaction, lastStableOffset })
      }
    }
    return ended
  }

  /**
   * Batches from `endOffset` on never got to the file: producers and transactions are again what they were before. A
   * verification that such a batch has ended is not there again; the batch that comes instead is verified anew.
   */
  takeBack(unwritten: UnwrittenProducers, endOffset: number): void {
    if (unwritten.before.size === 0) return
    for (const [producerId, entry] of unwritten.before) {
      if (entry === undefined) this.#entries.delete(producerId)
      else this.#entries.set(producerId, entry)
    }
    this.#openTransactions(this.#transactions.unreplicated.filter(({ lastOffset }) => lastOffset < endOffset))
  }

  /** Makes the transactions what the entries say, with those that ended in `unreplicated`. */
  #openTransactions(unreplicated: readonly CompletedTransaction[]): void {
    const open: [firstOffset: number, producerId: number][] = []
    for (const [producerId, { transactionFirstOffset }] of this.#entries) {
      if (transactionFirstOffset !== -1) open.push([transactionFirstOffset, producerId])
    }
    open.sort(([a], [b]) => a - b)
    this.#transactions = new OpenTransactions()
    for (const [firstOffset, producerId] of open) this.#transactions.begin(producerId, firstOffset)
    for (const transaction of unreplicated) this.#transactions.completed(transaction)
  }
}

const noTransactions: readonly EndedTransaction[] = []

function isExpired(
  transactionFirstOffset: number,
  lastWriteMs: number,
  nowMs: number,
  expirationMs: number,
): boolean {
  return transactionFirstOffset === -1 && nowMs - lastWriteMs >= expirationMs
}
