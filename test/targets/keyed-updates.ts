/** Very many updates of a set of keys, made fast: batches from a template in which keys and numbers are put in place. */
import { crc32c, recordBatch } from './wire.ts'

const keyDigits = 8
const numberDigits = 10

/** Update `n` sets key `keyOf(n)`; its value begins with n in ten digits. */
export class KeyedUpdates {
  readonly keys: number
  readonly perBatch: number
  readonly #template: Buffer
  readonly #places: { readonly key: number; readonly number: number }[] = []

  constructor(options: {
    readonly keys: number
    readonly perBatch: number
    readonly valueBytes: number
    readonly timestampMs: number
  }) {
    const { keys, perBatch, valueBytes, timestampMs } = options
    this.keys = keys
    this.perBatch = perBatch
    const key = Buffer.alloc(keyDigits, 'k')
    const value = Buffer.alloc(Math.max(numberDigits, valueBytes), 'v')
    this.#template = recordBatch(
      Array.from({ length: perBatch }, () => ({ key, value })),
      timestampMs,
    )
    for (let at = 61; this.#places.length < perBatch; ) {
      const keyAt = this.#template.indexOf(key, at)
      const numberAt = this.#template.indexOf(value, keyAt + keyDigits)
      this.#places.push({ key: keyAt, number: numberAt })
      at = numberAt + value.length
    }
  }

  /** Every key comes as often, in an order of its own each round. */
  keyOf(update: number): number {
    const round = Math.floor(update / this.keys)
    return (((update % this.keys) * 7919 + round * 104_729) % this.keys) | 0
  }

  nameOf(key: number): string {
    return String(key).padStart(keyDigits, '0')
  }

  /** The next `perBatch` updates; good until the next call. */
  batch(firstUpdate: number): Buffer {
    const bytes = this.#template
    for (const [index, place] of this.#places.entries()) {
      writeDigits(bytes, place.key, keyDigits, this.keyOf(firstUpdate + index))
      writeDigits(bytes, place.number, numberDigits, firstUpdate + index)
    }
    bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
    return bytes
  }
}

function writeDigits(bytes: Buffer, at: number, digits: number, value: number): void {
  let rest = value
  for (let index = digits - 1; index >= 0; index--) {
    bytes[at + index] = 48 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}

export interface ReadRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
}

/** The records of all whole batches, which are not compressed. */
export function* recordsIn(bytes: Buffer): Generator<ReadRecord, void, undefined> {
  for (let at = 0; at + 61 <= bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end > bytes.length) return
    if ((bytes.readInt16BE(at + 21) & 7) !== 0) throw new Error('A compressed batch cannot be read here.')
    const baseOffset = Number(bytes.readBigInt64BE(at))
    const cursor = { bytes, at: at + 61 }
    for (let left = bytes.readInt32BE(at + 57); left > 0; left--) {
      const recordEnd = varint(cursor) + cursor.at
      cursor.at++ // attributes
      varint(cursor) // timestamp: its upper digits do not matter here
      const offset = baseOffset + varint(cursor)
      const key = text(cursor)
      yield { offset, key, value: text(cursor) }
      cursor.at = recordEnd
    }
    at = end
  }
}

interface Cursor {
  readonly bytes: Buffer
  at: number
}

function varint(cursor: Cursor): number {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = cursor.bytes[cursor.at++] ?? 0
    if (shift < 32) value |= (byte & 0x7f) << shift
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
  }
}

function text(cursor: Cursor): string | null {
  const length = varint(cursor)
  if (length < 0) return null
  cursor.at += length
  return cursor.bytes.toString('latin1', cursor.at - length, cursor.at)
}
