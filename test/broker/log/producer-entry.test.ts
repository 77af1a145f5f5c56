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

test('sequences before the remembered batches count while they follow each other, also around the end', () => {
  const entry = new ProducerEntry()
  const first = 2 ** 31 - 6
  const sequence = (at: number): number => (first + at) % 2 ** 31
  for (let batch = 0; batch < 10; batch++) entry.remember(sequence(batch * 2 + 1), batch * 4 + 1, 1, 1)
  for (let batch = 0; batch < 5; batch++) {
    expect(entry.forgottenBefore(sequence(batch * 2), sequence(batch * 2 + 1))).toBe(20)
    expect(entry.findBatch(sequence(batch * 2), sequence(batch * 2 + 1))).toBeUndefined()
  }
  expect(entry.forgottenBefore(sequence(10), sequence(11))).toBeUndefined()
  expect(entry.forgottenBefore(sequence(9), sequence(10))).toBeUndefined()
  expect(entry.forgottenBefore(first - 1, first)).toBeUndefined()
  expect(entry.forgottenBefore(sequence(20), sequence(21))).toBeUndefined()
  // A follower has a gap where compaction left one.
  entry.remember(sequence(30), 100, 0, 1)
  for (let batch = 31; batch < 36; batch++) entry.remember(sequence(batch), batch * 10, 0, 1)
  expect(entry.forgottenBefore(sequence(18), sequence(19))).toBeUndefined()
  expect(entry.forgottenBefore(sequence(30), sequence(30))).toBe(310)
})
