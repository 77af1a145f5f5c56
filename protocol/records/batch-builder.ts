import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from '../bytes/varint.ts'
import {
  compress,
  compressAsync,
  type CompressionType,
  compressionTypes,
  type CompressOptions,
} from './compression.ts'
import {
  at,
  attribute,
  batchHeaderBytes,
  batchLengthEnd,
  currentMagic,
  RecordBatchView,
  type TimestampType,
  writeInt64,
} from './record-batch.ts'

export interface HeaderToBuild {
  readonly key: string
  readonly value: Uint8Array | null
}

export interface RecordToBuild {
  readonly key?: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly HeaderToBuild[]
  /** Milliseconds; -1 = none. */
  readonly timestamp: number
  /** Its place in the list when left out; growing, and at most `lastOffsetDelta`. */
  readonly offsetDelta?: number
}

export interface BatchToBuild {
  readonly records: readonly RecordToBuild[]
  /** 0 when left out, as producers send it. */
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly compression?: CompressionType
  readonly compressionLevel?: number
  readonly timestampType?: TimestampType
  /** The append time of a LogAppendTime batch; otherwise the largest time of a record when left out. */
  readonly maxTimestamp?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  /** The last record's when left out; more after compaction, and all there is in an empty batch. */
  readonly lastOffsetDelta?: number
  /** Set by compaction only. Stands in the place of the base timestamp. */
  readonly deleteHorizonMs?: number
}

/** Record batch bytes, packed on this thread. The records are only read. */
export function buildBatch(batch: BatchToBuild): Buffer {
  const plain = writePlain(batch)
  const type = batch.compression ?? 'none'
  if (type === 'none' || batch.records.length === 0) return finish(batch, plain)
  return finish(batch, withHeaderRoom(compress(type, plain.subarray(batchHeaderBytes), levelOf(batch))))
}

/** The same with the packing off this thread, for batches that would hold it up. */
export async function buildBatchAsync(batch: BatchToBuild): Promise<Buffer> {
  const plain = writePlain(batch)
  const type = batch.compression ?? 'none'
  if (type === 'none' || batch.records.length === 0) return finish(batch, plain)
  return finish(
    batch,
    withHeaderRoom(await compressAsync(type, plain.subarray(batchHeaderBytes), levelOf(batch))),
  )
}

/** Bytes that a record takes in a batch before packing, its own length field included. */
export function sizeOfRecord(record: RecordToBuild, offsetDelta: number, timestampDelta: number): number {
  const body = sizeOfRecordBody(record, offsetDelta, timestampDelta)
  return sizeOfVarint(body) + body
}

function levelOf(batch: BatchToBuild): CompressOptions {
  return batch.compressionLevel === undefined ? {} : { level: batch.compressionLevel }
}

function baseTimestampOf(batch: BatchToBuild): number {
  return batch.deleteHorizonMs ?? batch.records[0]?.timestamp ?? -1
}

function withHeaderRoom(block: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(batchHeaderBytes + block.length)
  block.copy(bytes, batchHeaderBytes)
  return bytes
}

/** Room for the header, then the records. */
function writePlain(batch: BatchToBuild): Buffer {
  const base = baseTimestampOf(batch)
  const bodies: number[] = []
  let size = batchHeaderBytes
  batch.records.forEach((record, index) => {
    const body = sizeOfRecordBody(record, record.offsetDelta ?? index, record.timestamp - base)
    bodies.push(body)
    size += sizeOfVarint(body) + body
  })
  const bytes = Buffer.allocUnsafe(size)
  let position = batchHeaderBytes
  batch.records.forEach((record, index) => {
    position = writeVarint(bytes, position, bodies[index]!)
    position = writeRecordBody(bytes, position, record, record.offsetDelta ?? index, record.timestamp - base)
  })
  return bytes
}

function finish(batch: BatchToBuild, bytes: Buffer): Buffer {
  const { records } = batch
  const lastDelta = records.at(-1)?.offsetDelta ?? records.length - 1
  bytes.writeInt32BE(bytes.length - batchLengthEnd, at.batchLength)
  writeInt64(bytes, at.baseOffset, batch.baseOffset ?? 0)
  bytes.writeInt32BE(batch.partitionLeaderEpoch ?? -1, at.partitionLeaderEpoch)
  bytes.writeInt8(currentMagic, at.magic)
  bytes.writeInt16BE(attributesOf(batch), at.attributes)
  bytes.writeInt32BE(batch.lastOffsetDelta ?? lastDelta, at.lastOffsetDelta)
  writeInt64(bytes, at.baseTimestamp, baseTimestampOf(batch))
  writeInt64(bytes, at.maxTimestamp, batch.maxTimestamp ?? largestTimestamp(records))
  writeInt64(bytes, at.producerId, batch.producerId ?? -1)
  bytes.writeInt16BE(batch.producerEpoch ?? -1, at.producerEpoch)
  bytes.writeInt32BE(batch.baseSequence ?? -1, at.baseSequence)
  bytes.writeInt32BE(records.length, at.recordCount)
  new RecordBatchView(bytes).updateCrc()
  return bytes
}

function attributesOf(batch: BatchToBuild): number {
  return (
    compressionTypes.indexOf(batch.compression ?? 'none') |
    (batch.timestampType === 'LogAppendTime' ? attribute.logAppendTime : 0) |
    (batch.isTransactional === true ? attribute.transactional : 0) |
    (batch.isControl === true ? attribute.control : 0) |
    (batch.deleteHorizonMs === undefined ? 0 : attribute.deleteHorizon)
  )
}

function largestTimestamp(records: readonly RecordToBuild[]): number {
  let largest = -1
  for (const record of records) if (record.timestamp > largest) largest = record.timestamp
  return largest
}

function sizeOfRecordBody(record: RecordToBuild, offsetDelta: number, timestampDelta: number): number {
  const headers = record.headers ?? []
  let size = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta)
  size += sizeOfNullable(record.key ?? null) + sizeOfNullable(record.value) + sizeOfVarint(headers.length)
  for (const header of headers) {
    const keyLength = Buffer.byteLength(header.key)
    size += sizeOfVarint(keyLength) + keyLength + sizeOfNullable(header.value)
  }
  return size
}

function sizeOfNullable(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length
}

function writeRecordBody(
  bytes: Buffer,
  start: number,
  record: RecordToBuild,
  offsetDelta: number,
  timestampDelta: number,
): number {
  const headers = record.headers ?? []
  let position = start
  bytes[position++] = 0 // attributes, of which none is in use
  position = writeVarlong(bytes, position, timestampDelta)
  position = writeVarint(bytes, position, offsetDelta)
  position = writeNullable(bytes, position, record.key ?? null)
  position = writeNullable(bytes, position, record.value)
  position = writeVarint(bytes, position, headers.length)
  for (const header of headers) {
    position = writeVarint(bytes, position, Buffer.byteLength(header.key))
    position += bytes.write(header.key, position, 'utf8')
    position = writeNullable(bytes, position, header.value)
  }
  return position
}

function writeNullable(bytes: Buffer, position: number, value: Uint8Array | null): number {
  if (value === null) return writeVarint(bytes, position, -1)
  const start = writeVarint(bytes, position, value.length)
  bytes.set(value, start)
  return start + value.length
}
