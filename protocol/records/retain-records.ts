// A batch that has lost some of its records, as compaction leaves it: offsets, sequences, producer and epoch say what they
// said, and what is left stands as it stood. Only the count, the largest time, the length and the checksum are new; and,
// where a delete horizon is set, the times of the records, which then count from the horizon.
import { sizeOfVarlong, writeVarint, writeVarlong } from '../bytes/varint.ts'
import { compress } from './compression.ts'
import {
  at,
  attribute,
  batchHeaderBytes,
  batchLengthEnd,
  RecordBatchView,
  writeInt64,
} from './record-batch.ts'
import { RecordSpans } from './record-spans.ts'

export interface RetainedRecords {
  /** Places in the plain records: start and end of each run of records that stay, in order. */
  readonly runs: readonly number[]
  /** Records in these runs; at least one. */
  readonly recordCount: number
  /** Largest time of a record that stays. A batch with append time keeps its own. */
  readonly maxTimestamp: number
  /** To be set; a horizon that the batch has already stays without. */
  readonly deleteHorizonMs?: number
}

/** The batch with these of its records. `plain`: all its records, unpacked. Packed again with the codec it had. */
export function retainRecords(batch: RecordBatchView, plain: Buffer, retained: RetainedRecords): Buffer {
  const { runs, deleteHorizonMs } = retained
  const records =
    deleteHorizonMs === undefined
      ? copyRuns(plain, runs)
      : shiftTimes(plain, retained, batch.baseTimestamp - deleteHorizonMs)
  const isPacked = batch.compression !== 'none'
  const body = isPacked ? compress(batch.compression, records.subarray(batchHeaderBytes)) : undefined
  const bytes = body === undefined ? records : withHeaderRoom(body)
  batch.buffer.copy(bytes, 0, batch.start, batch.start + batchHeaderBytes)
  bytes.writeInt32BE(bytes.length - batchLengthEnd, at.batchLength)
  if (batch.timestampType === 'CreateTime') writeInt64(bytes, at.maxTimestamp, retained.maxTimestamp)
  if (deleteHorizonMs !== undefined) {
    bytes.writeInt16BE(batch.attributes | attribute.deleteHorizon, at.attributes)
    writeInt64(bytes, at.baseTimestamp, deleteHorizonMs)
  }
  bytes.writeInt32BE(retained.recordCount, at.recordCount)
  new RecordBatchView(bytes).updateCrc()
  return bytes
}

/** The header alone: what is kept of a batch for the sake of its sequences and offsets. */
export function withoutRecords(batch: RecordBatchView): Buffer {
  const bytes = Buffer.allocUnsafe(batchHeaderBytes)
  batch.buffer.copy(bytes, 0, batch.start, batch.start + batchHeaderBytes)
  bytes.writeInt32BE(batchHeaderBytes - batchLengthEnd, at.batchLength)
  bytes.writeInt16BE(batch.attributes & ~(attribute.compression | attribute.deleteHorizon), at.attributes)
  writeInt64(bytes, at.baseTimestamp, -1)
  bytes.writeInt32BE(0, at.recordCount)
  new RecordBatchView(bytes).updateCrc()
  return bytes
}

/** With room for a header before them. */
function copyRuns(plain: Buffer, runs: readonly number[]): Buffer {
  let size = batchHeaderBytes
  for (let index = 0; index < runs.length; index += 2) size += runs[index + 1]! - runs[index]!
  const bytes = Buffer.allocUnsafe(size)
  let position = batchHeaderBytes
  for (let index = 0; index < runs.length; index += 2) {
    position += plain.copy(bytes, position, runs[index]!, runs[index + 1]!)
  }
  return bytes
}

/** As `copyRuns`, with `shift` added to every time. */
function shiftTimes(plain: Buffer, { runs, recordCount }: RetainedRecords, shift: number): Buffer {
  const kept = copyRuns(plain, runs).subarray(batchHeaderBytes)
  const mostGrowth = 2 * sizeOfVarlong(Number.MAX_SAFE_INTEGER)
  const bytes = Buffer.allocUnsafe(batchHeaderBytes + kept.length + recordCount * mostGrowth)
  const spans = new RecordSpans(kept, recordCount)
  let position = batchHeaderBytes
  while (spans.next()) {
    const delta = spans.timestampDelta + shift
    const rest = spans.end - spans.afterTimestamp
    const length = 1 + sizeOfVarlong(delta) + rest
    position = writeVarint(bytes, position, length)
    bytes[position++] = 0 // attributes, of which none is in use
    position = writeVarlong(bytes, position, delta)
    position += kept.copy(bytes, position, spans.afterTimestamp, spans.end)
  }
  return bytes.subarray(0, position)
}

function withHeaderRoom(block: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(batchHeaderBytes + block.length)
  block.copy(bytes, batchHeaderBytes)
  return bytes
}
