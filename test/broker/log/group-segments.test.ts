import fc from 'fast-check'
import { expect, test } from 'vitest'
import { groupSegments } from '../../../broker/log/group-segments.ts'

const limits = { segmentBytes: 100, indexBytes: 1_000_000, indexIntervalBytes: 10 }

function grouped(sizes: readonly number[], changed: Partial<typeof limits> = {}, span = 10): number[][] {
  const segments = sizes.map((sizeInBytes, index) => ({ baseOffset: index * span, sizeInBytes }))
  return groupSegments(segments, sizes.length * span, { ...limits, ...changed }).map(group =>
    group.map(({ sizeInBytes }) => sizeInBytes),
  )
}

test('neighbours stay together as long as they fit one segment', () => {
  expect(grouped([40, 60, 1, 99, 1, 150, 10, 10])).toEqual([[40, 60], [1, 99], [1], [150], [10, 10]])
  expect(grouped([])).toEqual([])
})

test('a group spans no more offsets than an index can express', () => {
  expect(grouped([1, 1, 1], {}, 2 ** 30)).toEqual([[1, 1], [1]])
})

test('the index of a group stays within segment.index.bytes', () => {
  expect(grouped([40, 40, 10], { indexBytes: 60 })).toEqual([[40], [40, 10]])
})

test('no group is so large that putting it in its place takes long', () => {
  expect(grouped(Array.from({ length: 130 }, () => 0)).map(group => group.length)).toEqual([64, 64, 2])
})

test('every segment is in one group, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 200 })), sizes => {
      const groups = grouped(sizes)
      expect(groups.flat()).toEqual(sizes)
      for (const group of groups) {
        if (group.length > 1) expect(group.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(100)
      }
    }),
  )
})
