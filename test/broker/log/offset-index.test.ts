import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OffsetIndex } from '../../../broker/log/offset-index.ts'
import { OpenFiles } from '../../../broker/log/open-files.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const path = '/index'
const base = 1000

function anIndex(disk = new FakeDisk()): { disk: FakeDisk; index: OffsetIndex; again: () => OffsetIndex } {
  const files = new OpenFiles(disk)
  const make = (): OffsetIndex => new OffsetIndex(files, base, () => path)
  return { disk, index: make(), again: make }
}

/** Entry number i: offsets and positions that grow by uneven steps. */
function entry(number: number): { offset: number; position: number } {
  return { offset: base + number * 3 + (number % 2), position: number * 4096 + (number % 5) }
}

function filled(count: number): ReturnType<typeof anIndex> {
  const made = anIndex()
  for (let number = 0; number < count; number++)
    made.index.append(entry(number).offset, entry(number).position)
  return made
}

test('an empty index sends everybody to the start', () => {
  const { index } = anIndex()
  expect(index.lookup(base + 5)).toEqual({ offset: base, position: 0 })
  expect(index.firstFrom(0)).toBeUndefined()
})

test("the bytes are Kafka's: offset to the base and position, big-endian", () => {
  const { index, disk } = anIndex()
  index.append(base + 7, 4200)
  index.append(base + 0x01020304, 0x05060708)
  index.store()
  expect(disk.peek(path).toString('hex')).toBe('00000007' + '00001068' + '01020304' + '05060708')
})

test('lookups equal a linear scan, wherever the entries are', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2000 }),
      fc.array(fc.integer({ min: -5, max: 6500 }), { maxLength: 30 }),
      fc.boolean(),
      (count, targets, released) => {
        const { index } = filled(count)
        if (released) index.release()
        const entries = Array.from({ length: count }, (_, number) => entry(number))
        for (const target of targets) {
          const offset = base + target
          const expected = entries.findLast(found => found.offset <= offset) ?? { offset: base, position: 0 }
          expect(index.lookup(offset)).toEqual(expected)
          const position = Math.max(0, target * 1200)
          expect(index.firstFrom(position)).toEqual(entries.find(found => found.position >= position))
        }
      },
    ),
    { numRuns: 50 },
  )
})

test('a busy index keeps only its newest entries in memory and writes the others in large pieces', () => {
  const { disk, index } = filled(10_000)
  expect(disk.counts.get('write')).toBeLessThan(50)
  expect(index.count).toBe(10_000)
  expect(index.lookup(entry(3).offset)).toEqual(entry(3))
  expect(index.lookup(entry(9_999).offset)).toEqual(entry(9_999))
})

test('what was released goes on growing and is found again when opened', () => {
  const { index, again } = filled(700)
  index.release()
  for (let number = 700; number < 1500; number++) index.append(entry(number).offset, entry(number).position)
  index.release()
  const opened = again()
  expect(opened.open(10_000_000)).toBe(true)
  expect(opened.count).toBe(1500)
  expect(opened.lastOffset).toBe(entry(1499).offset)
  expect(opened.entries()).toEqual(Array.from({ length: 1500 }, (_, number) => entry(number)))
})

test('truncation drops what is at or beyond the offset, in memory and in the file', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1500 }),
      fc.integer({ min: 0, max: 5000 }),
      fc.boolean(),
      (count, target, released) => {
        const { index, again } = filled(count)
        if (released) index.release()
        index.truncateTo(base + target)
        const expected = Array.from({ length: count }, (_, number) => entry(number)).filter(
          ({ offset }) => offset < base + target,
        )
        expect(index.entries()).toEqual(expected)
        index.append(base + 9000, 90_000_000)
        index.release()
        const opened = again()
        expect(opened.open(100_000_000)).toBe(true)
        expect(opened.entries()).toEqual([...expected, { offset: base + 9000, position: 90_000_000 }])
      },
    ),
    { numRuns: 50 },
  )
})

test('an index that cannot be that of the log is noticed', () => {
  const { disk, index, again } = filled(10)
  expect(again().open(1e6)).toBe(false)
  index.store()
  expect(again().open(1e6)).toBe(true)
  expect(again().open(4096)).toBe(false)
  const good = disk.peek(path)
  disk.poke(path, good.subarray(0, good.length - 3))
  expect(again().open(1e6)).toBe(false)
  // As Kafka leaves it when it dies: sized in advance.
  disk.poke(path, Buffer.concat([good, Buffer.alloc(80)]))
  expect(again().open(1e6)).toBe(false)
})

test('is full when it has the entries that fit', () => {
  const { index } = filled(9)
  expect(index.isFull(80)).toBe(false)
  index.append(entry(9).offset, entry(9).position)
  expect(index.isFull(80)).toBe(true)
  expect(index.isFull(87)).toBe(true)
  expect(index.isFull(88)).toBe(false)
})
