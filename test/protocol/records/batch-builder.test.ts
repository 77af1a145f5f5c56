import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  batchHeaderBytes,
  type BatchToBuild,
  buildBatch,
  buildBatchAsync,
  type DecodedRecord,
  decodeRecords,
  decodeRecordsAsync,
  findBatch,
  RecordBatchView,
  sizeOfRecord,
} from '../../../protocol/index.ts'
import { arbitraryBatch } from './arbitrary-batches.ts'

const limit = { maxDecompressedBytes: 10_000_000 }

/** What decoding must give back for what was built. */
function expected(batch: BatchToBuild): DecodedRecord[] {
  return batch.records.map((record, index) => ({
    offset: (batch.baseOffset ?? 0) + index,
    timestamp: record.timestamp,
    key: record.key === undefined || record.key === null ? null : Buffer.from(record.key),
    value: record.value === null ? null : Buffer.from(record.value),
    headers: (record.headers ?? []).map(({ key, value }) => ({
      key: Buffer.from(key).toString(),
      value: value === null ? null : Buffer.from(value),
    })),
  }))
}

test('what was built is found whole, with its fields, its checksum and its records', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryBatch, async batch => {
      const bytes = buildBatch(batch)
      const found = findBatch(bytes)
      if (found.kind !== 'batch') throw new Error(`found ${found.kind}`)
      const view = found.batch
      expect(view.isValidCrc()).toBe(true)
      expect(view.sizeInBytes).toBe(bytes.length)
      expect(view.baseOffset).toBe(batch.baseOffset ?? 0)
      expect(view.lastOffsetDelta).toBe(batch.records.length - 1)
      expect(view.nextOffset - view.baseOffset).toBe(batch.records.length)
      expect(view.partitionLeaderEpoch).toBe(batch.partitionLeaderEpoch ?? -1)
      expect(view.compression).toBe(batch.compression ?? 'none')
      expect(view.timestampType).toBe('CreateTime')
      expect(view.baseTimestamp).toBe(batch.records[0]?.timestamp)
      expect(view.maxTimestamp).toBe(Math.max(...batch.records.map(record => record.timestamp)))
      expect(view.producerId).toBe(batch.producerId ?? -1)
      expect(view.producerEpoch).toBe(batch.producerEpoch ?? -1)
      expect(view.baseSequence).toBe(batch.baseSequence ?? -1)
      expect(view.isTransactional).toBe(batch.isTransactional ?? false)
      expect(view.isControl).toBe(batch.isControl ?? false)
      expect(view.deleteHorizonMs).toBeUndefined()
      expect(view.recordCount).toBe(batch.records.length)
      expect([...decodeRecords(view, limit)]).toEqual(expected(batch))

      const other = new RecordBatchView(await buildBatchAsync(batch))
      expect([...(await decodeRecordsAsync(other, limit))]).toEqual(expected(batch))
    }),
    { numRuns: 150 },
  )
})

test('the size of a record is known before it is written', () => {
  fc.assert(
    fc.property(arbitraryBatch, batch => {
      const base = batch.records[0]!.timestamp
      const sizes = batch.records.map((record, index) => sizeOfRecord(record, index, record.timestamp - base))
      const bytes = buildBatch({ ...batch, compression: 'none' })
      expect(bytes.length).toBe(batchHeaderBytes + sizes.reduce((sum, size) => sum + size, 0))
    }),
  )
})

test('all records of a LogAppendTime batch have the time of the append', () => {
  const records = [
    { value: null, timestamp: 5 },
    { value: null, timestamp: 9 },
  ]
  const batch = new RecordBatchView(
    buildBatch({ records, timestampType: 'LogAppendTime', maxTimestamp: 1000 }),
  )
  expect(batch.timestampType).toBe('LogAppendTime')
  expect([...decodeRecords(batch, limit)].map(record => record.timestamp)).toEqual([1000, 1000])
})

test('a compacted batch keeps offsets, its last offset and the delete horizon', () => {
  const bytes = buildBatch({
    baseOffset: 100,
    records: [
      { key: Buffer.from('a'), value: null, timestamp: 5000, offsetDelta: 3 },
      { key: Buffer.from('b'), value: null, timestamp: 4000, offsetDelta: 7 },
    ],
    lastOffsetDelta: 9,
    deleteHorizonMs: 90_000,
    compression: 'zstd',
  })
  const batch = new RecordBatchView(bytes)
  expect(batch.lastOffset).toBe(109)
  expect(batch.recordCount).toBe(2)
  expect(batch.deleteHorizonMs).toBe(90_000)
  expect(batch.maxTimestamp).toBe(5000)
  expect([...decodeRecords(batch, limit)].map(({ offset, timestamp }) => [offset, timestamp])).toEqual([
    [103, 5000],
    [107, 4000],
  ])
})

test('a batch that lost all its records is a header that keeps its offsets', () => {
  const bytes = buildBatch({
    baseOffset: 40,
    records: [],
    lastOffsetDelta: 4,
    compression: 'lz4',
    maxTimestamp: 77,
  })
  const batch = new RecordBatchView(bytes)
  expect(bytes.length).toBe(batchHeaderBytes)
  expect(batch.isValidCrc()).toBe(true)
  expect([batch.nextOffset, batch.recordCount, batch.baseTimestamp, batch.maxTimestamp]).toEqual([
    45, 0, -1, 77,
  ])
  expect([...decodeRecords(batch, limit)]).toEqual([])
})
