import { type ErrorName } from '../../protocol/index.ts'
import type { ProducerEntry } from './producer-entry.ts'
import { follows } from './sequences.ts'
import type { TransactionGuard, Verification } from './transaction-verifications.ts'

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

export type ProducerVerdict =
  | { readonly kind: 'accepted' }
  /** Written before: to be answered as it was then. */
  | {
      readonly kind: 'duplicate'
      /** -1 when it was so long ago that its place is not known any more. */
      readonly baseOffset: number
      /** Where its place is not known, of something behind it. */
      readonly lastOffset: number
      readonly timestampMs: number
    }
  | { readonly kind: 'refused'; readonly error: ErrorName; readonly message: string }

/** What is known of the producer of the batch that is looked at. */
export type KnownProducer = Readonly<ProducerEntry>

export function findDuplicate(
  known: KnownProducer | undefined,
  batch: ProducerBatch,
  lastSequence: number,
): ProducerVerdict | undefined {
  if (known === undefined || known.epoch !== batch.producerEpoch || batch.baseSequence < 0) return undefined
  const earlier = known.findBatch(batch.baseSequence, lastSequence)
  if (earlier !== undefined) {
    const { firstOffset, lastOffset, timestampMs } = earlier
    return { kind: 'duplicate', baseOffset: firstOffset, lastOffset, timestampMs }
  }
  const endOffset = known.forgottenBefore(batch.baseSequence, lastSequence)
  if (endOffset === undefined) return undefined
  return { kind: 'duplicate', baseOffset: -1, lastOffset: endOffset - 1, timestampMs: -1 }
}

export function checkEpoch(
  known: KnownProducer | undefined,
  batch: ProducerBatch,
): ProducerVerdict | undefined {
  if (known === undefined || batch.producerEpoch >= known.epoch) return undefined
  return staleEpoch(batch, known.epoch)
}

/** The first transactional batch needs the coordinator's yes, fetched under the guard that is still current. */
export function checkVerified(
  known: KnownProducer | undefined,
  batch: ProducerBatch,
  verification: Readonly<Verification> | undefined,
  guard: TransactionGuard | undefined,
): ProducerVerdict | undefined {
  const isOpen =
    known !== undefined && known.transactionFirstOffset !== -1 && known.epoch === batch.producerEpoch
  if (isOpen) return undefined
  if (guard !== undefined && verification?.guard === guard) return undefined
  return refuse(
    'INVALID_TXN_STATE',
    `The transaction of producer ${batch.producerId} was not verified for this partition, or has ended meanwhile.`,
  )
}

/** `verification`: of the transaction that the batch may be the first of. */
export function checkSequence(
  known: KnownProducer | undefined,
  batch: ProducerBatch,
  verification: Readonly<Verification> | undefined,
): ProducerVerdict | undefined {
  const first = batch.baseSequence
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

/** Of an unknown producer that may have a batch before this one on its way. The error is one that every client does again after. */
export function mustComeAgain(batch: ProducerBatch): ProducerVerdict {
  return refuse(
    'NOT_ENOUGH_REPLICAS',
    `Producer ${batch.producerId} is not known here and begins with sequence ${batch.baseSequence}: this is written when it comes again, with nothing before it missing.`,
  )
}

export function checkTransaction(
  known: KnownProducer | undefined,
  batch: ProducerBatch,
): ProducerVerdict | undefined {
  if (known === undefined || known.transactionFirstOffset === -1 || batch.isTransactional) return undefined
  return refuse(
    'INVALID_TXN_STATE',
    `Producer ${batch.producerId} has an open transaction in this partition; a batch outside of it is not accepted.`,
  )
}

export function checkMarker(
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
