import type { SnapshotEntry } from './producer-snapshot.ts'
import { follows, noSequence, sequencesBetween, subtractFromSequence } from './sequences.ts'

/** One batch of a producer as it is remembered to recognise it when it comes again. */
export interface RememberedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly firstOffset: number
  readonly lastOffset: number
  /** maxTimestamp of the batch: what the duplicate is answered with. */
  readonly timestampMs: number
}

/** All of an entry by value, for another thread. `batches` as in the entry. */
export interface RememberedProducer {
  readonly producerId: number
  readonly epoch: number
  readonly coordinatorEpoch: number
  readonly transactionFirstOffset: number
  readonly lastTimestampMs: number
  readonly lastWriteMs: number
  readonly sequencesBefore: number
  readonly batches: readonly number[]
}

/** A producer may have five batches on their way, so a retry may be of any of the last five. */
const rememberedBatches = 5

const numbersPerBatch = 4

/** Far more than can be on their way, and little enough that a sequence before is told from one to come. */
const mostSequencesBefore = 2 ** 30

/** A producer whose record times lag so much behind the clock must not expire by them after a restart. */
const notableLagMs = 60_000

/** In a snapshot: the entry is not the producer's state, but what else is known of it. Kafka takes it for a producer without one. */
const noEpoch = -1

/**
 * What a log knows of one producer. The batches lie flat in one array of numbers, oldest first (last sequence,
 * last offset, offsets after the first, time): a broker may know a million producers.
 */
export class ProducerEntry {
  /** -1: none known. */
  epoch = -1
  /** Of the coordinator that wrote the last marker; -1 before the first. */
  coordinatorEpoch = -1
  /** Where the open transaction begins in this partition; -1 without one. */
  transactionFirstOffset = -1
  /** Record time of the last batch or marker; -1 when it had none. */
  lastTimestampMs = -1
  /** By which expiry goes: the later of the record time and the clock when it was written, or read again at a start. */
  lastWriteMs = -1
  /** How many sequences, directly before those of the batches, were written in this epoch. */
  #sequencesBefore = 0
  #batches: number[] = []

  /** An independent copy, to be changed by a draft. */
  copy(): ProducerEntry {
    const copy = new ProducerEntry()
    copy.epoch = this.epoch
    copy.coordinatorEpoch = this.coordinatorEpoch
    copy.transactionFirstOffset = this.transactionFirstOffset
    copy.lastTimestampMs = this.lastTimestampMs
    copy.lastWriteMs = this.lastWriteMs
    copy.#sequencesBefore = this.#sequencesBefore
    copy.#batches = this.#batches.slice()
    return copy
  }

  static remembered(producer: RememberedProducer): ProducerEntry {
    const entry = new ProducerEntry()
    entry.epoch = producer.epoch
    entry.coordinatorEpoch = producer.coordinatorEpoch
    entry.transactionFirstOffset = producer.transactionFirstOffset
    entry.lastTimestampMs = producer.lastTimestampMs
    entry.lastWriteMs = producer.lastWriteMs
    entry.#sequencesBefore = producer.sequencesBefore
    entry.#batches = [...producer.batches]
    return entry
  }

  toRemember(producerId: number): RememberedProducer {
    const { epoch, coordinatorEpoch, transactionFirstOffset, lastTimestampMs, lastWriteMs } = this
    return {
      producerId,
      epoch,
      coordinatorEpoch,
      transactionFirstOffset,
      lastTimestampMs,
      lastWriteMs,
      sequencesBefore: this.#sequencesBefore,
      batches: this.#batches,
    }
  }

  /**
   * What stands of it in a snapshot, for `restore` in this order: an entry for each batch, the oldest first. Kafka keeps the last
   * entry of a producer; none before it must say anything of transactions that it does not say, or live longer.
   */
  store(producerId: number): SnapshotEntry[] {
    const { epoch, coordinatorEpoch, transactionFirstOffset, lastTimestampMs, lastWriteMs } = this
    const stored: SnapshotEntry[] = []
    if (this.#sequencesBefore > 0 || lastWriteMs - lastTimestampMs >= notableLagMs) {
      stored.push({
        producerId,
        epoch: noEpoch,
        lastSequence: noSequence,
        lastOffset: -1,
        offsetDelta: this.#sequencesBefore,
        timestamp: lastWriteMs,
        coordinatorEpoch: -1,
        currentTxnFirstOffset: -1,
      })
    }
    const batches = this.#batches
    const state = {
      producerId,
      epoch,
      coordinatorEpoch,
      currentTxnFirstOffset: transactionFirstOffset,
    }
    for (let at = 0; at < batches.length - numbersPerBatch; at += numbersPerBatch) {
      stored.push({
        ...state,
        lastSequence: batches[at]!,
        lastOffset: batches[at + 1]!,
        offsetDelta: batches[at + 2]!,
        timestamp: Math.min(batches[at + 3]!, lastTimestampMs),
      })
    }
    stored.push({
      ...state,
      lastSequence: this.lastSequence,
      lastOffset: this.lastDataOffset,
      offsetDelta: this.lastOffsetDelta,
      timestamp: lastTimestampMs,
    })
    return stored
  }

  /** Takes in the next entry of this producer in a snapshot. */
  restore(stored: SnapshotEntry): void {
    this.lastWriteMs = Math.max(this.lastWriteMs, stored.timestamp)
    if (stored.epoch === noEpoch) {
      this.#sequencesBefore = stored.offsetDelta
      return
    }
    // The first says nothing against what was known of the producer before it.
    if (this.epoch === noEpoch) this.epoch = stored.epoch
    else this.moveToEpoch(stored.epoch)
    if (stored.lastOffset >= 0) {
      this.remember(stored.lastSequence, stored.lastOffset, stored.offsetDelta, stored.timestamp)
    }
    this.coordinatorEpoch = stored.coordinatorEpoch
    this.transactionFirstOffset = stored.currentTxnFirstOffset
    this.lastTimestampMs = stored.timestamp
  }

  get hasBatches(): boolean {
    return this.#batches.length > 0
  }

  /** -1 when only an epoch is known: a marker came, and no batch since. */
  get lastSequence(): number {
    return this.#batches.at(-numbersPerBatch) ?? noSequence
  }

  /** -1 without batches. */
  get lastDataOffset(): number {
    return this.#batches.at(-numbersPerBatch + 1) ?? -1
  }

  /** Last offset minus first offset of the newest batch; 0 without batches. */
  get lastOffsetDelta(): number {
    return this.#batches.at(-numbersPerBatch + 2) ?? 0
  }

  /** A new epoch begins: batches of an older one can no longer be repeated. */
  moveToEpoch(epoch: number): void {
    if (this.epoch === epoch) return
    this.epoch = epoch
    this.#sequencesBefore = 0
    this.#batches = []
  }

  remember(lastSequence: number, lastOffset: number, offsetDelta: number, timestampMs: number): void {
    const batches = this.#batches
    if (batches.length === rememberedBatches * numbersPerBatch) {
      this.#sequencesBefore = this.#sequencesBeforeSecond()
      batches.copyWithin(0, numbersPerBatch)
      batches.length -= numbersPerBatch
    }
    batches.push(lastSequence, lastOffset, offsetDelta, timestampMs)
    this.lastTimestampMs = timestampMs
  }

  /** The remembered batch with exactly these sequences. */
  findBatch(firstSequence: number, lastSequence: number): RememberedBatch | undefined {
    const batches = this.#batches
    for (let at = batches.length - numbersPerBatch; at >= 0; at -= numbersPerBatch) {
      const offsetDelta = batches[at + 2]!
      if (batches[at] !== lastSequence) continue
      if (subtractFromSequence(lastSequence, offsetDelta) !== firstSequence) continue
      const lastOffset = batches[at + 1]!
      return {
        firstSequence,
        lastSequence,
        firstOffset: lastOffset - offsetDelta,
        lastOffset,
        timestampMs: batches[at + 3]!,
      }
    }
    return undefined
  }

  /**
   * Where batches end that were written so long ago that they are not remembered one by one, if one with these sequences is among
   * them: sequences of one epoch follow each other, so a lower one has been there before. Undefined if it may never have come.
   */
  forgottenBefore(firstSequence: number, lastSequence: number): number | undefined {
    const before = this.#sequencesBefore
    const batches = this.#batches
    const oldestSequence = batches[0] ?? noSequence
    if (before <= 0 || oldestSequence === noSequence) return undefined
    const oldestOffset = batches[1]!
    const offsetDelta = batches[2]!
    const begin = subtractFromSequence(oldestSequence, offsetDelta)
    const distance = sequencesBetween(firstSequence, begin)
    if (distance > before || sequencesBetween(firstSequence, lastSequence) >= distance) return undefined
    return oldestOffset - offsetDelta
  }

  /** The same count for when the oldest batch is one of those before. */
  #sequencesBeforeSecond(): number {
    const batches = this.#batches
    const last = batches[0]!
    const delta = batches[2]!
    const second = subtractFromSequence(batches[numbersPerBatch]!, batches[numbersPerBatch + 2]!)
    if (last === noSequence || !follows(last, second)) return 0
    return Math.min(this.#sequencesBefore + delta + 1, mostSequencesBefore)
  }
}
