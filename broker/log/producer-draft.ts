import { sequenceAfter } from '../../protocol/index.ts'
import {
  checkEpoch,
  checkMarker,
  checkSequence,
  checkTransaction,
  checkVerified,
  type EndMarker,
  findDuplicate,
  type KnownProducer,
  mustComeAgain,
  type ProducerBatch,
  type ProducerVerdict,
} from './check-producer.ts'
import type { CompletedTransaction } from './open-transactions.ts'
import { ProducerEntry } from './producer-entry.ts'
import type { EndedTransaction, ProducerState } from './producer-state.ts'
import { noSequence } from './sequences.ts'
import type { TransactionGuard } from './transaction-verifications.ts'
import type { UnwrittenProducers } from './unwritten-producers.ts'

/**
 * - `client`: epochs, sequences and open transactions are checked, duplicates recognised.
 * - `coordinator`: as client, without sequences, which a coordinator does not give.
 * - `replication`: the leader has checked; the same state is built. Also for what is read again from the own files.
 */
export type ProducerOrigin = 'client' | 'coordinator' | 'replication'

export interface DraftOptions {
  readonly origin: ProducerOrigin
  readonly nowMs: number
  /** From `startVerification`; needed by the first transactional batch when `transaction.partition.verification.enable`. */
  readonly guard?: TransactionGuard
  readonly mustBeVerified?: boolean
}

/** What a batch did to a transaction of its producer, in the order of the batches. */
export type TransactionEvent =
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
        this.#checkFirstOfTransaction(known, batch) ??
        this.#checkSequence(known, batch) ??
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

  /**
   * Makes the state what the draft says. Returns the transactions that markers ended, in the order of the markers. `unwritten`
   * is told what was before.
   */
  takeOver(unwritten?: UnwrittenProducers): readonly EndedTransaction[] {
    return this.#state.takeOver({ entries: this.#entries, events: this.#events }, unwritten)
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
    entry.lastWriteMs = Math.max(timestampMs, this.#options.nowMs)
  }

  #checkFirstOfTransaction(
    known: KnownProducer | undefined,
    batch: ProducerBatch,
  ): ProducerVerdict | undefined {
    const { mustBeVerified, guard } = this.#options
    if (mustBeVerified !== true || !batch.isTransactional) return undefined
    return checkVerified(known, batch, this.#state.verification(batch.producerId), guard)
  }

  #checkSequence(known: KnownProducer | undefined, batch: ProducerBatch): ProducerVerdict | undefined {
    if (this.#options.origin !== 'client') return undefined
    if (batch.isTransactional) return checkSequence(known, batch, this.#state.verification(batch.producerId))
    const isUnknown = known === undefined || known.epoch === -1
    if (isUnknown && batch.baseSequence > 0 && !this.#state.mayBegin(batch, this.#options.nowMs)) {
      return mustComeAgain(batch)
    }
    return checkSequence(known, batch, undefined)
  }
}

const accepted: ProducerVerdict = { kind: 'accepted' }
