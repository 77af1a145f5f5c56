import { expect, test } from 'vitest'
import { FirstBatches } from '../../../broker/log/first-batches.ts'
import { batchOf } from '../../support/producers.ts'

class Asked {
  readonly firstBatches = new FirstBatches()
  nowMs = 1_000_000

  mayBegin(baseSequence: number, { producerId = 1, producerEpoch = 0 } = {}): boolean {
    return this.firstBatches.mayBegin(batchOf({ producerId, producerEpoch, baseSequence }), this.nowMs)
  }
}

test('a batch begins when it comes the second time', () => {
  const asked = new Asked()
  expect(asked.mayBegin(7)).toBe(false)
  expect(asked.mayBegin(7, { producerId: 2 })).toBe(false)
  asked.nowMs += 3_600_000
  expect(asked.mayBegin(7)).toBe(true)
})

test('of several on their way the lowest begins, in whichever order they come', () => {
  const asked = new Asked()
  expect([9, 7, 8, 9].map(sequence => asked.mayBegin(sequence))).toEqual([false, false, false, false])
  expect(asked.mayBegin(7)).toBe(true)
})

test('of an epoch nothing is said by another one', () => {
  const asked = new Asked()
  asked.mayBegin(7)
  expect(asked.mayBegin(7, { producerEpoch: 1 })).toBe(false)
  expect(asked.mayBegin(7, { producerEpoch: 1 })).toBe(true)
})

test('a client that goes on without the lowest one is not held up for ever', () => {
  const asked = new Asked()
  asked.mayBegin(7)
  asked.nowMs += 59_999
  expect([8, 8].map(sequence => asked.mayBegin(sequence))).toEqual([false, false])
  asked.nowMs += 1
  expect([8, 8].map(sequence => asked.mayBegin(sequence))).toEqual([false, true])
})

test('what does not come again is forgotten; beyond a bound nobody is asked to come again', () => {
  const asked = new Asked()
  for (let producerId = 0; producerId < 10_000; producerId++) {
    expect(asked.mayBegin(7, { producerId })).toBe(false)
  }
  expect(asked.mayBegin(7, { producerId: 10_000 })).toBe(true)
  expect(asked.mayBegin(7, { producerId: 5 })).toBe(true)
  asked.firstBatches.expire(asked.nowMs + 59_999)
  expect(asked.mayBegin(7, { producerId: 6 })).toBe(true)
  asked.firstBatches.expire(asked.nowMs + 60_000)
  expect(asked.mayBegin(7, { producerId: 8 })).toBe(false)
})
