import { expect, test } from 'vitest'
import { ExpectedFollowers } from '../../../broker/replication/expected-followers.ts'
import { FakeClock } from '../../support/fake-clock.ts'

test('who is expected to ask for more is answered at once, and waits only for moments for a while', () => {
  const clock = new FakeClock()
  const expected = new ExpectedFollowers(clock)
  const answered: string[] = []
  const stop = expected.whileWaiting(2, () => answered.push('two'))
  expected.whileWaiting(3, () => answered.push('three'))
  expect(expected.longestWaitMs(2, 500)).toBe(500)
  expected.expect([2])
  expect(answered).toEqual(['two'])
  expect([
    expected.longestWaitMs(2, 500),
    expected.longestWaitMs(2, 5),
    expected.longestWaitMs(3, 500),
  ]).toEqual([20, 5, 500])
  clock.advance(2000)
  expect(expected.longestWaitMs(2, 500)).toBe(500)
  stop()
  expected.expect([2, 4])
  expect(answered).toEqual(['two'])
})
