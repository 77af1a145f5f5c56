import { RecordCursor } from './record-cursor.ts'

/** More than the numbers of an ordinary record take, so that reading them needs no check for the end. */
const mostOrdinaryBytes = 16

/**
 * Goes over the plain records of a batch and says where the parts of each stand, without making objects of them: for those
 * who look at keys and copy records as they are. `next` throws RecordsError where a record does not fit its bytes; headers are
 * not looked at. The fields speak of the record that `next` moved to.
 */
export class RecordSpans {
  /** Where the record begins, its length field included. */
  start = 0
  end = 0
  /** Where the record's fields begin that stand behind the time: offset delta, key, value, headers. */
  afterTimestamp = 0
  timestampDelta = 0
  offsetDelta = 0
  keyStart = 0
  /** -1 without a key. */
  keyLength = -1
  hasValue = false
  readonly #plain: Uint8Array
  readonly #cursor: RecordCursor
  readonly #count: number
  #index = 0

  /** `plain` holds exactly the `count` records of a batch. */
  constructor(plain: Uint8Array, count: number) {
    this.#plain = plain
    this.#cursor = new RecordCursor(plain, 0, plain.length)
    this.#count = count
  }

  next(): boolean {
    if (this.#index === this.#count) {
      if (this.end === this.#plain.length) return false
      throw this.#cursor.fault('recordCount', 'more bytes than the counted records need')
    }
    this.#index++
    this.start = this.end
    if (!this.#isOrdinary()) this.#walk()
    return true
  }

  /** Reads a record with a key and a value whose numbers have one or two bytes without a call. False: it is another. */
  #isOrdinary(): boolean {
    const plain = this.#plain
    let at = this.start
    if (at + mostOrdinaryBytes > plain.length) return false
    let more = 0
    let length = plain[at++]!
    if (length >= 0x80) {
      if ((more = plain[at++]!) >= 0x80) return false
      length = (length & 0x7f) | (more << 7)
    }
    const end = at + (length >>> 1)
    if ((length & 1) !== 0 || end > plain.length) return false
    at++ // attributes, of which none is in use

    let timestampDelta = plain[at++]!
    if (timestampDelta >= 0x80) {
      if ((more = plain[at++]!) >= 0x80) return false
      timestampDelta = (timestampDelta & 0x7f) | (more << 7)
    }
    const afterTimestamp = at
    let offsetDelta = plain[at++]!
    if (offsetDelta >= 0x80) {
      if ((more = plain[at++]!) >= 0x80) return false
      offsetDelta = (offsetDelta & 0x7f) | (more << 7)
    }

    let keyLength = plain[at++]!
    if (keyLength >= 0x80) {
      if ((more = plain[at++]!) >= 0x80) return false
      keyLength = (keyLength & 0x7f) | (more << 7)
    }
    const keyStart = at
    at += keyLength >>> 1
    if ((keyLength & 1) !== 0 || at + 2 >= end) return false
    let valueLength = plain[at++]!
    if (valueLength >= 0x80) {
      if ((more = plain[at++]!) >= 0x80) return false
      valueLength = (valueLength & 0x7f) | (more << 7)
    }
    if ((valueLength & 1) !== 0 || at + (valueLength >>> 1) >= end) return false
    this.end = end
    this.afterTimestamp = afterTimestamp
    this.timestampDelta = (timestampDelta >>> 1) ^ -(timestampDelta & 1)
    this.offsetDelta = (offsetDelta >>> 1) ^ -(offsetDelta & 1)
    this.keyStart = keyStart
    this.keyLength = keyLength >>> 1
    this.hasValue = true
    return true
  }

  /** Any record, with care. */
  #walk(): void {
    const cursor = this.#cursor
    if (this.start >= cursor.end) throw cursor.fault('recordCount', 'fewer records than the batch counts')
    cursor.position = this.start
    const length = cursor.varint()
    const end = cursor.position + length
    if (length < 1 || end > cursor.end) throw cursor.fault('recordLength', 'a record of an impossible length')
    cursor.position++ // attributes
    this.timestampDelta = cursor.varlong()
    this.afterTimestamp = cursor.position
    this.offsetDelta = cursor.varint()

    const keyLength = cursor.varint()
    if (keyLength < -1 || keyLength > end - cursor.position) {
      throw cursor.fault('keyLength', 'an impossible key length')
    }
    this.keyLength = keyLength
    this.keyStart = cursor.position
    if (keyLength > 0) cursor.position += keyLength

    const valueLength = cursor.varint()
    if (valueLength < -1 || valueLength > end - cursor.position) {
      throw cursor.fault('valueLength', 'an impossible value length')
    }
    this.hasValue = valueLength >= 0
    this.end = end
  }
}
