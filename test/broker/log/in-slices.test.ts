import { expect, test } from 'vitest'
import { atMostAtOnce, inSlices } from '../../../broker/log/in-slices.ts'
import { type Deferred, deferred } from '../../../runtime/deferred.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

test('the loop is held for a few milliseconds at a time', async () => {
  const clock = new FakeClock()
  const done: number[] = []
  // Each item takes two milliseconds.
  const all = inSlices(clock, [1, 2, 3, 4, 5], item => {
    done.push(item)
    clock.advance(2)
  })
  expect(done).toEqual([1, 2])
  clock.advance(0)
  await until(() => done.length === 4, 'the second slice')
  clock.advance(0)
  await all
  expect(done).toEqual([1, 2, 3, 4, 5])
})

test('it stops when it is told to, and rejects with what the job throws', async () => {
  const stop = new AbortController()
  const done: number[] = []
  const job = (item: number): void => {
    done.push(item)
    if (item === 2) stop.abort()
  }
  await inSlices(new FakeClock(), [1, 2, 3], job, stop.signal)
  expect(done).toEqual([1, 2])
  await expect(
    inSlices(new FakeClock(), [1], () => {
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
})

test('so many at once and no more, to the first failure', async () => {
  const running = new Map<number, Deferred<void>>()
  const all = atMostAtOnce(2, [1, 2, 3, 4, 5], item => {
    const end = deferred<void>()
    running.set(item, end)
    return end.promise
  })
  expect([...running.keys()]).toEqual([1, 2])
  running.get(1)!.resolve()
  await until(() => running.has(3), 'the third')
  expect(running.has(4)).toBe(false)
  running.get(2)!.reject(new Error('second failed'))
  running.get(3)!.resolve()
  await expect(all).rejects.toThrow('second failed')
  expect(running.size).toBe(3)
})
