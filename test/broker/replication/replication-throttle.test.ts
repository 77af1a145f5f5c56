import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isThrottled, ReplicationThrottle } from '../../../broker/replication/replication-throttle.ts'
import { FakeClock } from '../../support/fake-clock.ts'

test('debt is paid back at the rate, and what was not used is kept for a second', () => {
  const clock = new FakeClock()
  const throttle = new ReplicationThrottle(clock, () => 1000)
  expect(throttle.pauseMs()).toBe(0)
  throttle.take(500)
  expect(throttle.pauseMs()).toBe(500)
  clock.advance(500)
  expect(throttle.pauseMs()).toBe(0)
  clock.advance(60_000)
  throttle.take(1000)
  expect(throttle.pauseMs()).toBe(0)
  throttle.take(1)
  expect(throttle.pauseMs()).toBe(1)
})

test('who waits for the pauses never gets more than the rate, a second of it and one read', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 50 }), reads => {
      const clock = new FakeClock()
      const throttle = new ReplicationThrottle(clock, () => 1000)
      let taken = 0
      for (const bytes of reads) {
        while (throttle.pauseMs() > 0) clock.advance(throttle.pauseMs())
        expect(taken).toBeLessThanOrEqual(clock.monotonicMs() + 1000)
        throttle.take(bytes)
        taken += bytes
      }
    }),
  )
})

test('a rate of nothing holds until it is raised', () => {
  const clock = new FakeClock()
  let rate = 0
  const throttle = new ReplicationThrottle(clock, () => rate)
  throttle.take(500)
  clock.advance(60_000)
  expect(throttle.pauseMs()).toBe(1000)
  rate = 1000
  clock.advance(1000)
  expect(throttle.pauseMs()).toBe(0)
})

test('replicas are named by partition and broker, or all at once', () => {
  expect(isThrottled([], 0, 1)).toBe(false)
  expect(isThrottled(['*'], 7, 3)).toBe(true)
  expect(isThrottled(['0:1', '1:2'], 1, 2)).toBe(true)
  expect(isThrottled(['0:1', '1:2'], 1, 1)).toBe(false)
})
