import { crc32 } from 'node:zlib'
import { batchHeaderBytes, crc32c, RecordBatchView } from '../../protocol/index.ts'
import type { ReadAt } from './header-scan.ts'

/** A good size for reads that go through a whole file. */
const windowBytes = 1024 * 1024
let sharedWindow: Buffer | undefined

const currentMagic = 2
/** Where the part begins that the checksum covers. */
const checkedFrom = 21
const headerCut = 'the file ends in the header of a batch'
const oldFormatCrcAt = 12
const oldFormatCheckedFrom = 16
const greatestRelativeOffset = 2 ** 31 - 1
const greatestSafeHigh = 2 ** 21

/**
 * Goes through the batches of a segment file and believes nothing: sizes, magic, order of offsets and the checksum of
 * every batch. Needs one megabyte however large a batch is, or claims to be.
 */
export class BatchCheck {
  readonly #read: ReadAt
  readonly #fileBytes: number
  readonly #baseOffset: number
  readonly #window: Buffer
  #windowStart = 0
  #windowEnd = 0
  #position = -1
  #nextPosition = 0
  #nextOffset: number
  #problem: string | undefined
  readonly #header = Buffer.alloc(batchHeaderBytes)
  readonly #batch = new RecordBatchView(this.#header)

  /** Only one check at a time may be going on, unless they are given windows of their own. */
  constructor(read: ReadAt, fileBytes: number, baseOffset: number, window?: Buffer) {
    this.#read = read
    this.#fileBytes = fileBytes
    this.#baseOffset = baseOffset
    this.#nextOffset = baseOffset
    sharedWindow ??= Buffer.allocUnsafeSlow(windowBytes)
    this.#window = window ?? sharedWindow
  }

  /** The header of the batch that `next` found good; valid until the next call. */
  get batch(): RecordBatchView {
    return this.#batch
  }

  get position(): number {
    return this.#position
  }

  /** Where the good part ends. */
  get nextPosition(): number {
    return this.#nextPosition
  }

  /** The offset after the last good batch; the base before the first. */
  get nextOffset(): number {
    return this.#nextOffset
  }

  /** Why the good part ends before the file does. */
  get problem(): string | undefined {
    return this.#problem
  }

  next(): boolean {
    const position = this.#nextPosition
    if (position >= this.#fileBytes || this.#problem !== undefined) return false
    const headerBytes = Math.min(batchHeaderBytes, this.#fileBytes - position)
    if (!this.#fill(position, headerBytes)) return this.#stop(headerCut)
    const from = position - this.#windowStart
    this.#header.fill(0)
    this.#window.copy(this.#header, 0, from, from + headerBytes)
    const fault = this.#headerFault(position)
    if (fault !== undefined) return this.#stop(fault)
    const batch = this.#batch
    if (this.#checksum(position, batch.sizeInBytes) !== batch.crc)
      return this.#stop('the checksum of a batch is wrong')
    this.#position = position
    this.#nextPosition = position + batch.sizeInBytes
    this.#nextOffset = batch.nextOffset
    return true
  }

  /** All bytes of the batch that `next` found. */
  wholeBatch(): RecordBatchView {
    const bytes = Buffer.allocUnsafe(this.#batch.sizeInBytes)
    this.#read(bytes, 0, bytes.length, this.#position)
    return new RecordBatchView(bytes)
  }

  #headerFault(position: number): string | undefined {
    const batch = this.#batch
    const size = batch.sizeInBytes
    const left = this.#fileBytes - position
    if (batch.magic !== currentMagic) {
      this.#refuseOldFormat(position, size)
      return left < batchHeaderBytes ? headerCut : `a batch has magic ${batch.magic}`
    }
    if (left < batchHeaderBytes) return headerCut
    if (size < batchHeaderBytes) return `a batch claims to have ${size} bytes`
    if (size > left) return `a batch of ${size} bytes goes ${size - left} bytes beyond the end`
    // Time and producer stand under the checksum, but a number that cannot be handled would throw before it is checked.
    for (const at of [0, 27, 35, 43]) {
      const high = this.#header.readInt32BE(at)
      if (high < -greatestSafeHigh || high >= greatestSafeHigh) return 'a batch holds a number beyond 2^53'
    }
    if (batch.lastOffsetDelta < 0 || batch.recordCount < 0) return 'a batch has a negative number of records'
    if (batch.baseOffset < this.#nextOffset) {
      return `a batch begins at offset ${batch.baseOffset}, after offset ${this.#nextOffset - 1}`
    }
    if (batch.lastOffset - this.#baseOffset > greatestRelativeOffset) {
      return `offset ${batch.lastOffset} is too far from the base of the segment`
    }
    return undefined
  }

  /** A good message of an old format is no damage: cutting it off would delete what somebody wants to keep. */
  #refuseOldFormat(position: number, sizeInBytes: number): void {
    const { magic } = this.#batch
    if (magic !== 0 && magic !== 1) return
    if (sizeInBytes <= oldFormatCheckedFrom || sizeInBytes > this.#fileBytes - position) return
    let crc = 0
    this.#eachPiece(position + oldFormatCheckedFrom, position + sizeInBytes, (from, to) => {
      crc = crc32(this.#window.subarray(from, to), crc)
    })
    if (crc !== this.#header.readUInt32BE(oldFormatCrcAt)) return
    throw new UnreadableLog(
      `The log has messages of format ${magic} at byte ${position}, written before Kafka 0.11. They cannot be read; ` +
        'copy the topic with an older Kafka, or delete it.',
    )
  }

  #checksum(position: number, sizeInBytes: number): number {
    let crc = 0
    this.#eachPiece(position + checkedFrom, position + sizeInBytes, (from, to) => {
      crc = crc32c(this.#window, from, to, crc)
    })
    return crc
  }

  /** Calls `use` with places in the window for all of [start, end) of the file. */
  #eachPiece(start: number, end: number, use: (from: number, to: number) => void): void {
    for (let at = start; at < end; ) {
      if (!this.#fill(at, 1)) return
      const length = Math.min(end, this.#windowEnd) - at
      use(at - this.#windowStart, at - this.#windowStart + length)
      at += length
    }
  }

  /** Makes [position, position + length) of the file stand in the window. */
  #fill(position: number, length: number): boolean {
    if (position >= this.#windowStart && position + length <= this.#windowEnd) return true
    const wanted = Math.min(this.#window.length, this.#fileBytes - position)
    this.#windowStart = position
    this.#windowEnd = position + this.#read(this.#window, 0, wanted, position)
    return position + length <= this.#windowEnd
  }

  #stop(reason: string): boolean {
    this.#problem = `At byte ${this.#nextPosition} ${reason}.`
    return false
  }
}

/** Nothing is wrong with the disk or the bytes, but this broker cannot serve them: the replica stays offline, its files untouched. */
export class UnreadableLog extends Error {
  override readonly name = 'UnreadableLog'
}
