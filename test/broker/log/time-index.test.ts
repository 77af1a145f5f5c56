import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OpenFiles } from '../../../broker/log/open-files.ts'
import { TimeIndex } from '../../../broker/log/time-index.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const path = '/timeindex'
const base = 50

function anIndex(): { disk: FakeDisk; index: TimeIndex; again: () => TimeIndex } {
  const disk = new FakeDisk()
  const files = new OpenFiles(disk)
  const make = (): TimeIndex => new TimeIndex(files, base, () => path)
  return { disk, index: make(), again: make }
}

test("the bytes are Kafka's: time, then offset to the base", () => {
  const { disk, index } = anIndex()
  index.append(0x0123456789ab, base + 9)
  index.store()
  expect(disk.peek(path).toString('hex')).toBe('00000123456789ab' + '00000009')
})

test('a time that has not grown is left out', () => {
  const { index } = anIndex()
  index.append(100, base)
  index.append(100, base + 1)
  index.append(99, base + 2)
  index.append(101, base + 3)
  expect(index.entries()).toEqual([
    { timestamp: 100, offset: base },
    { timestamp: 101, offset: base + 3 },
  ])
})

test('lookups and truncation equal a linear scan', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 1200 }),
      fc.array(fc.nat(40_000), { maxLength: 20 }),
      fc.nat(1300),
      fc.boolean(),
      (steps, times, cut, released) => {
        const { index, again } = anIndex()
        let timestamp = 0
        let entries = steps.map((step, number) => ({ timestamp: (timestamp += step), offset: base + number }))
        for (const entry of entries) index.append(entry.timestamp, entry.offset)
        if (released) index.release()
        const check = (checked: TimeIndex): void => {
          expect(checked.entries()).toEqual(entries)
          for (const time of times)
            expect(checked.lookup(time)).toEqual(entries.findLast(entry => entry.timestamp <= time))
        }
        check(index)
        index.truncateTo(base + cut)
        entries = entries.filter(({ offset }) => offset < base + cut)
        check(index)
        index.release()
        index.store()
        const opened = again()
        expect(opened.open()).toBe(true)
        check(opened)
      },
    ),
    { numRuns: 40 },
  )
})

test('one place stays free for the entry that closes the segment', () => {
  const { index } = anIndex()
  for (let number = 0; number < 3; number++) index.append(number, base + number)
  expect(index.isFull(12 * 5)).toBe(false)
  index.append(3, base + 3)
  expect(index.isFull(12 * 5)).toBe(true)
})
