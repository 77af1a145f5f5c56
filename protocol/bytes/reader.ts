import { ProtocolError } from './protocol-error.ts'
import { ShortTexts } from './short-texts.ts'
import { unzigzag } from './varint.ts'
import { type Uuid, zeroUuid } from './uuid.ts'

/** `borrow`: bytes and records come out as views of the buffer, valid only as long as its owner leaves it alone. */
export interface ReaderOptions {
  readonly borrow?: boolean
}

const texts = new ShortTexts()

const maxStringBytes = 32_767

// Bits 32 and up of an int64 between -2^53 and 2^53 - 1.
const minSafeHigh = -0x200000
const maxSafeHigh = 0x1fffff

/**
 * Reads Kafka's primitive types, big-endian, between `start` and `end` of a buffer. Nothing is read past `end`, and
 * no length is believed before the bytes it speaks of are known to be there; anything else is a ProtocolError.
 */
export class Reader {
  readonly buffer: Buffer
  readonly end: number
  readonly borrow: boolean
  position: number

  constructor(buffer: Buffer, start = 0, end = buffer.length, options: ReaderOptions = {}) {
    if (start < 0 || end > buffer.length || start > end) throw new RangeError(`No bytes ${start} to ${end}.`)
    this.buffer = buffer
    this.position = start
    this.end = end
    this.borrow = options.borrow === true
  }

  get remaining(): number {
    return this.end - this.position
  }

  int8(): number {
    return (this.buffer[this.#take(1)]! << 24) >> 24
  }

  uint8(): number {
    return this.buffer[this.#take(1)]!
  }

  int16(): number {
    return (this.uint16() << 16) >> 16
  }

  uint16(): number {
    const at = this.#take(2)
    return (this.buffer[at]! << 8) | this.buffer[at + 1]!
  }

  int32(): number {
    return int32At(this.buffer, this.#take(4))
  }

  uint32(): number {
    return int32At(this.buffer, this.#take(4)) >>> 0
  }

  /** A 64-bit integer that must lie between -2^53 and 2^53 - 1. */
  int64(): number {
    const at = this.#take(8)
    const high = int32At(this.buffer, at)
    if (high < minSafeHigh || high > maxSafeHigh) throw this.#unsafe(at)
    return high * 0x1_0000_0000 + (int32At(this.buffer, at + 4) >>> 0)
  }

  /** As `int64`, but what lies beyond becomes the nearest safe integer: for times and durations, where "never" is any huge number. */
  int64Saturated(): number {
    const at = this.#take(8)
    const high = int32At(this.buffer, at)
    if (high < minSafeHigh) return Number.MIN_SAFE_INTEGER
    if (high > maxSafeHigh) return Number.MAX_SAFE_INTEGER
    return high * 0x1_0000_0000 + (int32At(this.buffer, at + 4) >>> 0)
  }

  int64Big(): bigint {
    return this.buffer.readBigInt64BE(this.#take(8))
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.#take(8))
  }

  /** Any byte but 0 is true, as in Kafka. */
  bool(): boolean {
    return this.buffer[this.#take(1)] !== 0
  }

  uuid(): Uuid {
    const at = this.#take(16)
    const { buffer } = this
    if (
      int32At(buffer, at) === 0 &&
      int32At(buffer, at + 4) === 0 &&
      int32At(buffer, at + 8) === 0 &&
      int32At(buffer, at + 12) === 0
    ) {
      return zeroUuid
    }
    return this.buffer.toString('base64url', at, at + 16)
  }

  /** 0 … 2^32 - 1 in at most five bytes; longer than necessary is accepted, as in Kafka, longer than five is not. */
  unsignedVarint(): number {
    const first = this.uint8()
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.uint8()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new ProtocolError(
      `A variable-length number that ends at byte ${this.position} is longer than 5 bytes.`,
    )
  }

  /** A zigzag int32. */
  varint(): number {
    return unzigzag(this.unsignedVarint())
  }

  /** A zigzag int64 that must be a safe integer. */
  varlong(): number {
    let low = 0
    let high = 0
    const start = this.position
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.uint8()
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high |= bits >>> 4
      } else high |= shift < 63 ? bits << (shift - 32) : (bits & 1) << 31
      if (byte < 0x80) return this.#unzigzagLong(low, high, start)
    }
    throw new ProtocolError(
      `A variable-length number that ends at byte ${this.position} is longer than 10 bytes.`,
    )
  }

  string(): string {
    return this.nullableString() ?? this.#refuseNull('A string')
  }

  nullableString(): string | null {
    const at = this.position
    const length = this.int16()
    if (length >= 0) return this.#text(length)
    if (length === -1) return null
    throw negative('A string', length, at)
  }

  compactString(): string {
    return this.nullableCompactString() ?? this.#refuseNull('A string')
  }

  nullableCompactString(): string | null {
    const length = this.unsignedVarint() - 1
    if (length < 0) return null
    if (length > maxStringBytes) {
      throw new ProtocolError(
        `A string of ${length} bytes ends at byte ${this.position}; at most ${maxStringBytes} are allowed.`,
      )
    }
    return this.#text(length)
  }

  bytes(): Buffer {
    return this.nullableBytes() ?? this.#refuseNull('A byte field')
  }

  nullableBytes(): Buffer | null {
    const at = this.position
    const length = this.int32()
    if (length >= 0) return this.raw(length)
    if (length === -1) return null
    throw negative('A byte field', length, at)
  }

  compactBytes(): Buffer {
    return this.nullableCompactBytes() ?? this.#refuseNull('A byte field')
  }

  nullableCompactBytes(): Buffer | null {
    const length = this.unsignedVarint() - 1
    return length < 0 ? null : this.raw(length)
  }

  /** The next `length` bytes: a view of the buffer when borrowing, else a copy. */
  raw(length: number): Buffer {
    const at = this.#take(length)
    const view = this.buffer.subarray(at, at + length)
    return this.borrow ? view : Buffer.from(view)
  }

  /** Elements that follow, or -1 for a null array. Each takes at least `minElementBytes`, and so many must be left. */
  arrayLength(minElementBytes: number): number {
    const at = this.position
    const count = this.int32()
    if (count < -1) throw negative('An array', count, at)
    return this.#checkedCount(count, minElementBytes)
  }

  compactArrayLength(minElementBytes: number): number {
    return this.#checkedCount(this.unsignedVarint() - 1, minElementBytes)
  }

  /** The size of a tagged field that starts here: the position where it ends. */
  sizedEnd(): number {
    const size = this.unsignedVarint()
    this.#check(size)
    return this.position + size
  }

  /** Says that a tagged field was read; it must have used the size that was declared for it. */
  expectAt(end: number): void {
    if (this.position === end) return
    throw new ProtocolError(
      `A tagged field should end at byte ${end}, but its value ends at byte ${this.position}.`,
    )
  }

  skip(length: number): void {
    this.#take(length)
  }

  /** Skips a section of tagged fields none of which we know. */
  skipTaggedFields(): void {
    for (let count = this.unsignedVarint(); count > 0; count--) {
      this.unsignedVarint()
      this.position = this.sizedEnd()
    }
  }

  /** For generated codecs: null where the version has no null. */
  refuseNull(what: string): never {
    return this.#refuseNull(`The field ${what}`)
  }

  #take(length: number): number {
    const at = this.position
    const next = at + length
    if (next > this.end) throw tooShort(length, at, this.end)
    this.position = next
    return at
  }

  #check(length: number): void {
    if (length > this.end - this.position) throw tooShort(length, this.position, this.end)
  }

  #text(length: number): string {
    if (length === 0) return ''
    const at = this.#take(length)
    return texts.read(this.buffer, at, at + length)
  }

  #checkedCount(count: number, minElementBytes: number): number {
    if (count * minElementBytes > this.end - this.position) {
      throw new ProtocolError(
        `An array of ${count} elements at byte ${this.position} does not fit in the ${this.remaining} bytes that follow.`,
      )
    }
    return count
  }

  #unzigzagLong(low: number, high: number, start: number): number {
    const magnitudeLow = ((low >>> 1) | ((high & 1) << 31)) >>> 0
    const magnitudeHigh = high >>> 1
    if (magnitudeHigh > maxSafeHigh) {
      throw new ProtocolError(`The number at byte ${start} is beyond the integers that are handled exactly.`)
    }
    const magnitude = magnitudeHigh * 0x1_0000_0000 + magnitudeLow
    return (low & 1) === 0 ? magnitude : -magnitude - 1
  }

  #unsafe(at: number): ProtocolError {
    return new ProtocolError(
      `The number ${this.buffer.readBigInt64BE(at)} at byte ${at} is beyond the integers that are handled exactly.`,
    )
  }

  #refuseNull(what: string): never {
    throw new ProtocolError(`${what} that ends at byte ${this.position} is null, which it may not be.`)
  }
}

// A DataView would read as fast, but to make one costs more than to read a small record.
function int32At(bytes: Buffer, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

// Made outside the methods, so that these stay small enough to be inlined.
function tooShort(length: number, at: number, end: number): ProtocolError {
  return new ProtocolError(`${length} bytes are needed at byte ${at}, but ${end - at} are left.`)
}

function negative(what: string, length: number, at: number): ProtocolError {
  return new ProtocolError(`${what} at byte ${at} has length ${length}.`)
}
