import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  beginFrame,
  decodeEntries,
  decodeFileHeader,
  decodeTransactions,
  encodeEntries,
  encodeFileHeader,
  encodeTransaction,
  endFrame,
  fileHeaderBytes,
  frameAt,
  hasFrameAfter,
  type LoggedOperation,
  type LoggedTransaction,
} from '../../../broker/metadata/embedded-format.ts'
import type { StoreEntry } from '../../../broker/metadata/metadata-store.ts'
import { ProtocolError, Writer } from '../../../protocol/index.ts'

const text = fc.string({ unit: 'binary', maxLength: 30 })
const revision = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const operation: fc.Arbitrary<LoggedOperation> = fc.oneof(
  fc.record({ kind: fc.constant('delete' as const), key: text }),
  fc.record({ kind: fc.constant('put' as const), key: text, value: text, lease: fc.option(text) }),
)
const transaction: fc.Arbitrary<LoggedTransaction> = fc.record({
  revision,
  operations: fc.array(operation, { maxLength: 10 }),
})
const entry: fc.Arbitrary<StoreEntry> = fc.record({
  key: text,
  value: text,
  createRevision: revision,
  modRevision: revision,
  lease: fc.option(text),
})

function frameOf(transactions: readonly LoggedTransaction[]): Buffer {
  const writer = new Writer()
  const start = beginFrame(writer)
  for (const one of transactions) encodeTransaction(writer, one)
  endFrame(writer, start)
  return writer.finish()
}

describe('the bytes of the embedded store', () => {
  test('transactions are read back as they were written', () => {
    fc.assert(
      fc.property(fc.array(transaction, { maxLength: 5 }), transactions => {
        const frame = frameOf(transactions)
        const payload = frameAt(frame, 0)
        expect(payload?.end).toBe(frame.length)
        expect(decodeTransactions(frame, payload!.start, payload!.end)).toEqual(transactions)
      }),
    )
  })

  test('entries are read back as they were written', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 10 }), entries => {
        const writer = new Writer()
        encodeEntries(writer, entries)
        const file = writer.finish()
        const seen: StoreEntry[] = []
        decodeEntries(file, 0, file.length, one => seen.push(one))
        expect(seen).toEqual(entries)
      }),
    )
  })

  test('a frame with any byte changed, or cut anywhere, is no frame', () => {
    const frame = frameOf([{ revision: 7, operations: [{ kind: 'put', key: 'a', value: 'b', lease: 'c' }] }])
    for (let at = 0; at < frame.length; at++) {
      const changed = Buffer.from(frame)
      changed[at]! ^= 0x40
      expect(frameAt(changed, 0)).toBeUndefined()
      expect(frameAt(frame.subarray(0, at), 0)).toBeUndefined()
    }
  })

  test('a frame is found wherever it begins, and only from there on', () => {
    const frame = frameOf([{ revision: 7, operations: [] }])
    const file = Buffer.concat([Buffer.from('BNBS and then BNBSBNBS'), frame, Buffer.from('BNBS')])
    const begin = file.indexOf(frame)
    expect(hasFrameAfter(file, 0)).toBe(true)
    expect(hasFrameAfter(file, begin)).toBe(true)
    expect(hasFrameAfter(file, begin + 1)).toBe(false)
  })

  test('arbitrary bytes with a good checksum are refused or read, never more than that', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const file = Buffer.from(bytes)
        for (const decode of [
          () => decodeTransactions(file, 0, file.length),
          () => decodeEntries(file, 0, file.length, () => undefined),
        ]) {
          try {
            decode()
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError)
          }
        }
      }),
    )
  })

  test('a header names its kind, revision and number of entries', () => {
    const header = encodeFileHeader('snapshot', 2 ** 40, 17)
    expect(header).toHaveLength(fileHeaderBytes)
    expect(decodeFileHeader('snapshot', header)).toEqual({ revision: 2 ** 40, entries: 17 })
    expect(decodeFileHeader('wal', header)).toBeUndefined()
    expect(decodeFileHeader('snapshot', header.subarray(0, 27))).toBeUndefined()
    header[12]! ^= 1
    expect(decodeFileHeader('snapshot', header)).toBeUndefined()
  })
})
