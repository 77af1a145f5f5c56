import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from 'node:zlib'
import { BatchCheck, UnreadableLog } from '../../../broker/log/batch-check.ts'
import { aBatch } from '../../support/a-log.ts'

const sharedWindowBytes = 1024

function check(file: Buffer, baseOffset = 0, windowBytes = sharedWindowBytes) {
  const found = new BatchCheck(
    (target, at, length, position) =>
      file.copy(target, at, position, Math.min(file.length, position + length)),
    file.length,
    baseOffset,
    Buffer.alloc(windowBytes),
  )
  const lastOffsets: number[] = []
  while (found.next()) lastOffsets.push(found.batch.lastOffset)
  return { lastOffsets, goodBytes: found.nextPosition, nextOffset: found.nextOffset, problem: found.problem }
}

const three = [aBatch(2), aBatch(3, { baseOffset: 2 }), aBatch(1, { baseOffset: 10 })]
const file = Buffer.concat(three)

describe('whole batches', () => {
  test('are good to the end, gaps between offsets and all', () => {
    expect(check(file)).toEqual({
      lastOffsets: [1, 4, 10],
      goodBytes: file.length,
      nextOffset: 11,
      problem: undefined,
    })
  })

  test('of any size are checked through a small window', () => {
    const large = aBatch(['x'.repeat(10_000)])
    expect(check(Buffer.concat([large, aBatch(1, { baseOffset: 1 })]), 0, 100).lastOffsets).toEqual([0, 1])
    large[9_000]! ^= 1
    expect(check(large, 0, 100)).toMatchObject({ goodBytes: 0, problem: expect.stringContaining('checksum') })
  })

  test('an empty file ends at its base', () => {
    expect(check(Buffer.alloc(0), 77)).toEqual({
      lastOffsets: [],
      goodBytes: 0,
      nextOffset: 77,
      problem: undefined,
    })
  })
})

describe('damage', () => {
  const startOfLast = three[0]!.length + three[1]!.length

  test.each([
    ['a part of a header', file.subarray(0, startOfLast + 40)],
    ['a part of a batch', file.subarray(0, file.length - 1)],
    ['zeros', Buffer.concat([file.subarray(0, startOfLast), Buffer.alloc(5000)])],
    ['another size', Buffer.concat([file.subarray(0, startOfLast), withInt32(three[2]!, 8, 20)])],
    ['a negative size', Buffer.concat([file.subarray(0, startOfLast), withInt32(three[2]!, 8, -1)])],
    ['a huge size', Buffer.concat([file.subarray(0, startOfLast), withInt32(three[2]!, 8, 2 ** 31 - 1)])],
    ['a batch that was there before', Buffer.concat([file.subarray(0, startOfLast), three[1]!])],
    [
      'an offset beyond what an index can say',
      Buffer.concat([file.subarray(0, startOfLast), withInt32(three[2]!, 0, 1)]),
    ],
    [
      'an offset beyond 2^53',
      Buffer.concat([file.subarray(0, startOfLast), withInt32(three[2]!, 0, 2 ** 30)]),
    ],
  ])('%s ends the good part', (_, bytes) => {
    expect(check(bytes)).toMatchObject({ lastOffsets: [1, 4], goodBytes: startOfLast, nextOffset: 5 })
    expect(check(bytes).problem).toMatch(/^At byte \d+ /)
  })

  test('any flipped bit ends the good part at its batch, or changes nothing that is checked', () => {
    fc.assert(
      fc.property(fc.nat(file.length * 8 - 1), bit => {
        const damaged = Buffer.from(file)
        damaged[bit >> 3]! ^= 1 << (bit & 7)
        const { goodBytes } = check(damaged)
        const batchStart = [0, three[0]!.length, startOfLast].findLast(start => start <= bit >> 3)!
        const inBatch = (bit >> 3) - batchStart
        // The base offset and the leader epoch stand outside of the checksum: a change may go unnoticed.
        if (inBatch < 8 || (inBatch >= 12 && inBatch < 16))
          expect(goodBytes).toBeGreaterThanOrEqual(batchStart)
        else expect(goodBytes).toBe(batchStart)
      }),
      { numRuns: 500 },
    )
  })
})

test('a good message of an old format is not cut off: the log is refused', () => {
  const old = Buffer.alloc(40)
  old.writeInt32BE(28, 8)
  old[16] = 1
  old.writeUInt32BE(crc32(old.subarray(16)), 12)
  expect(() => check(old)).toThrow(UnreadableLog)
  old[30]! ^= 1
  expect(check(old).goodBytes).toBe(0)
})

function withInt32(batch: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(batch)
  changed.writeInt32BE(value, at)
  return changed
}
