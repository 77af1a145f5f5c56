import { RecordCursor } from './record-cursor.ts'

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
  readonly #cursor: RecordCursor
  readonly #count: number
  #index = 0

  /** `plain` holds exactly the `count` records of a batch. */
  constructor(plain: Uint8Array, count: number) {
    this.#cursor = new RecordCursor(plain, 0, plain.length)
    this.#count = count
  }

  next(): boolean {
    const cursor = this.#cursor
    if (this.#index === this.#count) {
      if (this.end !== cursor.end)
        throw cursor.fault('recordCount', 'more bytes than the counted records need')
      return false
    }
    this.#index++
    this.start = this.end
    if (this.start >= cursor.end) throw cursor.fault('recordCount', 'fewer records than the batch counts')
    cursor.position = this.start
    const length = cursor.varint()
    const end = cursor.position + length
    if (length < 1 || end > cursor.end) throw cursor.fault('recordLength', 'a record of an impossible length')
    cursor.position++ // attributes, of which none is in use
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
    cursor.position = end
    return true
  }
}
