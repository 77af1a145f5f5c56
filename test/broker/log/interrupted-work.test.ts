import { describe, expect, test } from 'vitest'
import { segmentFileName } from '../../../broker/log/file-names.ts'
import { finishInterruptedWork, planInterruptedWork } from '../../../broker/log/interrupted-work.ts'
import { aBatch } from '../../support/a-log.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const name = segmentFileName

describe('what a stop interrupted', () => {
  test('removals are finished', () => {
    const plan = planInterruptedWork(
      [name(0, 'log', '.deleted'), name(0, 'index', '.deleted'), name(5, 'log')],
      () => 0,
    )
    expect(plan).toEqual({ remove: [name(0, 'log', '.deleted'), name(0, 'index', '.deleted')], rename: [] })
  })

  test('compaction that had not finished writing is undone', () => {
    const plan = planInterruptedWork(
      [name(0, 'log'), name(0, 'log', '.cleaned'), name(0, 'index', '.cleaned')],
      () => 0,
    )
    expect(plan).toEqual({ remove: [name(0, 'log', '.cleaned'), name(0, 'index', '.cleaned')], rename: [] })
  })

  test('compaction that had finished takes its place, and what it replaces goes', () => {
    const plan = planInterruptedWork(
      [
        name(0, 'log'),
        name(0, 'index'),
        name(10, 'log'),
        name(10, 'snapshot'),
        name(20, 'log'),
        name(0, 'log', '.swap'),
        name(0, 'index', '.swap'),
      ],
      () => 20,
    )
    expect(plan.remove).toEqual([name(0, 'log'), name(0, 'index'), name(10, 'log')])
    expect(plan.rename).toEqual([
      { from: name(0, 'log', '.swap'), to: name(0, 'log') },
      { from: name(0, 'index', '.swap'), to: name(0, 'index') },
    ])
  })

  test('a split of which a part is unfinished is undone as a whole', () => {
    const plan = planInterruptedWork(
      [name(0, 'log'), name(0, 'log', '.swap'), name(0, 'log', '.cleaned')],
      () => 20,
    )
    expect(plan).toEqual({ remove: [name(0, 'log', '.cleaned'), name(0, 'log', '.swap')], rename: [] })
  })

  test('compaction that left nothing takes the place of the segment whose base it has', () => {
    const plan = planInterruptedWork(
      [name(0, 'log'), name(0, 'txnindex'), name(10, 'log'), name(0, 'log', '.swap')],
      () => -1,
    )
    expect(plan).toEqual({
      remove: [name(0, 'log'), name(0, 'txnindex')],
      rename: [{ from: name(0, 'log', '.swap'), to: name(0, 'log') }],
    })
  })

  test('a segment that was replaced twice is removed twice', () => {
    const names = [name(0, 'log', '.deleted'), name(0, 'log', '.1.deleted'), name(0, 'log')]
    expect(planInterruptedWork(names, () => 0)).toEqual({ remove: names.slice(0, 2), rename: [] })
  })

  test('an index that was left behind by its segment follows it', () => {
    const plan = planInterruptedWork([name(0, 'log'), name(0, 'index', '.swap')], () => 0)
    expect(plan).toEqual({ remove: [], rename: [{ from: name(0, 'index', '.swap'), to: name(0, 'index') }] })
  })

  test('foreign names are left alone', () => {
    expect(planInterruptedWork(['notes.txt', 'x.deleted', 'partition.metadata'], () => 0)).toEqual({
      remove: [],
      rename: [],
    })
  })
})

test('wherever the finishing itself is interrupted, doing it again ends the same', () => {
  const build = (): FakeDisk => {
    const disk = new FakeDisk()
    disk.makeDirectory('/t-0')
    disk.poke(`/t-0/${name(0, 'log')}`, Buffer.from('old'))
    disk.poke(`/t-0/${name(10, 'log')}`, Buffer.from('old'))
    disk.poke(`/t-0/${name(20, 'log')}`, Buffer.from('later'))
    disk.poke(`/t-0/${name(0, 'log', '.swap')}`, aBatch(20))
    disk.poke(`/t-0/${name(0, 'index', '.swap')}`, Buffer.alloc(8))
    disk.poke(`/t-0/${name(7, 'log', '.deleted')}`, Buffer.alloc(8))
    return disk
  }
  const names = (disk: FakeDisk): string[] => disk.readDirectory('/t-0').map(entry => entry.name)
  const whole = build()
  expect(finishInterruptedWork(whole, '/t-0', names(whole))).toBe(true)
  expect(names(whole).sort()).toEqual([name(0, 'index'), name(0, 'log'), name(20, 'log')])
  expect(whole.peek(`/t-0/${name(0, 'log')}`)).toEqual(aBatch(20))

  for (const operation of ['unlink', 'rename'] as const) {
    for (let after = 0; after < 3; after++) {
      const disk = build()
      const mend = disk.fail(operation, { after })
      try {
        finishInterruptedWork(disk, '/t-0', names(disk))
      } catch {
        // The process is killed here.
      }
      mend()
      finishInterruptedWork(disk, '/t-0', names(disk))
      expect(disk.paths()).toEqual(whole.paths())
      expect(disk.peek(`/t-0/${name(0, 'log')}`)).toEqual(aBatch(20))
    }
  }
})
