import { expect, test } from 'vitest'
import { ShardTimers } from '../../../broker/coordinator/shard-timers.ts'
import { FakeClock } from '../../support/fake-clock.ts'

test('a timer that is pushed back goes off at its last deadline, once', () => {
  const clock = new FakeClock()
  const timers = new ShardTimers(clock)
  const fired: string[] = []
  timers.schedule('a', 100, () => fired.push('first'))
  clock.advance(60)
  timers.schedule('a', 100, () => fired.push('second'))
  expect(clock.pendingTimers).toBe(1)
  clock.advance(99)
  expect(fired).toEqual([])
  clock.advance(1)
  expect(fired).toEqual(['second'])
  clock.advance(1000)
  expect(fired).toEqual(['second'])
  expect(timers.size).toBe(0)
})

test('a timer can be brought forward', () => {
  const clock = new FakeClock()
  const timers = new ShardTimers(clock)
  const fired: string[] = []
  timers.schedule('a', 100, () => fired.push('late'))
  timers.schedule('a', 10, () => fired.push('early'))
  clock.advance(200)
  expect(fired).toEqual(['early'])
})

test('a cancelled timer does not go off, and all can be cancelled', () => {
  const clock = new FakeClock()
  const timers = new ShardTimers(clock)
  const fired: string[] = []
  for (const name of ['a', 'b', 'c']) timers.schedule(name, 10, () => fired.push(name))
  timers.cancel('b')
  clock.advance(5)
  timers.cancelAll()
  clock.advance(50)
  expect(fired).toEqual([])
  expect(clock.pendingTimers).toBe(0)
})
