import { expect, test } from 'vitest'
import { ProducerEntry } from '../../../broker/log/producer-entry.ts'

test('the last five batches are remembered, with their first offset and time', () => {
  const entry = new ProducerEntry()
  for (let batch = 0; batch < 7; batch++) entry.remember(batch * 10 + 9, batch * 10 + 109, 9, 1000 + batch)

  expect(entry.findBatch(0, 9)).toBeUndefined()
  expect(entry.findBatch(10, 19)).toBeUndefined()
  expect(entry.findBatch(20, 29)).toEqual({
    firstSequence: 20,
    lastSequence: 29,
    firstOffset: 120,
    lastOffset: 129,
    timestampMs: 1002,
  })
  expect(entry.findBatch(60, 69)?.firstOffset).toBe(160)
  expect(entry.findBatch(60, 68)).toBeUndefined()
  expect(entry.findBatch(61, 69)).toBeUndefined()
  expect(entry).toMatchObject({
    lastSequence: 69,
    lastDataOffset: 169,
    lastOffsetDelta: 9,
    lastTimestampMs: 1006,
  })
})

test('a batch whose sequences go around is found', () => {
  const entry = new ProducerEntry()
  entry.remember(2, 100, 4, 1)
  expect(entry.findBatch(2 ** 31 - 2, 2)?.firstOffset).toBe(96)
})

test('a copy is independent', () => {
  const entry = new ProducerEntry()
  entry.remember(0, 5, 0, 1)
  const copy = entry.copy()
  copy.remember(1, 6, 0, 2)
  copy.moveToEpoch(3)
  expect(entry.lastSequence).toBe(0)
  expect(entry.epoch).toBe(-1)
  expect(copy.hasBatches).toBe(false)
})
