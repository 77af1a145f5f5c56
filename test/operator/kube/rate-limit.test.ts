import { expect, test } from 'vitest'
import { RateLimit } from '../../../operator/kube/rate-limit.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

test('a burst goes through, the rest comes at the rate, and nobody while it is closed', async () => {
  const clock = new FakeClock()
  const rate = new RateLimit(clock, { perSecond: 10, burst: 3 })
  let through = 0
  for (let index = 0; index < 6; index++) void rate.take().then(() => through++)
  await until(() => through === 3, 'the burst is through')
  for (const expected of [4, 5]) {
    await until(() => clock.pendingTimers === 1, 'somebody waits')
    clock.advance(100)
    await until(() => through === expected, 'one more is through')
  }
  rate.closeFor(5000)
  await until(() => clock.pendingTimers === 1, 'somebody waits')
  clock.advance(4999)
  await until(() => clock.pendingTimers === 1, 'it still waits')
  expect(through).toBe(5)
  clock.advance(1)
  await until(() => through === 6, 'the last is through')
})

test('who gives up waiting does not hold up others', async () => {
  const clock = new FakeClock()
  const rate = new RateLimit(clock, { perSecond: 10, burst: 1 })
  await rate.take()
  const abort = new AbortController()
  const given = rate.take(abort.signal).catch(() => 'gave up')
  const next = rate.take()
  await until(() => clock.pendingTimers === 1, 'somebody waits')
  abort.abort()
  expect(await given).toBe('gave up')
  await until(() => clock.pendingTimers === 1, 'the next waits')
  clock.advance(100)
  await next
})
