import { expect, test } from 'vitest'
import { IoLimit } from '../../../broker/log/io-limit.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

function aLimit(bytesPerSecond: number) {
  const clock = new FakeClock()
  const state = { bytesPerSecond, isStopped: false }
  const limit = new IoLimit(
    clock,
    () => state.bytesPerSecond,
    () => state.isStopped,
  )
  return { clock, state, limit }
}

/** Milliseconds until the wait is over, in steps. */
async function waited(clock: FakeClock, wait: Promise<void> | undefined, stepMs = 50): Promise<number> {
  let isDone = wait === undefined
  void wait?.then(() => {
    isDone = true
  })
  const from = clock.monotonicMs()
  while (!isDone) {
    await until(() => isDone || clock.pendingTimers > 0, 'a timer')
    if (!isDone) clock.advance(stepMs)
  }
  return clock.monotonicMs() - from
}

test('without a limit nobody waits', () => {
  expect(aLimit(Number.MAX_VALUE).limit.spend(1e12)).toBeUndefined()
})

test('who spends more than time allows waits for it', async () => {
  const { clock, limit } = aLimit(1000)
  const ms = await waited(clock, limit.spend(2000))
  expect(ms).toBeGreaterThanOrEqual(1990)
  expect(ms).toBeLessThanOrEqual(2050)
  clock.advance(1000)
  // A second of rest is not saved up.
  expect(limit.spend(5)).toBeUndefined()
  expect(limit.spend(1000)).not.toBeUndefined()
})

test('a higher limit is felt while waiting, as is being told to stop', async () => {
  const { clock, state, limit } = aLimit(1)
  const wait = limit.spend(1_000_000)
  state.bytesPerSecond = 1_000_000
  expect(await waited(clock, wait, 500)).toBeLessThanOrEqual(1500)
  state.bytesPerSecond = 1
  const other = limit.spend(1_000_000)
  state.isStopped = true
  expect(await waited(clock, other, 500)).toBeLessThanOrEqual(1000)
})
