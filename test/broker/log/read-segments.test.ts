import { describe, expect, test } from 'vitest'
import { aBatch, aLog, append, appendedTo, bytesOf, firstOffset } from '../../support/a-log.ts'

test('begins with the batch that contains the offset', () => {
  const harness = aLog()
  append(harness, aBatch(5))
  append(harness, aBatch(5))
  append(harness, aBatch(5))
  const { log } = harness
  for (const offset of [5, 7, 9]) {
    expect(firstOffset(bytesOf(log.read({ offset, maxBytes: 1e6, minOneBatch: false, upTo: 15 })))).toBe(5)
  }
})

test('ends before the given offset', () => {
  const harness = aLog()
  append(harness, aBatch(5))
  const firstBytes = harness.log.sizeInBytes
  append(harness, aBatch(5))
  const { log } = harness
  expect(bytesOf(log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 5 })).length).toBe(firstBytes)
  expect(bytesOf(log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 7 })).length).toBe(firstBytes)
  expect(bytesOf(log.read({ offset: 5, maxBytes: 1e6, minOneBatch: true, upTo: 5 })).length).toBe(0)
  expect(bytesOf(log.read({ offset: 10, maxBytes: 1e6, minOneBatch: true, upTo: 10 })).length).toBe(0)
})

test('outside of the log there is nothing to read', () => {
  const harness = aLog()
  append(harness, aBatch(5))
  harness.log.advanceHighWatermark(5)
  harness.log.deleteRecordsBefore(3)
  const read = (offset: number) => harness.log.read({ offset, maxBytes: 1e6, minOneBatch: true, upTo: 5 })
  expect(read(2)).toEqual({ error: 'OFFSET_OUT_OF_RANGE' })
  expect(read(6)).toEqual({ error: 'OFFSET_OUT_OF_RANGE' })
  expect(bytesOf(read(3)).length).toBeGreaterThan(0)
  expect(bytesOf(read(5)).length).toBe(0)
})

test('a first batch larger than the limit is given whole or not at all', () => {
  const harness = aLog()
  append(harness, aBatch(100))
  const size = harness.log.sizeInBytes
  append(harness, aBatch(100))
  const { log } = harness
  const whole = log.read({ offset: 0, maxBytes: 50, minOneBatch: true, upTo: 200 })
  expect(bytesOf(whole).length).toBe(size)
  const none = log.read({ offset: 0, maxBytes: 50, minOneBatch: false, upTo: 200 })
  expect([bytesOf(none).length, 'firstBatchIncomplete' in none && none.firstBatchIncomplete]).toEqual([
    0,
    true,
  ])
  // Behind a whole first batch the cut may be anywhere.
  expect(bytesOf(log.read({ offset: 0, maxBytes: size + 7, minOneBatch: false, upTo: 200 })).length).toBe(
    size + 7,
  )
})

test('what is staged is not seen', () => {
  const { log, turn } = aLog()
  appendedTo(log, aBatch(5))
  expect(bytesOf(log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 5 })).length).toBe(0)
  turn.flush()
  expect(bytesOf(log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 5 })).length).toBeGreaterThan(
    0,
  )
})

test('cold bytes are loaded off the loop and count as recent for a while', async () => {
  const harness = aLog({ 'segment.bytes': 40_000_000, 'max.message.bytes': 20_000_000 })
  append(harness, aBatch(1))
  for (let count = 0; count < 3; count++) append(harness, aBatch(['x'.repeat(12_000_000)]))
  const { log, clock } = harness
  const options = { offset: 0, maxBytes: 1000, minOneBatch: true, upTo: 4 }
  const cold = log.read(options)
  if ('error' in cold) throw new Error(cold.error)
  expect(cold.recent).toBe(false)
  const loaded = await cold.load()
  expect(loaded).toEqual(bytesOf(log.read(options)))
  const again = log.read(options)
  expect('recent' in again && again.recent).toBe(true)
  clock.advance(60_000)
  const later = log.read(options)
  expect('recent' in later && later.recent).toBe(false)
})

test('a slice outlives the deletion of its segment', async () => {
  const harness = aLog({ 'segment.bytes': 500, 'retention.bytes': 0, 'file.delete.delay.ms': 0 })
  for (let count = 0; count < 10; count++) append(harness, aBatch(['v'.repeat(100)]))
  const { log, clock, disk } = harness
  const expected = bytesOf(log.read({ offset: 0, maxBytes: 200, minOneBatch: true, upTo: 10 }))
  const slice = log.read({ offset: 0, maxBytes: 200, minOneBatch: true, upTo: 10 })
  log.advanceHighWatermark(10)
  expect(log.deleteOldSegments(clock.nowMs())).toBeGreaterThan(0)
  clock.advance(10_000)
  expect(bytesOf(slice)).toEqual(expected)
  clock.advance(60_000)
  expect(disk.paths().filter(path => path.endsWith('.deleted'))).toEqual([])
})

test('a slice of bytes that were cut off is not given', () => {
  const harness = aLog()
  for (let count = 0; count < 3; count++) append(harness, aBatch(2))
  const slice = harness.log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 6 })
  harness.log.truncateTo(2)
  expect(() => bytesOf(slice)).toThrow('cut')
})

describe('a log with gaps, as compaction leaves it', () => {
  /** Batches of one record at these offsets, three to a segment. */
  function gapped(offsets: readonly number[]) {
    const size = aBatch(1).length
    const harness = aLog({ 'segment.bytes': 3 * size, 'index.interval.bytes': 0 })
    for (const baseOffset of offsets) {
      harness.log.appendAsFollower(aBatch(1, { baseOffset, partitionLeaderEpoch: 0 }))
    }
    harness.turn.flush()
    const { log } = harness
    const offsetsRead = (offset: number, upTo = log.logEndOffset, maxBytes = 1e6): number[] => {
      const bytes = bytesOf(log.read({ offset, maxBytes, minOneBatch: true, upTo }))
      return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) =>
        firstOffset(bytes.subarray(index * size)),
      )
    }
    return { ...harness, offsetsRead }
  }

  test('gives the next batch where the offset is missing', () => {
    const { offsetsRead } = gapped([0, 5, 6])
    expect([1, 4, 5].map(offset => offsetsRead(offset))).toEqual([
      [5, 6],
      [5, 6],
      [5, 6],
    ])
  })

  test('finds it in a later segment', () => {
    const { log, offsetsRead } = gapped([0, 1, 2, 50, 51, 52, 90])
    expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 50, 90])
    expect([3, 49, 53, 89, 90].map(offset => offsetsRead(offset))).toEqual([
      [50, 51, 52],
      [50, 51, 52],
      [90],
      [90],
      [90],
    ])
  })

  test('ends before an offset that is missing', () => {
    const { offsetsRead } = gapped([0, 5, 6, 50])
    expect(offsetsRead(0, 3)).toEqual([0])
    expect(offsetsRead(0, 6)).toEqual([0, 5])
    expect(offsetsRead(0, 20)).toEqual([0, 5, 6])
    expect(offsetsRead(1, 4)).toEqual([])
  })

  test('says when there is more in the next segment, and only then', () => {
    const { log } = gapped([0, 1, 2, 50])
    const ends = (options: { offset?: number; maxBytes?: number; upTo?: number }): boolean => {
      const read = log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 51, ...options })
      return 'endsInOldSegment' in read && read.endsInOldSegment
    }
    expect(ends({})).toBe(true)
    expect(ends({ upTo: 50 })).toBe(false)
    expect(ends({ maxBytes: 100 })).toBe(false)
    expect(ends({ offset: 50 })).toBe(false)
  })
})

test('where turns ended lately is known without looking into an index', () => {
  const harness = aLog({ 'index.interval.bytes': 0 })
  for (let count = 0; count < 50; count++) append(harness, aBatch(2))
  const { log, disk } = harness
  const reads = (offset: number): number => {
    disk.counts.clear()
    log.read({ offset, maxBytes: 1e6, minOneBatch: true, upTo: 100 })
    return disk.counts.get('read') ?? 0
  }
  expect([reads(100), reads(98)]).toEqual([0, 0])
  expect(reads(97)).toBeGreaterThan(0)
})
