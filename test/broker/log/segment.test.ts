import { expect, test } from 'vitest'
import { OpenFiles } from '../../../broker/log/open-files.ts'
import { Segment } from '../../../broker/log/segment.ts'
import { RecordBatchView } from '../../../protocol/index.ts'
import { aBatch } from '../../support/a-log.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

function aSegment(baseOffset = 100, indexIntervalBytes = 200) {
  const disk = new FakeDisk()
  const options = {
    files: new OpenFiles(disk),
    directory: '/',
    baseOffset,
    indexIntervalBytes,
    createdAtMs: 0,
  }
  const segment = Segment.create(options)
  const open = (): Segment =>
    Segment.open({ ...options, sizeInBytes: disk.stat(segment.path('log'))?.sizeInBytes ?? 0 })
  return { disk, segment, open }
}

/** Batches of three records, each at the offset where the one before ended, times growing by ten. */
function fill(segment: Segment, count: number, gap = 0): number[] {
  const offsets: number[] = []
  let baseOffset = segment.baseOffset
  for (let number = 0; number < count; number++) {
    const bytes = aBatch(3, { baseOffset, maxTimestamp: 1000 + number * 10 })
    const batch = new RecordBatchView(bytes)
    segment.noteBatch(batch.lastOffset, batch.maxTimestamp, bytes.length)
    segment.write(bytes, 0, bytes.length)
    offsets.push(baseOffset)
    baseOffset = batch.nextOffset + gap
  }
  segment.publishTo(segment.writtenBytes)
  return offsets
}

test('finds the batch that contains an offset, or the next one where there is a gap', () => {
  const { segment } = aSegment()
  const offsets = fill(segment, 30, 2)
  for (const [number, offset] of offsets.entries()) {
    for (const asked of [offset - 1, offset, offset + 2]) {
      expect(segment.find(Math.max(asked, 100))?.batch.baseOffset).toBe(offset)
    }
    expect(segment.find(offset + 3)?.batch.baseOffset).toBe(offsets[number + 1])
  }
})

test('an entry is added when more than the interval came since the last', () => {
  const { segment } = aSegment(100, 200)
  fill(segment, 10)
  const size = aBatch(3).length
  const between = Math.floor(200 / size) + 1
  expect(segment.offsets.entries()).toEqual(
    Array.from({ length: Math.ceil(10 / between) - 1 }, (_, number) => {
      const batch = (number + 1) * between
      return { offset: 100 + batch * 3 + 2, position: batch * size }
    }),
  )
  expect(segment.times.entries().map(({ offset }) => offset)).toEqual(
    segment.offsets.entries().map(({ offset }) => offset),
  )
})

test('a closed segment ends its time index with the largest time of all', () => {
  const { segment, open } = aSegment(100, 10_000)
  fill(segment, 10)
  expect(segment.times.count).toBe(0)
  segment.becomeInactive()
  const again = open()
  expect([again.largestTimestamp, again.offsetOfLargestTimestamp]).toEqual([1090, 129])
})

test('the end is read from the last index entry on', () => {
  const { segment, disk, open } = aSegment()
  fill(segment, 30)
  segment.release()
  const before = disk.counts.get('read') ?? 0
  const again = open()
  expect(again.readEnd()).toEqual({ nextOffset: 190, problem: undefined })
  expect((disk.counts.get('read') ?? 0) - before).toBeLessThan(8)
  expect(again.largestTimestamp).toBe(1290)
})

test('a cut may leave half a batch out and changes sizes, indexes and times', () => {
  const { segment } = aSegment()
  fill(segment, 30)
  segment.truncateTo(150)
  const size = aBatch(3).length
  expect([segment.sizeInBytes, segment.writtenBytes, segment.readableBytes]).toEqual([
    16 * size,
    16 * size,
    16 * size,
  ])
  expect(segment.largestTimestamp).toBe(1150)
  expect(segment.offsets.lastOffset).toBeLessThan(148)
  segment.truncateTo(100)
  expect([segment.sizeInBytes, segment.largestTimestamp, segment.offsets.count]).toEqual([0, -1, 0])
})

test('files are renamed together and removed together', () => {
  const { segment, disk } = aSegment()
  fill(segment, 10)
  segment.becomeInactive()
  segment.transactions.append({ producerId: 1, firstOffset: 100, lastOffset: 101, lastStableOffset: 102 })
  segment.changeSuffix('.deleted')
  expect(disk.paths()).toEqual(
    ['index', 'log', 'timeindex', 'txnindex'].map(kind => `/00000000000000000100.${kind}.deleted`),
  )
  expect(segment.find(105)?.batch.baseOffset).toBe(103)
  segment.deleteFiles()
  expect(disk.paths()).toEqual([])
  expect(disk.openFiles).toBe(0)
})

test('what stands in the way of a new segment is emptied', () => {
  const { segment, disk } = aSegment()
  fill(segment, 10)
  segment.release()
  const files = new OpenFiles(disk)
  const fresh = Segment.create({
    files,
    directory: '/',
    baseOffset: 100,
    indexIntervalBytes: 200,
    createdAtMs: 0,
  })
  expect([fresh.sizeInBytes, disk.peek('/00000000000000000100.log').length]).toEqual([0, 0])
})
