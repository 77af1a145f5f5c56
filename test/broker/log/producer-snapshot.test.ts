import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeProducerSnapshot, encodeProducerSnapshot } from '../../../broker/log/producer-snapshot.ts'

const entry = {
  producerId: 1001,
  epoch: 3,
  lastSequence: 41,
  lastOffset: 99,
  offsetDelta: 4,
  timestamp: 1_700_000_000_000,
  coordinatorEpoch: 2,
  currentTxnFirstOffset: -1,
}

test('the file is as Kafka writes it: version, checksum of the rest, count, 46 bytes an entry', () => {
  const content = encodeProducerSnapshot([entry])
  expect(content.subarray(0, 2).toString('hex')).toBe('0001')
  expect(content.subarray(6).toString('hex')).toBe(
    '00000001' +
      '00000000000003e9' +
      '0003' +
      '00000029' +
      '0000000000000063' +
      '00000004' +
      '0000018bcfe56800' +
      '00000002' +
      'ffffffffffffffff',
  )
})

test('what is written is read again', () => {
  const int64 = fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER })
  const int32 = fc.integer({ min: -1, max: 2 ** 31 - 1 })
  const entries = fc.array(
    fc.record({
      producerId: int64,
      epoch: fc.integer({ min: -1, max: 32_767 }),
      lastSequence: int32,
      lastOffset: int64,
      offsetDelta: int32,
      timestamp: int64,
      coordinatorEpoch: int32,
      currentTxnFirstOffset: int64,
    }),
  )
  fc.assert(
    fc.property(entries, value => {
      expect(decodeProducerSnapshot(encodeProducerSnapshot(value))).toEqual(value)
    }),
  )
})

test('any flipped bit and any cut is noticed', () => {
  const content = encodeProducerSnapshot([entry, entry])
  for (let bit = 0; bit < content.length * 8; bit++) {
    const damaged = Buffer.from(content)
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    expect(decodeProducerSnapshot(damaged)).toBeUndefined()
  }
  for (let length = 0; length < content.length; length++) {
    expect(decodeProducerSnapshot(content.subarray(0, length))).toBeUndefined()
  }
})
