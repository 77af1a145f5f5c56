import { expect, test } from 'vitest'
import { every, sleep } from '../../runtime/clock.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('sleep ends when the time has passed', async () => {
  const clock = new FakeClock()
  let woke = false
  const sleeping = sleep(clock, 100).then(() => {
    woke = true
  })
  clock.advance(99)
  await Promise.resolve()
  expect(woke).toBe(false)
  clock.advance(1)
  await sleeping
  expect(woke).toBe(true)
})

test('an aborted sleep rejects with the reason and leaves no timer', async () => {
  const clock = new FakeClock()
  const abort = new AbortController()
  const sleeping = sleep(clock, 100, abort.signal)
  abort.abort(new Error('stopping'))
  await expect(sleeping).rejects.toThrow('stopping')
  expect(clock.pendingTimers).toBe(0)
})

test('a periodic job runs until it is cancelled, also from within', () => {
  const clock = new FakeClock()
  let runs = 0
  const timer = every(clock, 10, () => {
    runs++
    if (runs === 3) timer.cancel()
  })
  clock.advance(100)
  expect(runs).toBe(3)
  expect(clock.pendingTimers).toBe(0)
})
