import { type ErrorName, sequenceAfter } from '../../protocol/index.ts'
import { type CompletedTransaction, OpenTransactions } from './open-transactions.ts'
import { ProducerEntry, type RememberedProducer } from './producer-entry.ts'
import type { SnapshotEntry } from './producer-snapshot.ts'
import { follows, noSequence } from './sequences.ts'
import { type TransactionGuard, TransactionVerifications } from './transaction-verifications.ts'

/** What the state needs of a batch; a `RecordBatchView` has it all. Only batches with a producer id (>= 0) are given. */
export interface ProducerBatch {
  readonly producerId: number
  readonly producerEpoch: number
  /** -1: the batch carries no sequence (markers, and data written by a coordinator). */
  readonly baseSequence: number
  readonly lastOffsetDelta: number
  readonly maxTimestamp: number
  readonly isTransactional: boolean
}

/** The end of a transaction, as the control record says it. */
export interface EndMarker {
  readonly isAbort: boolean
  readonly coordinatorEpoch: number
  /** 2: the marker's epoch must be a new one (KIP-890). Travels in the request only; 1 wherever it is not known. */
  readonly transactionVersion?: 1 | 2
}

/**
 * - `client`: epochs, sequences and open transactions are checked, duplicates recognised.
 * - `coordinator`: as client, without sequences, which a coordinator does not give.
 * - `replication`: the leader has checked; the same state is built. Also for what is read again from the own files.
 */
export type ProducerOrigin = 'client' | 'coordinator' | 'replication'

export type ProducerVerdict =
  | { readonly kind: 'accepted' }
  /** Written before: to be answered as it was then. */
  | {
      readonly kind: 'duplicate'
      readonly baseOffset: number
      readonly lastOffset: number
      readonly timestampMs: number
    }
  | { readonly kind: 'refused'; readonly error: ErrorName; readonly message: string }

export interface DraftOptions {
  readonly origin: ProducerOrigin
  readonly nowMs: number
  /** From `startVerification`; needed by the first transactional batch when `transaction.partition.verification.enable`. */
  readonly guard?: TransactionGuard
  readonly mustBeVerified?: boolean
}

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
  readonly #transactions = new OpenTransactions()
  readonly #verifications = new TransactionVerifications()

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

  /** Forgets producers that wrote nothing for `expirationMs`; never one with an open transaction. Returns how many. */
  expire(nowMs: number, expirationMs: number): number {
    let expired = 0
    for (const [producerId, entry] of this.#entries) {
      if (!isExpired(entry.transactionFirstOffset, entry.lastWriteMs, nowMs, expirationMs)) continue
      this.#entries.delete(producerId)
      expired++
    }
    this.#verifications.expire(nowMs - expirationMs)
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
    return Array.from(this.#entries, ([producerId, entry]) => ({
      producerId,
      epoch: entry.epoch,
      lastSequence: entry.lastSequence,
      lastOffset: entry.lastDataOffset,
      offsetDelta: entry.lastOffsetDelta,
      timestamp: entry.lastTimestampMs,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnFirstOffset: entry.transactionFirstOffset,
    }))
  }

  /** The state that a snapshot holds, without producers that have expired since. */
  static fromSnapshot(
    entries: readonly SnapshotEntry[],
    options: { readonly nowMs: number; readonly expirationMs: number },
  ): ProducerState {
    const state = new ProducerState()
    const open: SnapshotEntry[] = []
    for (const stored of entries) {
      if (isExpired(stored.currentTxnFirstOffset, stored.timestamp, options.nowMs, options.expirationMs))
        continue
      const entry = new ProducerEntry()
      entry.epoch = stored.epoch
      entry.coordinatorEpoch = stored.coordinatorEpoch
      entry.transactionFirstOffset = stored.currentTxnFirstOffset
      if (stored.lastOffset >= 0) {
        entry.remember(stored.lastSequence, stored.lastOffset, stored.offsetDelta, stored.timestamp)
      }
      entry.lastTimestampMs = stored.timestamp
      entry.lastWriteMs = stored.timestamp
      state.#entries.set(stored.producerId, entry)
      if (stored.currentTxnFirstOffset >= 0) open.push(stored)
    }
    open.sort((a, b) => a.currentTxnFirstOffset - b.currentTxnFirstOffset)
    for (const { producerId, currentTxnFirstOffset } of open) {
      state.#transactions.begin(producerId, currentTxnFirstOffset)
    }
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
    const open = memory.producers.filter(({ transactionFirstOffset }) => transactionFirstOffset !== -1)
    open.sort((a, b) => a.transactionFirstOffset - b.transactionFirstOffset)
    for (const { producerId, transactionFirstOffset } of open) {
      state.#transactions.begin(producerId, transactionFirstOffset)
    }
    for (const transaction of memory.unreplicated) state.#transactions.completed(transaction)
    return state
  }

  /** Only for `ProducerDraft`. */
  takeOver(changes: {
    readonly entries: ReadonlyMap<number, ProducerEntry>
    readonly events: readonly TransactionEvent[]
  }): readonly EndedTransaction[] {
    for (const [producerId, entry] of changes.entries) this.#entries.set(producerId, entry)
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
}

type KnownProducer = Readonly<ProducerEntry>

type TransactionEvent =
  | { readonly kind: 'begun'; readonly producerId: number; readonly firstOffset: number }
  | { readonly kind: 'ended'; readonly transaction: CompletedTransaction }
  | { readonly kind: 'verified'; readonly producerId: number }

/**
 * What one append would change. Each batch is checked against the state as the batches before it in the same append
 * have changed it. A draft that is not taken over leaves no trace.
 */
export class ProducerDraft {
  readonly #state: ProducerState
  readonly #options: DraftOptions
  readonly #entries = new Map<number, ProducerEntry>()
  readonly #events: TransactionEvent[] = []

  constructor(state: ProducerState, options: DraftOptions) {
    this.#state = state
    this.#options = options
  }

  /** A batch of data that is to stand at `baseOffset`. After anything but `accepted` the draft must not be taken over. */
  add(batch: ProducerBatch, baseOffset: number): ProducerVerdict {
    const known = this.#entry(batch.producerId)
    const lastSequence =
      batch.baseSequence === noSequence
        ? noSequence
        : sequenceAfter(batch.baseSequence, batch.lastOffsetDelta)
    if (this.#options.origin !== 'replication') {
      const duplicate = findDuplicate(known, batch, lastSequence)
      if (duplicate !== undefined) return duplicate
      const refusal =
        checkEpoch(known, batch) ??
        this.#checkVerified(batch) ??
        (this.#options.origin === 'client' ? this.#checkSequence(known, batch) : undefined) ??
        checkTransaction(known, batch)
      if (refusal !== undefined) return refusal
    }
    const lastOffset = baseOffset + batch.lastOffsetDelta
    const entry = this.#change(batch.producerId, known)
    entry.moveToEpoch(batch.producerEpoch)
    entry.remember(lastSequence, lastOffset, batch.lastOffsetDelta, batch.maxTimestamp)
    this.#touch(entry, batch.maxTimestamp)
    if (batch.isTransactional && entry.transactionFirstOffset === -1) {
      entry.transactionFirstOffset = baseOffset
      this.#events.push({ kind: 'begun', producerId: batch.producerId, firstOffset: baseOffset })
    }
    if (batch.isTransactional) this.#events.push({ kind: 'verified', producerId: batch.producerId })
    return accepted
  }

  /** A control batch that ends the producer's transaction, to stand at `offset`. */
  addMarker(batch: ProducerBatch, offset: number, marker: EndMarker): ProducerVerdict {
    const known = this.#entry(batch.producerId)
    if (this.#options.origin !== 'replication') {
      const refusal = checkMarker(known, batch, marker)
      if (refusal !== undefined) return refusal
    }
    const entry = this.#change(batch.producerId, known)
    if (entry.transactionFirstOffset !== -1) {
      const { producerId } = batch
      const transaction = {
        producerId,
        firstOffset: entry.transactionFirstOffset,
        lastOffset: offset,
        isAborted: marker.isAbort,
      }
      this.#events.push({ kind: 'ended', transaction })
    }
    entry.moveToEpoch(batch.producerEpoch)
    entry.transactionFirstOffset = -1
    entry.coordinatorEpoch = marker.coordinatorEpoch
    entry.lastTimestampMs = batch.maxTimestamp
    this.#touch(entry, batch.maxTimestamp)
    this.#events.push({ kind: 'verified', producerId: batch.producerId })
    return accepted
  }

  /** Makes the state what the draft says. Returns the transactions that markers ended, in the order of the markers. */
  takeOver(): readonly EndedTransaction[] {
    return this.#state.takeOver({ entries: this.#entries, events: this.#events })
  }

  #entry(producerId: number): KnownProducer | undefined {
    return this.#entries.get(producerId) ?? this.#state.entry(producerId)
  }

  #change(producerId: number, known: KnownProducer | undefined): ProducerEntry {
    const changed = this.#entries.get(producerId)
    if (changed !== undefined) return changed
    const entry = known?.copy() ?? new ProducerEntry()
    this.#entries.set(producerId, entry)
    return entry
  }

  #touch(entry: ProducerEntry, timestampMs: number): void {
    entry.lastWriteMs =
      this.#options.origin === 'replication' ? timestampMs : Math.max(timestampMs, this.#options.nowMs)
  }

  /** The first transactional batch needs the coordinator's yes, fetched under the guard that is still current. */
  #checkVerified(batch: ProducerBatch): ProducerVerdict | undefined {
    if (!batch.isTransactional || this.#options.mustBeVerified !== true) return undefined
    const entry = this.#entry(batch.producerId)
    const isOpen =
      entry !== undefined && entry.transactionFirstOffset !== -1 && entry.epoch === batch.producerEpoch
    if (isOpen) return undefined
    const { guard } = this.#options
    if (guard !== undefined && this.#state.verification(batch.producerId)?.guard === guard) return undefined
    return refuse(
      'INVALID_TXN_STATE',
      `The transaction of producer ${batch.producerId} was not verified for this partition, or has ended meanwhile.`,
    )
  }

  #checkSequence(known: KnownProducer | undefined, batch: ProducerBatch): ProducerVerdict | undefined {
    const first = batch.baseSequence
    const verification = batch.isTransactional ? this.#state.verification(batch.producerId) : undefined
    if (verification !== undefined) {
      if (verification.supportsEpochBump && known === undefined && first !== 0) {
        return outOfOrder(batch, 'the first batch of a transaction must have sequence 0')
      }
      if (first > verification.lowestSequence) {
        return outOfOrder(batch, `a batch with sequence ${verification.lowestSequence} has to come first`)
      }
    }
    if (known === undefined || known.epoch === -1) return undefined
    if (batch.producerEpoch !== known.epoch) {
      return first === 0 ? undefined : outOfOrder(batch, 'a new epoch must start at sequence 0')
    }
    return follows(known.lastSequence, first)
      ? undefined
      : outOfOrder(batch, `the last sequence written is ${known.lastSequence}`)
  }
}

const accepted: ProducerVerdict = { kind: 'accepted' }
const noTransactions: readonly EndedTransaction[] = []

function isExpired(
  transactionFirstOffset: number,
  lastWriteMs: number,
  nowMs: number,
  expirationMs: number,
): boolean {
  return transactionFirstOffset === -1 && nowMs - lastWriteMs >= expirationMs
}

function findDuplicate(
  known: KnownProducer | undefined,
  batch: ProducerBatch,
  lastSequence: number,
): ProducerVerdict | undefined {
  if (known === undefined || known.epoch !== batch.producerEpoch || batch.baseSequence < 0) return undefined
  const earlier = known.findBatch(batch.baseSequence, lastSequence)
  if (earlier === undefined) return undefined
  return {
    kind: 'duplicate',
    baseOffset: earlier.firstOffset,
    lastOffset: earlier.lastOffset,
    timestampMs: earlier.timestampMs,
  }
}

function checkEpoch(known: KnownProducer | undefined, batch: ProducerBatch): ProducerVerdict | undefined {
  if (known === undefined || batch.producerEpoch >= known.epoch) return undefined
  return staleEpoch(batch, known.epoch)
}

function checkTransaction(
  known: KnownProducer | undefined,
  batch: ProducerBatch,
): ProducerVerdict | undefined {
  if (known === undefined || known.transactionFirstOffset === -1 || batch.isTransactional) return undefined
  return refuse(
    'INVALID_TXN_STATE',
    `Producer ${batch.producerId} has an open transaction in this partition; a batch outside of it is not accepted.`,
  )
}

function checkMarker(
  known: KnownProducer | undefined,
  batch: ProducerBatch,
  marker: EndMarker,
): ProducerVerdict | undefined {
  if (known === undefined) return undefined
  if (batch.producerEpoch < known.epoch) return staleEpoch(batch, known.epoch)
  // V2 raises the epoch with every marker; the same one again is the retry of a marker that is already written.
  const isOpen = known.transactionFirstOffset !== -1
  if (marker.transactionVersion === 2 && batch.producerEpoch === known.epoch && isOpen) {
    return staleEpoch(batch, known.epoch)
  }
  if (marker.coordinatorEpoch >= known.coordinatorEpoch) return undefined
  return refuse(
    'TRANSACTION_COORDINATOR_FENCED',
    `A marker of coordinator epoch ${marker.coordinatorEpoch} comes after one of epoch ${known.coordinatorEpoch}.`,
  )
}

function staleEpoch(batch: ProducerBatch, knownEpoch: number): ProducerVerdict {
  return refuse(
    'INVALID_PRODUCER_EPOCH',
    `Producer ${batch.producerId} comes with epoch ${batch.producerEpoch}; epoch ${knownEpoch} is known already.`,
  )
}

function outOfOrder(batch: ProducerBatch, reason: string): ProducerVerdict {
  return refuse(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    `Producer ${batch.producerId} with epoch ${batch.producerEpoch} comes with sequence ${batch.baseSequence}: ${reason}.`,
  )
}

function refuse(error: ErrorName, message: string): ProducerVerdict {
  return { kind: 'refused', error, message }
}
