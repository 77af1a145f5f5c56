import { describe, expect, test } from 'vitest'
import { ProducerState } from '../../../broker/log/producer-state.ts'
import { accepted, Appender, batchOf, nowMs, refusedAs } from '../../support/producers.ts'

test('batches of one append are checked against those before them, and nothing is kept without taking over', () => {
  const state = new ProducerState()
  const draft = state.draft({ origin: 'client', nowMs })
  expect(draft.add(batchOf({ baseSequence: 0 }), 0)).toEqual(accepted)
  expect(draft.add(batchOf({ baseSequence: 1 }), 1)).toEqual(accepted)
  expect(draft.add(batchOf({ baseSequence: 3 }), 2)).toEqual(refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'))
  expect(state.size).toBe(0)
})

test('data that a coordinator writes has no sequences', () => {
  const log = new Appender()
  const sent = { baseSequence: -1, isTransactional: true }
  expect(log.append(sent, { origin: 'coordinator' })).toEqual(accepted)
  expect(log.append(sent, { origin: 'coordinator' })).toEqual(accepted)
  expect(log.state.firstUnstableOffset).toBe(0)
})

describe('a follower', () => {
  test('takes what its leader has without checks, and ends with the same state', () => {
    const leader = new Appender()
    const follower = new Appender()
    for (const sent of [
      { baseSequence: 7 },
      { baseSequence: 8, records: 4 },
      { producerEpoch: 1, baseSequence: 0, isTransactional: true },
    ]) {
      leader.append(sent)
      follower.append(sent, { origin: 'replication' })
    }
    leader.mark({ producerEpoch: 1 }, { isAbort: true, coordinatorEpoch: 4 })
    follower.mark({ producerEpoch: 1 }, { isAbort: true, coordinatorEpoch: 4 }, { origin: 'replication' })
    expect(follower.state.snapshot()).toEqual(leader.state.snapshot())
    expect(follower.ended).toEqual(leader.ended)
    expect(follower.append({ baseSequence: 99 }, { origin: 'replication' })).toEqual(accepted)
    expect(follower.mark({ producerEpoch: 0 }, {}, { origin: 'replication' })).toEqual(accepted)
  })

  test('that becomes leader knows the duplicates', () => {
    const log = new Appender()
    log.append({ baseSequence: 0 }, { origin: 'replication' })
    expect(log.append({ baseSequence: 0 })).toMatchObject({ kind: 'duplicate', baseOffset: 0 })
  })
})
