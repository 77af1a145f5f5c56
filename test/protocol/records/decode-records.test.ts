import { expect, test } from 'vitest'
import {
  buildBatch,
  compress,
  decodeRecords,
  decodeRecordsAsync,
  RecordBatchView,
  RecordsError,
} from '../../../protocol/index.ts'

const records = [
  { key: Buffer.from('a'), value: Buffer.from('first'), timestamp: 10 },
  { key: Buffer.from('b'), value: Buffer.from('second'), timestamp: 20 },
]
const limit = { maxDecompressedBytes: 1000 }

test('keys and values of a plain batch are views of its bytes', () => {
  const batch = new RecordBatchView(buildBatch({ records }))
  const [first] = [...decodeRecords(batch, limit)]
  expect(first?.value?.buffer).toBe(batch.buffer.buffer)
})

test('a reader that has seen enough may stop', () => {
  const batch = new RecordBatchView(buildBatch({ records }))
  batch.buffer[batch.buffer.length - 1] = 99 // breaks the second record
  for (const record of decodeRecords(batch, limit)) {
    expect(record.value?.toString()).toBe('first')
    break
  }
  expect(() => [...decodeRecords(batch, limit)]).toThrow(RecordsError)
})

test('a packed block beyond the cap is refused, on and off this thread', async () => {
  const big = [{ value: Buffer.alloc(5000), timestamp: 0 }]
  const batch = new RecordBatchView(buildBatch({ records: big, compression: 'gzip' }))
  expect(() => decodeRecords(batch, limit)).toThrow(expect.objectContaining({ fault: 'tooLarge' }))
  await expect(decodeRecordsAsync(batch, limit)).rejects.toMatchObject({ fault: 'tooLarge' })
})

test('a count that does not fit what was packed is refused', () => {
  for (const [count, fault] of [
    [1, 'recordCount'],
    [3, 'recordCount'],
    [2 ** 31 - 1, 'recordCount'],
  ] as const) {
    const batch = new RecordBatchView(buildBatch({ records, compression: 'snappy' }))
    batch.buffer.writeInt32BE(count, 57)
    expect(() => [...decodeRecords(batch, limit)]).toThrow(expect.objectContaining({ fault }))
  }
})

test('a codec number that does not fit the bytes is refused', () => {
  const batch = new RecordBatchView(buildBatch({ records, compression: 'lz4' }))
  for (const number of [1, 2, 4]) {
    batch.buffer[22] = number
    expect(() => [...decodeRecords(batch, limit)]).toThrow(
      expect.objectContaining({ fault: 'compressedData' }),
    )
  }
  for (const number of [5, 6, 7]) {
    batch.buffer[22] = number
    expect(() => decodeRecords(batch, limit)).toThrow(expect.objectContaining({ fault: 'unsupported' }))
  }
})

test('what is packed twice is unpacked once and is then no records', () => {
  const batch = new RecordBatchView(buildBatch({ records, compression: 'none' }))
  const twice = compress('gzip', compress('gzip', batch.recordsBytes))
  const bytes = Buffer.concat([batch.buffer.subarray(0, 61), twice])
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes[22] = 1
  expect(() => [...decodeRecords(new RecordBatchView(bytes), limit)]).toThrow(RecordsError)
})
