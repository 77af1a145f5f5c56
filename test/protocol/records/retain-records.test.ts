import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  buildBatch,
  decodeRecords,
  decompress,
  RecordBatchView,
  RecordSpans,
  retainRecords,
  withoutRecords,
} from '../../../protocol/index.ts'
import { arbitraryBatch } from './arbitrary-batches.ts'

const limits = { maxDecompressedBytes: 2 ** 24 }

test('what stays is as it was, with or without a new delete horizon', () => {
  fc.assert(
    fc.property(
      arbitraryBatch,
      fc.infiniteStream(fc.boolean()),
      fc.option(fc.integer({ min: 0, max: 2 ** 45 }), { nil: undefined }),
      fc.boolean(),
      (given, choices, deleteHorizonMs, isStamped) => {
        const batch = new RecordBatchView(buildBatch(given))
        if (isStamped) batch.setMaxTimestamp('LogAppendTime', 1_700_000_000_123)
        const plain = decompress(batch.compression, batch.recordsBytes, limits)
        const all = [...decodeRecords(batch, limits)]
        const kept = all.filter((_, index) => choices.next().value === true || index === all.length - 1)
        const runs: number[] = []
        const spans = new RecordSpans(plain, batch.recordCount)
        while (spans.next()) {
          if (kept.some(({ offset }) => offset === batch.baseOffset + spans.offsetDelta)) {
            runs.push(spans.start, spans.end)
          }
        }
        const maxTimestamp = Math.max(...kept.map(({ timestamp }) => timestamp))
        const bytes = retainRecords(batch, plain, {
          runs,
          recordCount: kept.length,
          maxTimestamp,
          ...(deleteHorizonMs === undefined ? {} : { deleteHorizonMs }),
        })
        const result = new RecordBatchView(bytes)
        expect(result.isValidCrc()).toBe(true)
        expect(result.sizeInBytes).toBe(bytes.length)
        expect([...decodeRecords(result, limits)]).toEqual(kept)
        expect(result.maxTimestamp).toBe(maxTimestamp)
        expect(result.deleteHorizonMs).toBe(deleteHorizonMs)
        expect(identityOf(result)).toEqual(identityOf(batch))
        expect(result.compression).toBe(batch.compression)
      },
    ),
  )
})

test('an emptied batch keeps its offsets, sequences and largest time', () => {
  fc.assert(
    fc.property(arbitraryBatch, given => {
      const batch = new RecordBatchView(buildBatch({ ...given, deleteHorizonMs: 5 }))
      const empty = new RecordBatchView(withoutRecords(batch))
      expect(empty.isValidCrc()).toBe(true)
      expect(identityOf(empty)).toEqual(identityOf(batch))
      expect(empty).toMatchObject({
        sizeInBytes: 61,
        recordCount: 0,
        compression: 'none',
        baseTimestamp: -1,
        deleteHorizonMs: undefined,
        maxTimestamp: batch.maxTimestamp,
      })
    }),
  )
})

/** What compaction never changes. */
function identityOf(batch: RecordBatchView): object {
  const { baseOffset, lastOffset, partitionLeaderEpoch, producerId, producerEpoch, baseSequence } = batch
  const { lastSequence, isTransactional, isControl, timestampType } = batch
  return {
    baseOffset,
    lastOffset,
    partitionLeaderEpoch,
    producerId,
    producerEpoch,
    baseSequence,
    lastSequence,
    isTransactional,
    isControl,
    timestampType,
  }
}
