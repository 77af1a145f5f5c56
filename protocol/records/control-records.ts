// What stands in control batches. Key: int16 version, int16 type. Value of an end-of-transaction marker: int16 version, int32
// coordinator epoch. Fields that later versions append are passed over.
import { buildBatch } from './batch-builder.ts'
import { RecordsError } from './records-error.ts'

export type TransactionOutcome = 'abort' | 'commit'

export type ControlRecord =
  | { readonly kind: TransactionOutcome; readonly coordinatorEpoch: number }
  /** Types of the Raft log and any that come later: readers go over them. */
  | { readonly kind: 'other'; readonly type: number }

export interface EndTransactionMarker {
  readonly outcome: TransactionOutcome
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly timestampMs: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
}

const abortType = 0
const commitType = 1

/** A batch with the one control record that ends a transaction in a partition. */
export function buildEndTransactionMarker(marker: EndTransactionMarker): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(marker.outcome === 'commit' ? commitType : abortType, 2)
  const value = Buffer.alloc(6)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  return buildBatch({
    records: [{ key, value, timestamp: marker.timestampMs }],
    baseOffset: marker.baseOffset ?? 0,
    partitionLeaderEpoch: marker.partitionLeaderEpoch ?? -1,
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    isTransactional: true,
    isControl: true,
  })
}

/** Reads the record of a control batch. Throws RecordsError when a marker is too short to be one. */
export function decodeControlRecord(record: {
  readonly key: Buffer | null
  readonly value: Buffer | null
}): ControlRecord {
  const { key, value } = record
  if (key === null || key.length < 4)
    throw new RecordsError('keyLength', 'A control record has a key of under 4 bytes.')
  if (key.readInt16BE(0) < 0)
    throw new RecordsError('keyLength', 'A control record has a key of a negative version.')
  const type = key.readInt16BE(2)
  if (type !== abortType && type !== commitType) return { kind: 'other', type }
  if (value === null || value.length < 6) {
    throw new RecordsError('valueLength', 'An end-of-transaction marker has a value of under 6 bytes.')
  }
  return { kind: type === commitType ? 'commit' : 'abort', coordinatorEpoch: value.readInt32BE(2) }
}
