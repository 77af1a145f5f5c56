import { RecordsError, type RecordsFault } from './records-error.ts'

/**
 * A place in a run of plain records that moves over zigzag varints. Everything throws RecordsError when a number does not end
 * before `end` or is longer than its type can be. Public fields, because the loops over records set them directly.
 */
export class RecordCursor {
  readonly bytes: Uint8Array
  position: number
  readonly end: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  /** A zigzag int32, at most five bytes. */
  varint(): number {
    const at = this.position
    if (at < this.end) {
      const first = this.bytes[at]!
      if (first < 0x80) {
        this.position = at + 1
        return (first >>> 1) ^ -(first & 1)
      }
      if (at + 1 < this.end) {
        const second = this.bytes[at + 1]!
        if (second < 0x80) {
          this.position = at + 2
          const value = (first & 0x7f) | (second << 7)
          return (value >>> 1) ^ -(value & 1)
        }
      }
    }
    return this.#longVarint()
  }

  /** A zigzag int64 within the safe integers, at most ten bytes. */
  varlong(): number {
    let value = 0
    const { bytes, end } = this
    let at = this.position
    // Four bytes fit the fast integers; that is ±67 million, more than any batch spans in milliseconds in practice.
    for (let shift = 0; shift < 28 && at < end; shift += 7) {
      const byte = bytes[at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.position = at
        return (value >>> 1) ^ -(value & 1)
      }
    }
    return this.#longVarlong()
  }

  #longVarint(): number {
    const start = this.position
    let value = 0
    for (let index = 0; index < 5; index++) {
      const byte = this.#byteAt(start + index)
      value |= (byte & 0x7f) << (7 * index)
      if (byte < 0x80) {
        // The fifth byte has room for four bits only; more would be silently lost.
        if (index === 4 && byte > 0x0f) break
        this.position = start + index + 1
        return (value >>> 1) ^ -(value & 1)
      }
    }
    throw this.fault('varint', 'a varint longer than 32 bits')
  }

  #longVarlong(): number {
    const start = this.position
    let low = 0 // bits 0–27
    let middle = 0 // bits 28–55
    let high = 0 // bits 56–63
    for (let index = 0; index < 10; index++) {
      const byte = this.#byteAt(start + index)
      const bits = byte & 0x7f
      if (index < 4) low |= bits << (7 * index)
      else if (index < 8) middle |= bits << (7 * (index - 4))
      else high |= bits << (7 * (index - 8))
      if (byte >= 0x80) continue
      if (index === 9 && byte > 1) break
      this.position = start + index + 1
      const half = (high * 2 ** 28 + middle) * 2 ** 27 + (low >>> 1)
      const value = (low & 1) === 1 ? -half - 1 : half
      if (!Number.isSafeInteger(value)) throw this.fault('numberOutOfRange', 'a number beyond 2^53')
      return value
    }
    throw this.fault('varint', 'a varint longer than 64 bits')
  }

  #byteAt(at: number): number {
    if (at >= this.end) throw this.fault('varint', 'a varint that does not end')
    return this.bytes[at]!
  }

  fault(fault: RecordsFault, what: string): RecordsError {
    return new RecordsError(fault, `The records hold ${what} at byte ${this.position}.`)
  }
}
