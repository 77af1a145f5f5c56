import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BufferPool, type PooledBuffer } from '../../../broker/network/buffer-pool.ts'

test('a buffer is at least as large as asked, and at most twice that', () => {
  const pool = new BufferPool()
  for (const asked of [1, 1023, 1024, 1025, 4096, 4097, 100_000, 2 ** 20, 2 ** 26]) {
    const { bytes } = pool.take(asked)
    expect(bytes.length).toBeGreaterThanOrEqual(asked)
    expect(bytes.length).toBeLessThanOrEqual(Math.max(1024, 2 * asked))
  }
})

test('a buffer that was given back is given out again', () => {
  const pool = new BufferPool()
  const first = pool.take(5000)
  pool.give(first)
  expect(pool.take(6000)).toBe(first)
})

test('a buffer cannot be given back twice', () => {
  const pool = new BufferPool()
  const pooled = pool.take(100)
  pool.give(pooled)
  expect(() => pool.give(pooled)).toThrow('twice')
})

test('very large buffers are made to measure and never kept', () => {
  const pool = new BufferPool()
  const large = pool.take(2 ** 26 + 1)
  expect(large.bytes.length).toBe(2 ** 26 + 1)
  pool.give(large)
  expect(pool.retainedBytes).toBe(0)
})

test('no more is kept than the limit allows', () => {
  const pool = new BufferPool(10_000)
  const taken = Array.from({ length: 20 }, () => pool.take(1024))
  for (const pooled of taken) pool.give(pooled)
  expect(pool.retainedBytes).toBeLessThanOrEqual(10_000)
  expect(pool.takenBytes).toBe(0)
})

test('trimming lets go of what nobody needed since the last time', () => {
  const pool = new BufferPool()
  const taken = Array.from({ length: 10 }, () => pool.take(1024))
  for (const pooled of taken) pool.give(pooled)
  pool.trim()
  expect(pool.retainedBytes).toBe(10 * 1024)
  const [one, two] = [pool.take(1024), pool.take(1024)]
  pool.give(one)
  pool.give(two)
  pool.trim()
  expect(pool.retainedBytes).toBe(2 * 1024)
  pool.trim()
  expect(pool.retainedBytes).toBe(0)
})

test('no two takers ever hold the same bytes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(300_000), fc.constant('give' as const)), { maxLength: 200 }),
      steps => {
        const pool = new BufferPool(500_000)
        const held: PooledBuffer[] = []
        for (const step of steps) {
          if (step === 'give') {
            const pooled = held.shift()
            if (pooled !== undefined) pool.give(pooled)
          } else {
            const pooled = pool.take(step)
            expect(held.includes(pooled)).toBe(false)
            held.push(pooled)
          }
        }
        expect(pool.takenBytes).toBe(held.reduce((sum, { bytes }) => sum + bytes.length, 0))
      },
    ),
  )
})
