import { beforeEach, expect, test } from 'vitest'
import { HeaderScan } from '../../../broker/log/header-scan.ts'
import { OpenFiles } from '../../../broker/log/open-files.ts'
import { SegmentIndexes } from '../../../broker/log/segment-indexes.ts'
import { RecordBatchView } from '../../../protocol/index.ts'
import { aBatch } from '../../support/a-log.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const baseOffset = 100
const batchBytes = aBatch(1).length

let disk: FakeDisk
let log: Buffer

beforeEach(() => {
  disk = new FakeDisk()
  log = Buffer.alloc(0)
})

function indexes(intervalBytes = 0): SegmentIndexes {
  return new SegmentIndexes({
    files: new OpenFiles(disk),
    baseOffset,
    intervalBytes,
    pathOf: kind => `/segment.${kind}`,
    writtenBytes: () => log.length,
    scan: from =>
      new HeaderScan(
        (target, at, length, position) => log.copy(target, at, position, position + length),
        from,
        log.length,
      ),
  })
}

/** A batch of one record with this time, at the end of the log. */
function add(to: SegmentIndexes, timestamp: number): void {
  const bytes = aBatch(1, { baseOffset: baseOffset + log.length / batchBytes, maxTimestamp: timestamp })
  const batch = new RecordBatchView(bytes)
  to.note(batch.lastOffset, batch.maxTimestamp, log.length, bytes.length)
  log = Buffer.concat([log, bytes])
}

function filled(intervalBytes = 0): SegmentIndexes {
  const fresh = indexes(intervalBytes)
  fresh.startEmpty()
  for (const timestamp of [30, 10, 50, 50, 40]) add(fresh, timestamp)
  return fresh
}

test('of batches with the same largest time the first one counts', () => {
  const fresh = filled()
  expect([fresh.largestTimestamp, fresh.offsetOfLargestTimestamp]).toEqual([50, 102])
})

test('the first batch has no entry, and a time that has not grown has none', () => {
  const fresh = filled()
  expect(fresh.offsets.entries().map(({ offset }) => offset)).toEqual([101, 102, 103, 104])
  expect(fresh.times.entries()).toEqual([
    { timestamp: 30, offset: 100 },
    { timestamp: 50, offset: 102 },
  ])
})

test('nothing is opened before it is asked for', () => {
  filled().finish()
  disk.counts.clear()
  const again = indexes()
  expect(disk.counts.size).toBe(0)
  expect([again.largestTimestamp, again.offsets.count]).toEqual([50, 4])
})

test.each([
  ['missing', 'index', undefined],
  ['missing', 'timeindex', undefined],
  ['of an odd size', 'index', Buffer.alloc(5)],
  ['sized in advance and full of zeros', 'timeindex', Buffer.alloc(1200)],
  ['pointing beyond the log', 'index', Buffer.from('0000000100ffffff', 'hex')],
])('an index that is %s is made anew from the log: .%s', (_, kind, content) => {
  const original = filled()
  const expected = [original.offsets.entries(), original.times.entries()]
  original.finish()
  if (content === undefined) disk.unlink(`/segment.${kind}`)
  else disk.poke(`/segment.${kind}`, content)
  const again = indexes()
  expect([again.offsets.entries(), again.times.entries()]).toEqual(expected)
  // And stays so: nothing of the old file is left behind the new entries.
  const third = indexes()
  expect([third.offsets.entries(), third.times.entries()]).toEqual(expected)
})

test('an index made anew with wider steps keeps no entry of the old one', () => {
  filled(0).finish()
  disk.unlink('/segment.index')
  const again = indexes(10_000)
  expect([again.offsets.count, again.times.count]).toEqual([0, 1])
  expect(disk.peek('/segment.timeindex').length).toBe(12)
})

test('batches that cannot be indexed end an index that is made anew', () => {
  filled().finish()
  disk.unlink('/segment.index')
  log.writeBigInt64BE(2n ** 33n, 4 * batchBytes)
  expect(indexes().offsets.lastOffset).toBe(103)
})

test('after a cut the largest time is that of what is left, also for the next entry', () => {
  const fresh = filled()
  log = log.subarray(0, 2 * batchBytes)
  fresh.truncateTo(102)
  add(fresh, 35)
  add(fresh, 36)
  expect([fresh.largestTimestamp, fresh.offsetOfLargestTimestamp]).toEqual([36, 103])
  expect(fresh.times.entries()).toEqual([
    { timestamp: 30, offset: 100 },
    { timestamp: 35, offset: 102 },
    { timestamp: 36, offset: 103 },
  ])
})

test('going back to the last entry notes what follows it again', () => {
  const fresh = filled(2 * batchBytes)
  fresh.release()
  const again = indexes(2 * batchBytes)
  const position = again.goBackToLastEntry()
  expect(position).toBe(again.offsets.last()?.position)
  const scan = new HeaderScan(
    (t, at, length, from) => log.copy(t, at, from, from + length),
    position,
    log.length,
  )
  while (scan.next())
    again.note(scan.batch.lastOffset, scan.batch.maxTimestamp, scan.position, scan.batch.sizeInBytes)
  expect([again.largestTimestamp, again.offsets.entries()]).toEqual([50, fresh.offsets.entries()])
})

test('what is closed without a word is not written', () => {
  const fresh = filled()
  fresh.close()
  expect(disk.paths()).toEqual([])
})

test('an offset too far from the base is a bug of the caller', () => {
  const fresh = filled()
  expect(fresh.fits(99)).toBe(false)
  expect(fresh.fits(baseOffset + 2 ** 31 - 1)).toBe(true)
  expect(() => fresh.note(baseOffset + 2 ** 31, 1, 0, 1)).toThrow('far from its base')
})
