import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IndexFile } from '../../../broker/log/index-file.ts'
import { OpenFiles } from '../../../broker/log/open-files.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const path = '/numbers.index'
const entryBytes = 4

function anIndex(disk = new FakeDisk()) {
  const files = new OpenFiles(disk)
  return { disk, index: new IndexFile(files, entryBytes, () => path) }
}

/** Entries 10, 20, 30, … behind those that are there. */
function fill(index: IndexFile, count: number): void {
  for (let added = 0; added < count; added++) {
    const { bytes, at } = index.append()
    bytes.writeInt32BE(index.count * 10, at)
  }
}

function entryOf(index: IndexFile, number: number): number {
  const { bytes, at } = index.entry(number)
  return bytes.readInt32BE(at)
}

function all(index: IndexFile): number[] {
  return Array.from({ length: index.count }, (_, number) => entryOf(index, number))
}

function lastAtMost(index: IndexFile, value: number): number {
  return index.lastWhere((bytes, at) => bytes.readInt32BE(at) <= value)
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => (number + 1) * 10)
}

test('without a file there is nothing, and nothing is made', () => {
  const { index, disk } = anIndex()
  expect(index.open()).toBe(false)
  expect([index.count, lastAtMost(index, 100)]).toEqual([0, -1])
  index.truncate(0)
  index.release()
  expect(disk.paths()).toEqual([])
  expect(() => index.entry(0)).toThrow('must exist')
})

test('a file of an odd size is not believed', () => {
  const { index, disk } = anIndex()
  disk.poke(path, Buffer.alloc(3 * entryBytes + 1))
  expect([index.open(), index.count]).toEqual([false, 3])
})

test('an index without entries has a file once it is stored: it is known to be empty', () => {
  const { index, disk } = anIndex()
  index.store()
  expect(disk.paths()).toEqual([path])
  expect([anIndex(disk).index.open(), index.count]).toEqual([true, 0])
})

// Around what is kept in memory at first and at most, what is written at a time, and what is read at a time.
const turningPoints = [1, 2, 15, 16, 17, 255, 256, 257, 511, 512, 513, 767, 768, 769, 1024, 1500]

describe.each(turningPoints)('%i entries', count => {
  test.each(['while it grows', 'stored', 'released', 'opened by another'])('are found, %s', when => {
    const { index, disk } = anIndex()
    fill(index, count)
    if (when !== 'while it grows') index.store()
    if (when === 'released') index.release()
    const seen = when === 'opened by another' ? anIndex(disk).index : index
    if (when === 'opened by another') expect(seen.open()).toBe(true)
    expect(all(seen)).toEqual(numbers(count))
    for (const place of new Set([0, 1, count >> 1, count - 256, count - 2, count - 1, count])) {
      if (place < 0) continue
      expect(lastAtMost(seen, place * 10)).toBe(place - 1)
      expect(lastAtMost(seen, place * 10 + 5)).toBe(place - 1)
    }
  })
})

test('a growing index holds back little, and writes much at a time', () => {
  const { index, disk } = anIndex()
  fill(index, 10_000)
  expect(disk.peek(path).length / entryBytes).toBeGreaterThanOrEqual(10_000 - 512)
  expect(disk.counts.get('write')).toBeLessThan(40)
})

test('what did not get to the file is lost with the process', () => {
  const { index, disk } = anIndex()
  fill(index, 700)
  disk.kill()
  const again = anIndex(disk).index
  expect(again.open()).toBe(true)
  expect(all(again)).toEqual(numbers(again.count))
})

test('released it holds no descriptor, and goes on where it was', () => {
  const { index, disk } = anIndex()
  fill(index, 20)
  index.release()
  expect(disk.openFiles).toBe(0)
  fill(index, 20)
  expect(all(index)).toEqual(numbers(40))
  index.store()
  expect(disk.peek(path).length).toBe(40 * entryBytes)
})

test('closed without storing it writes nothing', () => {
  const { index, disk } = anIndex()
  fill(index, 20)
  index.close()
  expect(disk.counts.get('write')).toBeUndefined()
})

test('cleared it has an empty file, also when that was never opened', () => {
  const { index, disk } = anIndex()
  disk.poke(path, Buffer.alloc(100, 1))
  index.clear()
  expect([index.count, disk.peek(path).length]).toEqual([0, 0])
  fill(index, 3)
  index.clear()
  fill(index, 2)
  index.store()
  expect(disk.peek(path).length).toBe(2 * entryBytes)
})

test('what somebody cut off the file reads as the smallest of entries', () => {
  const { index, disk } = anIndex()
  fill(index, 600)
  index.release()
  disk.poke(path, disk.peek(path).subarray(0, 10 * entryBytes))
  expect([entryOf(index, 9), entryOf(index, 10)]).toEqual([100, 0])
})

test('an entry that finds no room on the disk is not there, and the next one has its place', () => {
  const { index, disk } = anIndex()
  fill(index, 512)
  disk.capacityBytes = 100
  expect(() => index.append()).toThrow('full')
  expect([index.count, entryOf(index, 511)]).toEqual([512, 5120])
  disk.capacityBytes = Number.POSITIVE_INFINITY
  fill(index, 600)
  index.store()
  const again = anIndex(disk).index
  expect(again.open()).toBe(true)
  expect(all(again)).toEqual(numbers(1112))
})

test('whatever is added, cut and given back, it is as a list would be', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('fill' as const), count: fc.integer({ min: 0, max: 700 }) }),
    fc.record({ kind: fc.constant('truncate' as const), count: fc.integer({ min: 0, max: 1500 }) }),
    fc.record({
      kind: fc.constantFrom('store' as const, 'release' as const, 'reopen' as const, 'clear' as const),
    }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), steps => {
      const { index: first, disk } = anIndex()
      let index = first
      let count = 0
      for (const action of steps) {
        if (action.kind === 'fill') {
          fill(index, action.count)
          count += action.count
        } else if (action.kind === 'truncate') {
          index.truncate(action.count)
          count = Math.min(count, action.count)
        } else if (action.kind === 'store') index.store()
        else if (action.kind === 'release') index.release()
        else if (action.kind === 'clear') {
          index.clear()
          count = 0
        } else {
          index.store()
          index = anIndex(disk).index
          expect(index.open()).toBe(true)
        }
      }
      expect(all(index)).toEqual(numbers(count))
      expect(lastAtMost(index, count * 5)).toBe(Math.floor(count / 2) - 1)
    }),
    { numRuns: 100 },
  )
})
