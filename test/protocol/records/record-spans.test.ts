import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  buildBatch,
  decodeRecords,
  RecordBatchView,
  RecordsError,
  RecordSpans,
} from '../../../protocol/index.ts'
import { arbitraryBatch } from './arbitrary-batches.ts'

test('every record is found where the decoder finds it', () => {
  fc.assert(
    fc.property(arbitraryBatch, given => {
      const batch = new RecordBatchView(buildBatch({ ...given, compression: 'none' }))
      const plain = batch.recordsBytes
      const spans = new RecordSpans(plain, batch.recordCount)
      let end = 0
      for (const record of decodeRecords(batch, { maxDecompressedBytes: 2 ** 24 })) {
        expect(spans.next()).toBe(true)
        expect(spans.start).toBe(end)
        end = spans.end
        expect(batch.baseOffset + spans.offsetDelta).toBe(record.offset)
        expect(batch.baseTimestamp + spans.timestampDelta).toBe(record.timestamp)
        expect(spans.hasValue).toBe(record.value !== null)
        const key =
          spans.keyLength < 0 ? null : plain.subarray(spans.keyStart, spans.keyStart + spans.keyLength)
        expect(key).toEqual(record.key)
      }
      expect(spans.next()).toBe(false)
    }),
  )
})

test('bytes that are no records are refused, and never read beyond their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 0, max: 10 }), (bytes, count) => {
      const spans = new RecordSpans(bytes, count)
      try {
        while (spans.next()) {
          expect(spans.end).toBeLessThanOrEqual(bytes.length)
          expect(spans.keyStart + Math.max(0, spans.keyLength)).toBeLessThanOrEqual(spans.end)
        }
      } catch (error) {
        expect(error).toBeInstanceOf(RecordsError)
      }
    }),
  )
})
