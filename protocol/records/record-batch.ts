// A record batch, format version 2, as bytes with a typed view: fields are read where they stand, and the few that a broker
// changes are patched there.
//
//   0 baseOffset i64 | 8 batchLength i32 (of what follows) | 12 partitionLeaderEpoch i32 | 16 magic i8 = 2 | 17 crc u32 of the rest
//   21 attributes i16 | 23 lastOffsetDelta i32 | 27 baseTimestamp i64 | 35 maxTimestamp i64 | 43 producerId i64
//   51 producerEpoch i16 | 53 baseSequence i32 | 57 recordCount i32 | 61 records, plain or as one compressed block
import { crc32c } from '../bytes/crc32c.ts'
import { type CompressionType, compressionTypes } from './compression.ts'
import { RecordsError } from './records-error.ts'

export type TimestampType = 'CreateTime' | 'LogAppendTime'

export const batchHeaderBytes = 61
/** Bytes before what `batchLength` counts: base offset and the length itself. */
export const batchLengthEnd = 12
export const currentMagic = 2

export const at = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const

export const attribute = {
  compression: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const

const maxSequence = 0x7fff_ffff

/**
 * One batch that begins at `start` of `buffer`. The view copies nothing, so it shows what the buffer holds now.
 * Make it where `findBatch` said that a whole batch stands; over anything else the getters throw RangeError or RecordsError.
 */
export class RecordBatchView {
  readonly buffer: Buffer
  readonly start: number

  constructor(buffer: Buffer, start = 0) {
    this.buffer = buffer
    this.start = start
  }

  get baseOffset(): number {
    return readInt64(this.buffer, this.start + at.baseOffset)
  }

  /** The whole batch, header included. */
  get sizeInBytes(): number {
    return this.buffer.readInt32BE(this.start + at.batchLength) + batchLengthEnd
  }

  /** Where the next batch begins in the buffer. */
  get end(): number {
    return this.start + this.sizeInBytes
  }

  /** The whole batch as a view. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.start, this.end)
  }

  /** What stands behind the header, as a view: records or their compressed block. */
  get recordsBytes(): Buffer {
    return this.buffer.subarray(this.start + batchHeaderBytes, this.end)
  }

  /** -1 in what producers send. */
  get partitionLeaderEpoch(): number {
    return this.buffer.readInt32BE(this.start + at.partitionLeaderEpoch)
  }

  get magic(): number {
    return this.buffer.readInt8(this.start + at.magic)
  }

  get crc(): number {
    return this.buffer.readUInt32BE(this.start + at.crc)
  }

  get attributes(): number {
    return this.buffer.readInt16BE(this.start + at.attributes)
  }

  /** The attribute's bare number; 5–7 stand for no codec. */
  get compressionId(): number {
    return this.attributes & attribute.compression
  }

  /** Throws RecordsError `unsupported` when the number stands for no codec. */
  get compression(): CompressionType {
    const type = compressionTypes[this.compressionId]
    if (type === undefined) {
      throw new RecordsError(
        'unsupported',
        `The batch has the unknown compression type ${this.compressionId}.`,
      )
    }
    return type
  }

  get timestampType(): TimestampType {
    return (this.attributes & attribute.logAppendTime) === 0 ? 'CreateTime' : 'LogAppendTime'
  }

  get isTransactional(): boolean {
    return (this.attributes & attribute.transactional) !== 0
  }

  get isControl(): boolean {
    return (this.attributes & attribute.control) !== 0
  }

  /** When tombstones and markers of this batch may go; only compaction sets it. */
  get deleteHorizonMs(): number | undefined {
    return (this.attributes & attribute.deleteHorizon) === 0 ? undefined : this.baseTimestamp
  }

  get lastOffsetDelta(): number {
    return this.buffer.readInt32BE(this.start + at.lastOffsetDelta)
  }

  /** Inclusive. */
  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta
  }

  get nextOffset(): number {
    return this.lastOffset + 1
  }

  /** What the records' timestamp deltas count from; the delete horizon where one is set. */
  get baseTimestamp(): number {
    return readInt64(this.buffer, this.start + at.baseTimestamp)
  }

  /** Largest time of a record, or the time of the append. From a client not to be believed. */
  get maxTimestamp(): number {
    return readInt64(this.buffer, this.start + at.maxTimestamp)
  }

  /** -1 = none. */
  get producerId(): number {
    return readInt64(this.buffer, this.start + at.producerId)
  }

  get producerEpoch(): number {
    return this.buffer.readInt16BE(this.start + at.producerEpoch)
  }

  /** -1 = none. */
  get baseSequence(): number {
    return this.buffer.readInt32BE(this.start + at.baseSequence)
  }

  /** Sequence of the last record; behind 2^31 - 1 comes 0. -1 without sequences. */
  get lastSequence(): number {
    const base = this.baseSequence
    return base === -1 ? -1 : sequenceAfter(base, this.lastOffsetDelta)
  }

  /** Records in the batch now; after compaction fewer than its offsets, even 0. */
  get recordCount(): number {
    return this.buffer.readInt32BE(this.start + at.recordCount)
  }

  isValidCrc(): boolean {
    return this.crc === this.#computeCrc()
  }

  /** Needs no new checksum. */
  setBaseOffset(offset: number): void {
    writeInt64(this.buffer, this.start + at.baseOffset, offset)
  }

  /** Needs no new checksum. */
  setPartitionLeaderEpoch(epoch: number): void {
    this.buffer.writeInt32BE(epoch, this.start + at.partitionLeaderEpoch)
  }

  /** Sets both and computes the checksum anew, but only if one of them changes. Says whether it did. */
  setMaxTimestamp(type: TimestampType, timestampMs: number): boolean {
    if (this.timestampType === type && this.maxTimestamp === timestampMs) return false
    const others = this.attributes & ~attribute.logAppendTime
    this.buffer.writeInt16BE(
      type === 'LogAppendTime' ? others | attribute.logAppendTime : others,
      this.start + at.attributes,
    )
    writeInt64(this.buffer, this.start + at.maxTimestamp, timestampMs)
    this.updateCrc()
    return true
  }

  /** Makes the checksum fit the bytes again. */
  updateCrc(): void {
    this.buffer.writeUInt32BE(this.#computeCrc(), this.start + at.crc)
  }

  #computeCrc(): number {
    return crc32c(this.buffer, this.start + at.attributes, this.end)
  }
}

/** Sequence numbers count from 0 to 2^31 - 1 and around. */
export function sequenceAfter(sequence: number, records: number): number {
  const next = sequence + records
  return next > maxSequence ? next - maxSequence - 1 : next
}

const limitOfHighWord = 2 ** 21

/** An int64 that must be a safe integer; else RecordsError. */
function readInt64(buffer: Buffer, position: number): number {
  const high = buffer.readInt32BE(position)
  const low = buffer.readUInt32BE(position + 4)
  if (high >= limitOfHighWord || high < -limitOfHighWord) {
    throw new RecordsError('numberOutOfRange', `The batch holds a number beyond 2^53 at byte ${position}.`)
  }
  return high * 2 ** 32 + low
}

export function writeInt64(buffer: Buffer, position: number, value: number): void {
  const high = Math.floor(value / 2 ** 32)
  buffer.writeInt32BE(high, position)
  buffer.writeUInt32BE(value - high * 2 ** 32, position + 4)
}
