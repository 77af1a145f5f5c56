import { expect, test } from 'vitest'
import { type Holder, MemoryBudget } from '../../../broker/network/memory-budget.ts'
import { FakeClock } from '../../support/fake-clock.ts'

class TestHolder implements Holder {
  charged = 0
  lastMovedMs = 0
  woken = 0
  evicted: string | undefined
  readonly #budget: MemoryBudget

  constructor(budget: MemoryBudget) {
    this.#budget = budget
  }

  roomAgain(): void {
    this.woken++
  }

  evict(reason: string): void {
    this.evicted = reason
    this.#budget.leave(this)
  }
}

function aBudget(limit: number): { clock: FakeClock; budget: MemoryBudget; holder: () => TestHolder } {
  const clock = new FakeClock()
  const budget = new MemoryBudget({ limit, clock, stalledMs: 10_000 })
  return { clock, budget, holder: () => new TestHolder(budget) }
}

test('what is charged counts until it is given back', () => {
  const { budget, holder } = aBudget(100)
  const one = holder()
  const other = holder()
  budget.charge(one, 60)
  budget.charge(other, 30)
  budget.charge(one, 10)
  expect(budget.used).toBe(40)
  expect(budget.room).toBe(60)
  budget.leave(one)
  budget.leave(other)
  expect(budget.used).toBe(0)
})

test('those in line are woken in order as soon as there is room', () => {
  const { budget, holder } = aBudget(100)
  const large = holder()
  const waiting = [holder(), holder()]
  budget.charge(large, 100)
  for (const one of waiting) budget.standInLine(one)
  expect(waiting.map(one => budget.allows(one))).toEqual([false, false])
  budget.charge(large, 99)
  expect(waiting.map(one => one.woken)).toEqual([1, 1])
  expect(budget.waiting).toBe(0)
})

test('when all hold parts and none can go on, one at a time may go over the limit', () => {
  const { budget, clock, holder } = aBudget(100)
  const [first, second] = [holder(), holder()]
  budget.charge(first, 50)
  budget.charge(second, 50)
  budget.standInLine(first)
  budget.standInLine(second)
  clock.advance(1000)
  expect([first.woken, second.woken]).toEqual([1, 0])
  expect([budget.allows(first), budget.allows(second)]).toEqual([true, false])
  clock.advance(1000)
  expect(second.woken).toBe(0)
  budget.finished(first)
  clock.advance(1000)
  expect(second.woken).toBe(1)
})

test('whoever holds bytes without moving any is closed while memory is short', () => {
  const { budget, clock, holder } = aBudget(100)
  const stalled = holder()
  const moving = holder()
  budget.charge(stalled, 60)
  budget.charge(moving, 60)
  clock.advance(9000)
  moving.lastMovedMs = clock.monotonicMs()
  clock.advance(1000)
  expect(stalled.evicted).toContain('moved no byte for 10000 ms')
  expect(moving.evicted).toBeUndefined()
  expect(budget.evictions).toBe(1)
})

test('nobody is closed while there is room, however long nothing moves', () => {
  const { budget, clock, holder } = aBudget(100)
  const quiet = holder()
  budget.charge(quiet, 99)
  clock.advance(3_600_000)
  expect(quiet.evicted).toBeUndefined()
  expect(clock.pendingTimers).toBe(0)
})

test('the watch ends with the shortage', () => {
  const { budget, clock, holder } = aBudget(100)
  const one = holder()
  budget.charge(one, 200)
  expect(clock.pendingTimers).toBe(1)
  budget.charge(one, 0)
  clock.advance(1000)
  expect(clock.pendingTimers).toBe(0)
})
