import type { RecordBatchView } from './record-batch.ts'
import { RecordCursor } from './record-cursor.ts'
import { RecordsError, type RecordsFault } from './records-error.ts'

/** What one pass over a batch's plain records found. */
export type WalkedRecords =
  | {
      readonly kind: 'sound'
      /** Largest time of a record, -1 when there is no record. Time types are not looked at: it comes from the deltas. */
      readonly maxTimestamp: number
      /** Place of the first record with that time. */
      readonly indexOfMaxTimestamp: number
      /** Smallest time among the records that have one (are not at -1); -1 when none has. */
      readonly minTimestamp: number
      /** Place of the first record without a key; -1 when all have one. */
      readonly firstNullKey: number
      /** Offset deltas are 0, 1, 2, …; if not, only a rebuilt batch would have them so. */
      readonly consecutiveOffsets: boolean
    }
  | {
      readonly kind: 'unsound'
      readonly fault: RecordsFault
      /** Place of the record that breaks the format; the count when records are missing or bytes are left over. */
      readonly recordIndex: number
      readonly sentence: string
    }

/** More than the numbers of an ordinary record take, so that reading them needs no check for the end. */
const mostOrdinaryBytes = 16

/**
 * Checks the records of a batch without making objects of them: every length fits exactly, header counts and lengths are
 * possible, and the count uses up the bytes to the last. `plain` is what stands behind the header, decompressed if need be.
 * Times are added to the batch's base timestamp.
 */
export function walkRecords(batch: RecordBatchView, plain: Uint8Array = batch.recordsBytes): WalkedRecords {
  return walkPlainRecords(plain, batch.recordCount, batch.baseTimestamp)
}

/** The same over bare values. */
export function walkPlainRecords(
  plain: Uint8Array,
  recordCount: number,
  baseTimestamp: number,
): WalkedRecords {
  const careful = new CarefulWalk(plain)
  const noTimeDelta = -1 - baseTimestamp
  let index = 0
  let maxDelta = Number.NEGATIVE_INFINITY
  let indexOfMax = 0
  let minDelta = Number.POSITIVE_INFINITY
  let firstNullKey = -1
  let consecutiveOffsets = true
  let next = 0
  try {
    for (; index < recordCount; index++) {
      let timestampDelta = 0
      let offsetDelta = 0
      let hasKey = true
      let walked = false
      // A broker sends every uncompressed batch it takes in through here. So an ordinary record (numbers of one or two
      // bytes, no headers) is read in place without a call, which halves the time; one that is not ordinary, or wrong,
      // breaks out and is walked again with care.
      ordinary: {
        let at = next
        if (at + mostOrdinaryBytes > plain.length) break ordinary
        let more = 0
        let length = plain[at++]!
        if (length >= 0x80) {
          if ((more = plain[at++]!) >= 0x80) break ordinary
          length = (length & 0x7f) | (more << 7)
        }
        const end = at + (length >>> 1)
        if ((length & 1) !== 0 || end > plain.length) break ordinary
        at++ // attributes, of which none is in use

        timestampDelta = plain[at++]!
        if (timestampDelta >= 0x80) {
          if ((more = plain[at++]!) >= 0x80) break ordinary
          timestampDelta = (timestampDelta & 0x7f) | (more << 7)
        }
        timestampDelta = (timestampDelta >>> 1) ^ -(timestampDelta & 1)

        offsetDelta = plain[at++]!
        if (offsetDelta >= 0x80) {
          if ((more = plain[at++]!) >= 0x80) break ordinary
          offsetDelta = (offsetDelta & 0x7f) | (more << 7)
        }
        offsetDelta = (offsetDelta >>> 1) ^ -(offsetDelta & 1)

        let keyLength = plain[at++]!
        if (keyLength >= 0x80) {
          if ((more = plain[at++]!) >= 0x80) break ordinary
          keyLength = (keyLength & 0x7f) | (more << 7)
        }
        if ((keyLength & 1) === 0) at += keyLength >>> 1
        else if (keyLength !== 1) break ordinary
        hasKey = keyLength !== 1
        if (at + 1 >= end) break ordinary

        let valueLength = plain[at++]!
        if (valueLength >= 0x80) {
          if ((more = plain[at++]!) >= 0x80) break ordinary
          valueLength = (valueLength & 0x7f) | (more << 7)
        }
        if ((valueLength & 1) === 0) at += valueLength >>> 1
        else if (valueLength !== 1) break ordinary
        if (at + 1 !== end || plain[at] !== 0) break ordinary
        next = end
        walked = true
      }
      if (!walked) {
        next = careful.walk(next)
        ;({ timestampDelta, offsetDelta, hasKey } = careful)
      }
      if (timestampDelta > maxDelta) {
        maxDelta = timestampDelta
        indexOfMax = index
      }
      if (timestampDelta < minDelta && timestampDelta !== noTimeDelta) minDelta = timestampDelta
      if (offsetDelta !== index) consecutiveOffsets = false
      if (!hasKey && firstNullKey < 0) firstNullKey = index
    }
    if (next !== plain.length) throw careful.leftOver(next)
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error
    return { kind: 'unsound', fault: error.fault, recordIndex: index, sentence: error.message }
  }

  // One check of the ends covers all sums in between.
  const maxTimestamp = baseTimestamp + maxDelta
  const minTimestamp = baseTimestamp + minDelta
  if (index > 0 && (maxTimestamp > Number.MAX_SAFE_INTEGER || minTimestamp < Number.MIN_SAFE_INTEGER)) {
    const sentence = 'The records hold a time beyond 2^53.'
    return { kind: 'unsound', fault: 'numberOutOfRange', recordIndex: indexOfMax, sentence }
  }
  return {
    kind: 'sound',
    maxTimestamp: index === 0 ? -1 : maxTimestamp,
    indexOfMaxTimestamp: indexOfMax,
    minTimestamp: minDelta === Number.POSITIVE_INFINITY ? -1 : minTimestamp,
    firstNullKey,
    consecutiveOffsets,
  }
}

/** Walks one record at a time, whatever it looks like, and throws RecordsError at what breaks the format. */
class CarefulWalk {
  timestampDelta = 0
  offsetDelta = 0
  hasKey = true
  readonly #cursor: RecordCursor

  constructor(plain: Uint8Array) {
    this.#cursor = new RecordCursor(plain, 0, plain.length)
  }

  /** Reads the record that begins at `start`, and answers where the next one does. */
  walk(start: number): number {
    const cursor = this.#cursor
    cursor.position = start
    if (start >= cursor.end) throw cursor.fault('recordCount', 'fewer records than the batch counts')
    const length = cursor.varint()
    const end = cursor.position + length
    if (length < 1 || end > cursor.end) throw cursor.fault('recordLength', 'a record of an impossible length')
    cursor.position++ // attributes
    this.timestampDelta = cursor.varlong()
    this.offsetDelta = cursor.varint()

    const keyLength = cursor.varint()
    this.hasKey = keyLength !== -1
    if (keyLength < -1 || keyLength > end - cursor.position)
      throw cursor.fault('keyLength', 'an impossible key length')
    if (keyLength > 0) cursor.position += keyLength

    const valueLength = cursor.varint()
    if (valueLength < -1 || valueLength > end - cursor.position) {
      throw cursor.fault('valueLength', 'an impossible value length')
    }
    if (valueLength > 0) cursor.position += valueLength

    this.#walkHeaders(end)
    if (cursor.position !== end) throw cursor.fault('recordLength', 'a record of another length than it says')
    return end
  }

  leftOver(position: number): RecordsError {
    this.#cursor.position = position
    return this.#cursor.fault('recordCount', 'more bytes than the counted records need')
  }

  #walkHeaders(end: number): void {
    const cursor = this.#cursor
    const count = cursor.varint()
    // A header takes two bytes at least, so a hostile count ends here and not in a long loop.
    if (count < 0 || count > end - cursor.position)
      throw cursor.fault('headerCount', 'an impossible header count')
    for (let header = 0; header < count; header++) {
      const keyLength = cursor.varint()
      if (keyLength < 0 || keyLength > end - cursor.position) {
        throw cursor.fault('headerLength', 'an impossible header key length')
      }
      cursor.position += keyLength
      const valueLength = cursor.varint()
      if (valueLength < -1 || valueLength > end - cursor.position) {
        throw cursor.fault('headerLength', 'an impossible header value length')
      }
      if (valueLength > 0) cursor.position += valueLength
    }
  }
}
