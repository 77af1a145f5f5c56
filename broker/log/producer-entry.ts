import { noSequence, subtractFromSequence } from './sequences.ts'

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
  readonly batches: readonly number[]
}

/** A producer may have five batches on their way, so a retry may be of any of the last five. */
const rememberedBatches = 5

const numbersPerBatch = 4

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
  /** By which expiry goes: the later of the record time and, when it was written in this run, the clock then. */
  lastWriteMs = -1
  #batches: number[] = []

  /** An independent copy, to be changed by a draft. */
  copy(): ProducerEntry {
    const copy = new ProducerEntry()
    copy.epoch = this.epoch
    copy.coordinatorEpoch = this.coordinatorEpoch
    copy.transactionFirstOffset = this.transactionFirstOffset
    copy.lastTimestampMs = this.lastTimestampMs
    copy.lastWriteMs = this.lastWriteMs
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
      batches: this.#batches,
    }
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
    this.#batches = []
  }

  remember(lastSequence: number, lastOffset: number, offsetDelta: number, timestampMs: number): void {
    const batches = this.#batches
    if (batches.length === rememberedBatches * numbersPerBatch) {
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
}
