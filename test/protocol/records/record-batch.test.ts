import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildBatch, RecordBatchView, RecordsError, sequenceAfter } from '../../../protocol/index.ts'

function aBatch(): RecordBatchView {
  const records = [
    { key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1000 },
    { value: null, timestamp: 3000 },
  ]
  return new RecordBatchView(buildBatch({ records, producerId: 7, producerEpoch: 1, baseSequence: 10 }))
}

test('base offset and leader epoch are set without touching the checksum', () => {
  const batch = aBatch()
  const crc = batch.crc
  batch.setBaseOffset(2 ** 45 + 3)
  batch.setPartitionLeaderEpoch(12)
  expect([batch.baseOffset, batch.lastOffset, batch.partitionLeaderEpoch]).toEqual([
    2 ** 45 + 3,
    2 ** 45 + 4,
    12,
  ])
  expect(batch.crc).toBe(crc)
  expect(batch.isValidCrc()).toBe(true)
})

test('time type and largest time are set with a new checksum', () => {
  const batch = aBatch()
  const crc = batch.crc
  expect(batch.setMaxTimestamp('LogAppendTime', 5000)).toBe(true)
  expect([batch.timestampType, batch.maxTimestamp]).toEqual(['LogAppendTime', 5000])
  expect(batch.crc).not.toBe(crc)
  expect(batch.isValidCrc()).toBe(true)
  expect(batch.setMaxTimestamp('CreateTime', 3000)).toBe(true)
  expect(batch.crc).toBe(crc)
})

test('times that are set already cost nothing', () => {
  const batch = aBatch()
  expect(batch.setMaxTimestamp('CreateTime', 3000)).toBe(false)
})

test('a changed byte behind the checksum is noticed', () => {
  const batch = aBatch()
  for (let at = 21; at < batch.sizeInBytes; at++) {
    batch.buffer[at] = batch.buffer[at]! ^ 0x10
    expect(batch.isValidCrc()).toBe(false)
    batch.buffer[at] = batch.buffer[at]! ^ 0x10
  }
  expect(batch.isValidCrc()).toBe(true)
})

test('a view stands anywhere in a buffer', () => {
  const { bytes } = aBatch()
  const batch = new RecordBatchView(Buffer.concat([Buffer.alloc(5), bytes, Buffer.alloc(9)]), 5)
  expect([batch.end, batch.recordCount, batch.isValidCrc()]).toEqual([5 + bytes.length, 2, true])
  expect(batch.bytes).toEqual(bytes)
  expect(batch.recordsBytes).toEqual(bytes.subarray(61))
})

test.each([5, 6, 7])('compression number %i is no codec', number => {
  const batch = aBatch()
  batch.buffer[22] = number
  expect(batch.compressionId).toBe(number)
  expect(() => batch.compression).toThrow(RecordsError)
})

test('an offset beyond 2^53 is no number here', () => {
  const batch = aBatch()
  batch.buffer.writeBigInt64BE(2n ** 53n, 0)
  expect(() => batch.baseOffset).toThrow(RecordsError)
})

test('int64 fields go in and out unchanged', () => {
  const batch = aBatch()
  fc.assert(
    fc.property(fc.maxSafeInteger(), offset => {
      batch.setBaseOffset(offset)
      expect(batch.baseOffset).toBe(offset)
      expect(batch.buffer.readBigInt64BE(0)).toBe(BigInt(offset))
    }),
  )
})

describe('sequences', () => {
  test('follow the offsets', () => expect(aBatch().lastSequence).toBe(11))
  test('start again from 0 behind 2^31 - 1', () => {
    expect(sequenceAfter(2 ** 31 - 1, 0)).toBe(2 ** 31 - 1)
    expect(sequenceAfter(2 ** 31 - 1, 1)).toBe(0)
    expect(sequenceAfter(2 ** 31 - 2, 5)).toBe(3)
  })
  test('are not made up where there are none', () => {
    expect(new RecordBatchView(buildBatch({ records: [{ value: null, timestamp: 0 }] })).lastSequence).toBe(
      -1,
    )
  })
})
