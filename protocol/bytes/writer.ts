import { EncodeError } from './protocol-error.ts'
import { type Uuid, zeroUuid } from './uuid.ts'
import { sizeOfUnsignedVarint, zigzag } from './varint.ts'

/** Records that are not in memory yet: their bytes are put straight into the message when it is written. */
export interface RecordsSource {
  /** Exact number of bytes that `readInto` will write. */
  readonly length: number
  readInto(target: Buffer, at: number): void
}

const maxStringBytes = 32_767
const minCapacity = 64

/**
 * Writes Kafka's primitive types, big-endian, into a buffer that grows by doubling. Given a buffer it writes there
 * from the start, and moves to a new one only if that is too small; so always take `buffer` or `finish()` at the end.
 */
export class Writer {
  buffer: Buffer
  position = 0
  #view: DataView

  constructor(target: number | Buffer = 512) {
    this.buffer = typeof target === 'number' ? Buffer.allocUnsafe(Math.max(target, minCapacity)) : target
    this.#view = viewOf(this.buffer)
  }

  /** What was written, a view of `buffer`. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.position)
  }

  /** Makes room for `length` more bytes and returns where they begin; the position moves past them. */
  reserve(length: number): number {
    const at = this.position
    const next = at + length
    if (next > this.buffer.length) this.#grow(next)
    this.position = next
    return at
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) throw outOfRange('int8', value)
    const at = this.reserve(1)
    this.buffer[at] = value
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) throw outOfRange('int16', value)
    const at = this.reserve(2)
    this.#view.setInt16(at, value)
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) throw outOfRange('uint16', value)
    const at = this.reserve(2)
    this.#view.setUint16(at, value)
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw outOfRange('int32', value)
    const at = this.reserve(4)
    this.#view.setInt32(at, value)
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) throw outOfRange('uint32', value)
    const at = this.reserve(4)
    this.#view.setUint32(at, value)
  }

  /** `value` must be a safe integer. */
  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw outOfRange('int64', value)
    const at = this.reserve(8)
    this.#view.setInt32(at, Math.floor(value / 0x1_0000_0000))
    this.#view.setInt32(at + 4, value | 0)
  }

  int64Big(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw outOfRange('int64', value)
    const at = this.reserve(8)
    this.#view.setBigInt64(at, value)
  }

  float64(value: number): void {
    const at = this.reserve(8)
    this.#view.setFloat64(at, value)
  }

  bool(value: boolean): void {
    const at = this.reserve(1)
    this.buffer[at] = value ? 1 : 0
  }

  uuid(value: Uuid): void {
    const at = this.reserve(16)
    if (value === zeroUuid) {
      this.buffer.fill(0, at, at + 16)
      return
    }
    if (value.length !== 22 || this.buffer.write(value, at, 16, 'base64url') !== 16) throw notUuid(value)
  }

  /** `value` is 0 … 2^32 - 1. */
  unsignedVarint(value: number): void {
    if (value < 0x80) {
      const at = this.reserve(1)
      this.buffer[at] = value
      return
    }
    this.#putVarint(this.reserve(sizeOfUnsignedVarint(value)), value)
  }

  /** A zigzag int32. */
  varint(value: number): void {
    this.unsignedVarint(zigzag(value))
  }

  /** A zigzag int64; `value` is a safe integer. */
  varlong(value: number): void {
    if (!Number.isSafeInteger(value)) throw outOfRange('varlong', value)
    if ((value | 0) === value) return this.varint(value)
    let rest = value < 0 ? -(value + 1) : value
    let byte = ((rest % 64) << 1) | (value < 0 ? 1 : 0)
    for (rest = Math.floor(rest / 64); rest > 0; rest = Math.floor(rest / 128)) {
      this.buffer[this.reserve(1)] = byte | 0x80
      byte = rest % 128
    }
    this.buffer[this.reserve(1)] = byte
  }

  string(value: string): void {
    const length = checkedLength(value)
    this.int16(length)
    this.#text(value, length)
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  compactString(value: string): void {
    const length = checkedLength(value)
    this.unsignedVarint(length + 1)
    this.#text(value, length)
  }

  nullableCompactString(value: string | null): void {
    if (value === null) this.unsignedVarint(0)
    else this.compactString(value)
  }

  bytes(value: Uint8Array): void {
    this.int32(value.length)
    this.raw(value)
  }

  nullableBytes(value: Uint8Array | null): void {
    if (value === null) this.int32(-1)
    else this.bytes(value)
  }

  compactBytes(value: Uint8Array): void {
    this.unsignedVarint(value.length + 1)
    this.raw(value)
  }

  nullableCompactBytes(value: Uint8Array | null): void {
    if (value === null) this.unsignedVarint(0)
    else this.compactBytes(value)
  }

  records(value: Uint8Array | RecordsSource): void {
    this.int32(value.length)
    this.#source(value)
  }

  nullableRecords(value: Uint8Array | RecordsSource | null): void {
    if (value === null) this.int32(-1)
    else this.records(value)
  }

  compactRecords(value: Uint8Array | RecordsSource): void {
    this.unsignedVarint(value.length + 1)
    this.#source(value)
  }

  nullableCompactRecords(value: Uint8Array | RecordsSource | null): void {
    if (value === null) this.unsignedVarint(0)
    else this.compactRecords(value)
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): void {
    const at = this.reserve(value.length)
    this.buffer.set(value, at)
  }

  /** A size is to come before what is written next: remember the returned mark for `endSized`. */
  beginSized(): number {
    return this.reserve(1)
  }

  /** Puts the size of all that was written since `mark` in front of it. */
  endSized(mark: number): void {
    const start = mark + 1
    const size = this.position - start
    const extra = sizeOfUnsignedVarint(size) - 1
    if (extra > 0) {
      this.reserve(extra)
      this.buffer.copyWithin(start + extra, start, start + size)
    }
    this.#putVarint(mark, size)
  }

  /** Overwrites four bytes that were written or reserved before. */
  patchInt32(at: number, value: number): void {
    this.#view.setInt32(at, value)
  }

  #source(value: Uint8Array | RecordsSource): void {
    if (value instanceof Uint8Array) return this.raw(value)
    const at = this.reserve(value.length)
    value.readInto(this.buffer, at)
  }

  #text(value: string, length: number): void {
    const at = this.reserve(length)
    if (length !== 0) this.buffer.write(value, at, length, 'utf8')
  }

  #putVarint(at: number, value: number): void {
    let rest = value
    let to = at
    while (rest >= 0x80) {
      this.buffer[to++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.buffer[to] = rest
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2, minCapacity))
    this.buffer.copy(grown, 0, 0, this.position)
    this.buffer = grown
    this.#view = viewOf(grown)
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}

function checkedLength(value: string): number {
  const length = Buffer.byteLength(value, 'utf8')
  if (length > maxStringBytes) {
    throw new EncodeError(
      `A string of ${length} bytes is longer than the ${maxStringBytes} that a message can carry.`,
    )
  }
  return length
}

function outOfRange(type: string, value: unknown): EncodeError {
  return new EncodeError(`${String(value)} is not an ${type}.`)
}

function notUuid(value: string): EncodeError {
  return new EncodeError(`"${value}" is not a UUID of 22 base64url characters.`)
}
