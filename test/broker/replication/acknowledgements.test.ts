import { expect, test } from 'vitest'
import { Acknowledgements } from '../../../broker/replication/acknowledgements.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function started() {
  const clock = new FakeClock()
  const outcomes: string[] = []
  const acknowledgements = new Acknowledgements(clock)
  const add = (name: string, offset: number, timeoutMs = 1000) =>
    acknowledgements.add(offset, timeoutMs, outcome => outcomes.push(`${name} ${outcome}`))
  return { clock, outcomes, acknowledgements, add }
}

test('appends are settled in order as the offset moves', () => {
  const { acknowledgements, add, outcomes } = started()
  add('a', 5)
  add('b', 9)
  acknowledgements.reached(4)
  expect(outcomes).toEqual([])
  acknowledgements.reached(5)
  expect(outcomes).toEqual(['a NONE'])
  acknowledgements.reached(20)
  expect(outcomes).toEqual(['a NONE', 'b NONE'])
  expect(acknowledgements.size).toBe(0)
})

test('who waits too long is told that the time is up, once, and is forgotten', () => {
  const { acknowledgements, add, outcomes, clock } = started()
  add('a', 5, 100)
  add('b', 9, 300)
  acknowledgements.reached(0)
  clock.advance(100)
  expect(outcomes).toEqual(['a REQUEST_TIMED_OUT'])
  acknowledgements.reached(9)
  expect(outcomes).toEqual(['a REQUEST_TIMED_OUT', 'b NONE'])
  expect(clock.pendingTimers).toBe(0)
})

test('what is taken back fails those who wait for some of it, the others wait on', () => {
  const { acknowledgements, add, outcomes, clock } = started()
  add('a', 5)
  add('b', 9)
  add('duplicate of a', 5)
  add('c', 10)
  acknowledgements.reached(0)
  acknowledgements.failBeyond(8, 'KAFKA_STORAGE_ERROR')
  expect(outcomes).toEqual(['b KAFKA_STORAGE_ERROR', 'c KAFKA_STORAGE_ERROR'])
  acknowledgements.failBeyond(8, 'KAFKA_STORAGE_ERROR')
  acknowledgements.reached(5)
  expect(outcomes.slice(2)).toEqual(['a NONE', 'duplicate of a NONE'])
  expect([acknowledgements.size, clock.pendingTimers]).toEqual([0, 0])
})

test('lost leadership fails everybody who still waits', () => {
  const { acknowledgements, add, outcomes, clock } = started()
  add('a', 5)
  add('b', 9)
  acknowledgements.reached(5)
  acknowledgements.failAll('NOT_LEADER_OR_FOLLOWER')
  expect(outcomes).toEqual(['a NONE', 'b NOT_LEADER_OR_FOLLOWER'])
  expect(clock.pendingTimers).toBe(0)
})

test('an append settled while another is being settled keeps its turn', () => {
  const { acknowledgements, add, outcomes } = started()
  acknowledgements.add(1, 1000, () => {
    outcomes.push('first NONE')
    add('nested', 1)
  })
  acknowledgements.reached(1)
  expect(outcomes).toEqual(['first NONE', 'nested NONE'])
})
