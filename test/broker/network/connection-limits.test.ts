import { expect, test } from 'vitest'
import {
  ConnectionCounts,
  type CountLimits,
  parseOverrides,
  plainAddress,
} from '../../../broker/network/connection-limits.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const none: CountLimits = { total: 1e9, perAddress: 1e9, overrides: '', creationRate: 2 ** 31 - 1 }

test('the total and the count from one address are bounded, and leaving makes room', () => {
  const counts = new ConnectionCounts(new FakeClock(), () => ({ ...none, total: 3, perAddress: 2 }))
  expect(counts.enter('10.0.0.1')).toEqual({ delayMs: 0 })
  expect(counts.enter('10.0.0.1')).toEqual({ delayMs: 0 })
  expect(counts.enter('10.0.0.1')).toEqual({ refused: 'address' })
  expect(counts.enter('10.0.0.2')).toEqual({ delayMs: 0 })
  expect(counts.enter('10.0.0.3')).toEqual({ refused: 'connections' })
  counts.leave('10.0.0.1')
  expect(counts.enter('10.0.0.3')).toEqual({ delayMs: 0 })
  expect(counts.open).toBe(3)
})

test('an address may have a limit of its own', () => {
  const limits = { ...none, perAddress: 1, overrides: '10.0.0.9:2, localhost:0' }
  const counts = new ConnectionCounts(new FakeClock(), () => limits)
  expect(counts.enter('10.0.0.9')).toEqual({ delayMs: 0 })
  expect(counts.enter('10.0.0.9')).toEqual({ delayMs: 0 })
  expect(counts.enter('10.0.0.9')).toEqual({ refused: 'address' })
  expect(counts.enter('127.0.0.1')).toEqual({ refused: 'address' })
})

test('connections that come faster than the rate wait their turn, and those that would wait too long are refused', () => {
  const clock = new FakeClock()
  const counts = new ConnectionCounts(clock, () => ({ ...none, creationRate: 2 }))
  const delays = Array.from({ length: 5 }, () => counts.enter('10.0.0.1'))
  expect(delays).toEqual([
    { delayMs: 0 },
    { delayMs: 0 },
    { delayMs: 500 },
    { delayMs: 1000 },
    { delayMs: 1500 },
  ])
  for (let i = 0; i < 30; i++) counts.enter('10.0.0.1')
  expect(counts.enter('10.0.0.1')).toEqual({ refused: 'rate' })
  clock.advance(60_000)
  expect(counts.enter('10.0.0.1')).toEqual({ delayMs: 0 })
})

test('an IPv4 address on an IPv6 socket is the same address', () => {
  expect(plainAddress('::ffff:10.0.0.1')).toBe('10.0.0.1')
  expect(plainAddress('::1')).toBe('::1')
  expect([...parseOverrides('[::1]:5,::ffff:10.0.0.1:6,nonsense')]).toEqual([
    ['::1', 5],
    ['10.0.0.1', 6],
  ])
})
