import { expect, test } from 'vitest'
import { WorkQueue } from '../../../operator/controllers/work-queue.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function aQueue(): { readonly clock: FakeClock; readonly queue: WorkQueue } {
  const clock = new FakeClock()
  return { clock, queue: new WorkQueue(clock, seededRandom(1)) }
}

test('keys come in order and each only once', async () => {
  const { queue } = aQueue()
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
  expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(['a', 'b', 'c'])
  expect(queue.depth).toBe(0)
})

test('a key is on one worker at a time; if it came meanwhile it comes once more', async () => {
  const { queue } = aQueue()
  queue.add('a')
  await queue.take()
  queue.add('a')
  queue.add('a')
  let second: string | undefined
  const next = queue.take().then(key => {
    second = key
  })
  await Promise.resolve()
  expect(second).toBeUndefined()
  queue.done('a')
  await next
  expect(second).toBe('a')
  queue.done('a')
  expect(queue.depth).toBe(0)
})

test('of two delays the shorter holds, and an addition at once makes both needless', async () => {
  const { clock, queue } = aQueue()
  queue.addAfter('a', 1000)
  queue.addAfter('a', 500)
  queue.addAfter('a', 2000)
  clock.advance(499)
  expect(queue.depth).toBe(0)
  clock.advance(1)
  expect(queue.depth).toBe(1)
  await queue.take()
  queue.done('a')
  queue.addAfter('b', 100)
  queue.add('b')
  await queue.take()
  queue.done('b')
  clock.advance(1000)
  expect(queue.depth).toBe(0)
})

test('failures wait longer and longer until one goes well', () => {
  const { queue } = aQueue()
  const delays = [queue.retry('a'), queue.retry('a'), queue.retry('a')]
  expect(delays[1]).toBeGreaterThan(delays[0]!)
  expect(delays[2]).toBeGreaterThan(delays[1]!)
  queue.forgive('a')
  expect(queue.retry('a')).toBeLessThan(delays[1]!)
  expect(queue.retry('b', 5000)).toBe(5000)
})

test('a closed queue ends its takers and takes no more', async () => {
  const { clock, queue } = aQueue()
  const waiting = queue.take()
  queue.addAfter('a', 100)
  queue.close()
  expect(await waiting).toBeUndefined()
  expect(await queue.take()).toBeUndefined()
  expect(clock.pendingTimers).toBe(0)
})
