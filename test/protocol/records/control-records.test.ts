import { expect, test } from 'vitest'
import {
  buildEndTransactionMarker,
  decodeControlRecord,
  decodeRecords,
  RecordBatchView,
  RecordsError,
} from '../../../protocol/index.ts'

const marker = { producerId: 5, producerEpoch: 3, coordinatorEpoch: 9, timestampMs: 1234 }

test.each(['commit', 'abort'] as const)('a %s marker is a control batch of one record', outcome => {
  const batch = new RecordBatchView(
    buildEndTransactionMarker({ ...marker, outcome, baseOffset: 8, partitionLeaderEpoch: 2 }),
  )
  expect(batch.isControl && batch.isTransactional && batch.isValidCrc()).toBe(true)
  expect([batch.baseOffset, batch.lastOffset, batch.partitionLeaderEpoch]).toEqual([8, 8, 2])
  expect([batch.producerId, batch.producerEpoch, batch.baseSequence]).toEqual([5, 3, -1])
  const [record] = [...decodeRecords(batch, { maxDecompressedBytes: 0 })]
  expect(record?.timestamp).toBe(1234)
  expect(record && decodeControlRecord(record)).toEqual({ kind: outcome, coordinatorEpoch: 9 })
})

test('other types are named for readers to go over, whatever their value', () => {
  expect(decodeControlRecord({ key: Buffer.from([0, 0, 0, 2]), value: null })).toEqual({
    kind: 'other',
    type: 2,
  })
  expect(decodeControlRecord({ key: Buffer.from([0, 0, 0x7f, 0xff]), value: null })).toEqual({
    kind: 'other',
    type: 32_767,
  })
})

test('later versions of key and value are read as far as they are known', () => {
  const key = Buffer.from([0, 9, 0, 1, 42])
  const value = Buffer.from([0, 9, 0, 0, 0, 7, 42])
  expect(decodeControlRecord({ key, value })).toEqual({ kind: 'commit', coordinatorEpoch: 7 })
})

test('a marker that is too short is refused', () => {
  const key = Buffer.from([0, 0, 0, 0])
  for (const broken of [
    { key: null, value: Buffer.alloc(6) },
    { key: Buffer.alloc(3), value: Buffer.alloc(6) },
    { key: Buffer.from([0xff, 0xff, 0, 0]), value: Buffer.alloc(6) },
    { key, value: null },
    { key, value: Buffer.alloc(5) },
  ]) {
    expect(() => decodeControlRecord(broken)).toThrow(RecordsError)
  }
})
