import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { divergenceOffset, LeaderEpochs } from '../../../broker/log/leader-epochs.ts'

function epochsOf(...entries: [epoch: number, startOffset: number][]): LeaderEpochs {
  const epochs = new LeaderEpochs()
  for (const [epoch, startOffset] of entries) epochs.assign(epoch, startOffset)
  return epochs
}

const pairs = (epochs: LeaderEpochs) => epochs.entries.map(({ epoch, startOffset }) => [epoch, startOffset])

describe('assigning', () => {
  test('an epoch is noted once, where it begins', () => {
    expect(pairs(epochsOf([1, 0], [1, 10], [2, 20], [2, 20], [2, 25]))).toEqual([
      [1, 0],
      [2, 20],
    ])
  })

  test('newer entries that contradict give way', () => {
    expect(pairs(epochsOf([1, 0], [3, 10], [5, 20], [4, 15]))).toEqual([
      [1, 0],
      [3, 10],
      [4, 15],
    ])
    expect(pairs(epochsOf([1, 0], [3, 10], [4, 10]))).toEqual([
      [1, 0],
      [4, 10],
    ])
    expect(pairs(epochsOf([1, 5], [2, 0]))).toEqual([[2, 0]])
  })

  test('no epoch, as of a producer, is not noted', () => {
    expect(pairs(epochsOf([-1, 0]))).toEqual([])
  })

  test('epochs and offsets always grow strictly', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(10), fc.nat(50))), entries => {
        const { entries: found } = epochsOf(...entries)
        for (const [index, { epoch, startOffset }] of found.entries()) {
          const next = found[index + 1]
          if (next !== undefined) expect(next.epoch > epoch && next.startOffset > startOffset).toBe(true)
        }
      }),
    )
  })
})

describe('where an epoch ends', () => {
  const epochs = epochsOf([2, 10], [4, 20], [7, 50])

  test.each([
    [7, { epoch: 7, endOffset: 100 }],
    [8, { epoch: -1, endOffset: -1 }],
    [-1, { epoch: -1, endOffset: -1 }],
    [0, { epoch: 0, endOffset: 10 }],
    [1, { epoch: 1, endOffset: 10 }],
    [2, { epoch: 2, endOffset: 20 }],
    [3, { epoch: 2, endOffset: 20 }],
    [4, { epoch: 4, endOffset: 50 }],
    [6, { epoch: 4, endOffset: 50 }],
  ])('epoch %d', (epoch, end) => {
    expect(epochs.endOffsetFor(epoch, 100)).toEqual(end)
  })

  test('without any epoch nothing can be said', () => {
    expect(new LeaderEpochs().endOffsetFor(0, 100)).toEqual({ epoch: -1, endOffset: -1 })
  })

  test('the epoch of an offset is that of the last start at or before it', () => {
    expect([9, 10, 19, 20, 60].map(offset => epochs.epochOf(offset))).toEqual([-1, 2, 2, 4, 7])
  })
})

describe('cutting', () => {
  test('at the end drops what begins there or later', () => {
    const epochs = epochsOf([1, 0], [2, 10], [3, 20])
    epochs.saved()
    epochs.truncateFromEnd(21)
    expect(epochs.isDirty).toBe(false)
    epochs.truncateFromEnd(20)
    expect(pairs(epochs)).toEqual([
      [1, 0],
      [2, 10],
    ])
    expect(epochs.isDirty).toBe(true)
  })

  test('at the start keeps the epoch of the first record that is left', () => {
    const epochs = epochsOf([1, 0], [2, 10], [3, 20])
    epochs.truncateFromStart(15)
    expect(pairs(epochs)).toEqual([
      [2, 15],
      [3, 20],
    ])
    epochs.truncateFromStart(20)
    expect(pairs(epochs)).toEqual([[3, 20]])
    epochs.truncateFromStart(100)
    expect(pairs(epochs)).toEqual([[3, 100]])
  })

  test('below the first entry changes nothing', () => {
    const epochs = epochsOf([1, 10])
    epochs.saved()
    epochs.truncateFromStart(5)
    epochs.truncateFromStart(10)
    expect(epochs.isDirty).toBe(false)
  })
})

describe('where two logs part', () => {
  const log = (endOffset: number, ...entries: [number, number][]) => ({
    epochs: epochsOf(...entries),
    endOffset,
  })

  test('the same epochs agree up to the shorter end', () => {
    expect(divergenceOffset(log(30, [1, 0]), log(20, [1, 0]))).toBe(20)
    expect(divergenceOffset(log(20, [1, 0]), log(30, [1, 0]))).toBe(20)
    expect(divergenceOffset(log(20, [1, 0]), log(30, [1, 0], [2, 20]))).toBe(20)
  })

  test('an epoch that the other never saw is not shared', () => {
    expect(divergenceOffset(log(30, [1, 0], [2, 20]), log(40, [1, 0], [3, 15]))).toBe(15)
    expect(divergenceOffset(log(30, [1, 0], [5, 20]), log(40, [1, 0]))).toBe(20)
  })

  test('without epochs only the ends can be compared', () => {
    expect(divergenceOffset(log(5), log(10))).toBe(5)
  })
})
