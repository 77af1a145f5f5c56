import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type DraftOptions,
  type EndMarker,
  type ProducerBatch,
  ProducerState,
} from '../../../broker/log/producer-state.ts'

const nowMs = 1_000_000
const maxSequence = 2 ** 31 - 1

interface Sent extends Partial<ProducerBatch> {
  readonly records?: number
}

function batchOf({ records = 1, ...batch }: Sent): ProducerBatch {
  return {
    producerId: 1,
    producerEpoch: 0,
    baseSequence: 0,
    lastOffsetDelta: records - 1,
    maxTimestamp: nowMs,
    isTransactional: false,
    ...batch,
  }
}

/** A log that only counts offsets. */
class Appender {
  state = new ProducerState()
  nextOffset = 0
  ended: unknown[] = []

  append(sent: Sent, options: Partial<DraftOptions> = {}) {
    const batch = batchOf(sent)
    const draft = this.state.draft({ origin: 'client', nowMs, ...options })
    const verdict = draft.add(batch, this.nextOffset)
    if (verdict.kind === 'accepted') {
      this.ended.push(...draft.takeOver())
      this.nextOffset += batch.lastOffsetDelta + 1
    }
    return verdict
  }

  mark(sent: Sent, marker: Partial<EndMarker> = {}, options: Partial<DraftOptions> = {}) {
    const batch = batchOf({ baseSequence: -1, isTransactional: true, ...sent })
    const draft = this.state.draft({ origin: 'coordinator', nowMs, ...options })
    const verdict = draft.addMarker(batch, this.nextOffset, {
      isAbort: false,
      coordinatorEpoch: 0,
      ...marker,
    })
    if (verdict.kind === 'accepted') {
      this.ended.push(...draft.takeOver())
      this.nextOffset++
    }
    return verdict
  }
}

const accepted = { kind: 'accepted' }
const refusedAs = (error: string) => expect.objectContaining({ kind: 'refused', error })

describe('sequences', () => {
  test('a new producer may begin with any sequence, then they must follow each other', () => {
    const log = new Appender()
    expect(log.append({ baseSequence: 40, records: 3 })).toEqual(accepted)
    expect(log.append({ baseSequence: 43 })).toEqual(accepted)
    expect(log.append({ baseSequence: 45 })).toEqual(refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    expect(log.append({ baseSequence: 44 })).toEqual(accepted)
  })

  test('after the largest sequence comes 0, also inside a batch', () => {
    const log = new Appender()
    log.append({ baseSequence: maxSequence - 1, records: 3 })
    expect(log.append({ baseSequence: 1 })).toEqual(accepted)
    const other = new Appender()
    other.append({ baseSequence: maxSequence })
    expect(other.append({ baseSequence: 0 })).toEqual(accepted)
  })

  test('one of the last five batches is a duplicate, with its first offset and time', () => {
    const log = new Appender()
    for (let batch = 0; batch < 6; batch++)
      log.append({ baseSequence: batch * 2, records: 2, maxTimestamp: batch })
    expect(log.append({ baseSequence: 2, records: 2 })).toEqual({
      kind: 'duplicate',
      baseOffset: 2,
      lastOffset: 3,
      timestampMs: 1,
    })
    expect(log.append({ baseSequence: 10, records: 2 })).toMatchObject({ kind: 'duplicate', baseOffset: 10 })
    expect(log.append({ baseSequence: 0, records: 2 })).toEqual(refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    expect(log.append({ baseSequence: 10, records: 1 })).toEqual(refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'))
  })

  test('producers do not disturb each other', () => {
    const log = new Appender()
    log.append({ producerId: 1, baseSequence: 0 })
    expect(log.append({ producerId: 2, baseSequence: 0 })).toEqual(accepted)
    expect(log.append({ producerId: 1, baseSequence: 1 })).toEqual(accepted)
  })

  test('batches of one append are checked against those before them, and nothing is kept without taking over', () => {
    const state = new ProducerState()
    const draft = state.draft({ origin: 'client', nowMs })
    expect(draft.add(batchOf({ baseSequence: 0 }), 0)).toEqual(accepted)
    expect(draft.add(batchOf({ baseSequence: 1 }), 1)).toEqual(accepted)
    expect(draft.add(batchOf({ baseSequence: 3 }), 2)).toEqual(refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    expect(state.size).toBe(0)
  })
})

describe('epochs', () => {
  test('an older epoch is refused as INVALID_PRODUCER_EPOCH', () => {
    const log = new Appender()
    log.append({ producerEpoch: 3 })
    expect(log.append({ producerEpoch: 2, baseSequence: 1 })).toEqual(refusedAs('INVALID_PRODUCER_EPOCH'))
  })

  test('a new epoch begins at sequence 0', () => {
    const log = new Appender()
    log.append({ producerEpoch: 0, baseSequence: 0 })
    expect(log.append({ producerEpoch: 1, baseSequence: 1 })).toEqual(
      refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    )
    expect(log.append({ producerEpoch: 1, baseSequence: 0 })).toEqual(accepted)
    expect(log.append({ producerEpoch: 1, baseSequence: 1 })).toEqual(accepted)
  })

  test('a batch of an older epoch is no duplicate of one of the new epoch', () => {
    const log = new Appender()
    log.append({ producerEpoch: 0, baseSequence: 0 })
    expect(log.append({ producerEpoch: 1, baseSequence: 0 })).toEqual(accepted)
    expect(log.append({ producerEpoch: 0, baseSequence: 0 })).toEqual(refusedAs('INVALID_PRODUCER_EPOCH'))
  })

  test('where only a marker is known, data of its epoch begins at sequence 0', () => {
    const log = new Appender()
    log.mark({ producerEpoch: 5 })
    expect(log.append({ producerEpoch: 5, baseSequence: 1 })).toEqual(
      refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    )
    expect(log.append({ producerEpoch: 5, baseSequence: 0 })).toEqual(accepted)
  })
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

describe('transactions', () => {
  test('begin with the first transactional batch here and end with the marker', () => {
    const log = new Appender()
    log.append({ producerId: 9 })
    log.append({ isTransactional: true })
    log.append({ isTransactional: true, baseSequence: 1 })
    expect(log.state.firstUnstableOffset).toBe(1)
    expect(log.state.hasOpenTransaction(1, 0)).toBe(true)
    expect(log.state.hasOpenTransaction(1, 1)).toBe(false)
    log.mark({ producerEpoch: 0 }, { isAbort: true })
    expect(log.ended).toEqual([
      { producerId: 1, firstOffset: 1, lastOffset: 3, isAborted: true, lastStableOffset: 4 },
    ])
    expect(log.state.firstUnstableOffset).toBe(1)
    log.state.highWatermarkMoved(3)
    expect(log.state.firstUnstableOffset).toBe(1)
    log.state.highWatermarkMoved(4)
    expect(log.state.firstUnstableOffset).toBe(Infinity)
    expect(log.state.hasOpenTransaction(1, 0)).toBe(false)
  })

  test('the last stable offset in the index is that of the oldest other one', () => {
    const log = new Appender()
    log.append({ producerId: 1, isTransactional: true })
    log.append({ producerId: 2, isTransactional: true })
    log.mark({ producerId: 2 }, { isAbort: true })
    log.mark({ producerId: 1 }, { isAbort: true })
    expect(log.ended).toMatchObject([{ lastStableOffset: 0 }, { lastStableOffset: 4 }])
  })

  test('a plain batch of a producer with an open transaction is refused', () => {
    const log = new Appender()
    log.append({ isTransactional: true })
    expect(log.append({ baseSequence: 1 })).toEqual(refusedAs('INVALID_TXN_STATE'))
  })

  test('a marker without an open transaction raises the epoch and ends nothing', () => {
    const log = new Appender()
    log.append({ producerEpoch: 0 })
    expect(log.mark({ producerEpoch: 1 })).toEqual(accepted)
    expect(log.ended).toEqual([])
    expect(log.append({ producerEpoch: 0, baseSequence: 1 })).toEqual(refusedAs('INVALID_PRODUCER_EPOCH'))
    expect(log.append({ producerEpoch: 1, baseSequence: 0 })).toEqual(accepted)
  })

  test('a marker of the same epoch lets sequences go on', () => {
    const log = new Appender()
    log.append({ isTransactional: true, baseSequence: 0 })
    log.mark({ producerEpoch: 0 })
    expect(log.append({ isTransactional: true, baseSequence: 1 })).toEqual(accepted)
  })

  test('a marker of an older epoch or an older coordinator is refused', () => {
    const log = new Appender()
    log.append({ producerEpoch: 2, isTransactional: true })
    expect(log.mark({ producerEpoch: 1 })).toEqual(refusedAs('INVALID_PRODUCER_EPOCH'))
    log.mark({ producerEpoch: 2 }, { coordinatorEpoch: 5 })
    expect(log.mark({ producerEpoch: 2 }, { coordinatorEpoch: 4 })).toEqual(
      refusedAs('TRANSACTION_COORDINATOR_FENCED'),
    )
    expect(log.mark({ producerEpoch: 2 }, { coordinatorEpoch: 5 })).toEqual(accepted)
  })

  test('with transactions V2 the marker has a new epoch, except for the retry of one that is written', () => {
    const log = new Appender()
    log.append({ producerEpoch: 2, isTransactional: true })
    expect(log.mark({ producerEpoch: 2 }, { transactionVersion: 2 })).toEqual(
      refusedAs('INVALID_PRODUCER_EPOCH'),
    )
    expect(log.mark({ producerEpoch: 3 }, { transactionVersion: 2 })).toEqual(accepted)
    expect(log.mark({ producerEpoch: 3 }, { transactionVersion: 2 })).toEqual(accepted)
    expect(log.append({ producerEpoch: 2, baseSequence: 1, isTransactional: true })).toEqual(
      refusedAs('INVALID_PRODUCER_EPOCH'),
    )
  })

  test('data that a coordinator writes has no sequences', () => {
    const log = new Appender()
    const sent = { baseSequence: -1, isTransactional: true }
    expect(log.append(sent, { origin: 'coordinator' })).toEqual(accepted)
    expect(log.append(sent, { origin: 'coordinator' })).toEqual(accepted)
    expect(log.state.firstUnstableOffset).toBe(0)
  })
})

describe('verification', () => {
  const verify = (log: Appender, sent: Sent = {}, supportsEpochBump = false) =>
    log.state.startVerification(batchOf({ isTransactional: true, ...sent }), { supportsEpochBump, nowMs })
  const first = { isTransactional: true }

  test('the first transactional batch needs the guard that is current', () => {
    const log = new Appender()
    expect(log.append(first, { mustBeVerified: true })).toEqual(refusedAs('INVALID_TXN_STATE'))
    const guard = verify(log)!
    expect(log.append(first, { mustBeVerified: true, guard: { producerId: 1 } })).toEqual(
      refusedAs('INVALID_TXN_STATE'),
    )
    expect(log.append(first, { mustBeVerified: true, guard })).toEqual(accepted)
  })

  test('the batches after it need none', () => {
    const log = new Appender()
    log.append(first, { mustBeVerified: true, guard: verify(log)! })
    expect(verify(log)).toBeUndefined()
    expect(log.append({ ...first, baseSequence: 1 }, { mustBeVerified: true })).toEqual(accepted)
  })

  test('a marker in between makes the guard useless', () => {
    const log = new Appender()
    const guard = verify(log)!
    log.mark({ producerEpoch: 0 }, { isAbort: true })
    expect(log.append(first, { mustBeVerified: true, guard })).toEqual(refusedAs('INVALID_TXN_STATE'))
  })

  test('of several first batches that are verified the one with the lowest sequence comes first', () => {
    const log = new Appender()
    log.append({ baseSequence: 4 })
    const guard = verify(log, { baseSequence: 6 })!
    expect(verify(log, { baseSequence: 5 })).toBe(guard)
    expect(log.append({ ...first, baseSequence: 6 }, { mustBeVerified: true, guard })).toEqual(
      refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    )
    expect(log.append({ ...first, baseSequence: 5 }, { mustBeVerified: true, guard })).toEqual(accepted)
  })

  test('a producer of transactions V2 that is not known begins at 0', () => {
    const log = new Appender()
    const guard = verify(log, { baseSequence: 3 }, true)!
    expect(log.append({ ...first, baseSequence: 3 }, { mustBeVerified: true, guard })).toEqual(
      refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    )
  })

  test('an older epoch is told before the missing verification', () => {
    const log = new Appender()
    log.append({ producerEpoch: 4 })
    expect(log.append({ ...first, producerEpoch: 3 }, { mustBeVerified: true })).toEqual(
      refusedAs('INVALID_PRODUCER_EPOCH'),
    )
  })
})

describe('expiry', () => {
  test('a producer that wrote nothing for long is forgotten, one with an open transaction never', () => {
    const log = new Appender()
    log.append({ producerId: 1 })
    log.append({ producerId: 2, isTransactional: true })
    expect(log.state.expire(nowMs + 999, 1000)).toBe(0)
    expect(log.state.expire(nowMs + 1000, 1000)).toBe(1)
    expect(log.append({ producerId: 1, baseSequence: 17 })).toEqual(accepted)
    expect(log.state.entry(2)).toBeDefined()
  })

  test('records with old times do not make a producer that writes now expire', () => {
    const log = new Appender()
    log.append({ maxTimestamp: 5 })
    expect(log.state.expire(nowMs + 1, 1000)).toBe(0)
  })

  test('what has expired is not loaded from a snapshot', () => {
    const log = new Appender()
    log.append({ producerId: 1 })
    log.append({ producerId: 2, isTransactional: true })
    const loaded = ProducerState.fromSnapshot(log.state.snapshot(), {
      nowMs: nowMs + 1000,
      expirationMs: 1000,
    })
    expect(loaded.describe().map(({ producerId }) => producerId)).toEqual([2])
    expect(loaded.firstUnstableOffset).toBe(1)
  })
})

test('DescribeProducers shows what is known', () => {
  const log = new Appender()
  log.append({ producerId: 4, producerEpoch: 1, isTransactional: true, records: 3, maxTimestamp: 77 })
  log.mark({ producerId: 5, producerEpoch: 2, maxTimestamp: 88 }, { coordinatorEpoch: 6 })
  expect(log.state.describe()).toEqual([
    {
      producerId: 4,
      producerEpoch: 1,
      lastSequence: 2,
      lastTimestamp: 77,
      coordinatorEpoch: -1,
      currentTxnStartOffset: 0,
    },
    {
      producerId: 5,
      producerEpoch: 2,
      lastSequence: -1,
      lastTimestamp: 88,
      coordinatorEpoch: 6,
      currentTxnStartOffset: -1,
    },
  ])
})

describe('after a restart from a snapshot', () => {
  test('the newest batch is still a duplicate, and the next sequence follows', () => {
    const log = new Appender()
    log.append({ baseSequence: 0, records: 5 })
    log.append({ baseSequence: 5, records: 5 })
    log.state = ProducerState.fromSnapshot(log.state.snapshot(), { nowMs, expirationMs: 1000 })
    expect(log.append({ baseSequence: 5, records: 5 })).toMatchObject({ kind: 'duplicate', baseOffset: 5 })
    expect(log.append({ baseSequence: 0, records: 5 })).toEqual(refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    expect(log.append({ baseSequence: 10 })).toEqual(accepted)
  })

  const sent = fc.record({
    producerId: fc.nat(2),
    producerEpoch: fc.nat(1),
    baseSequence: fc.nat(4),
    records: fc.integer({ min: 1, max: 2 }),
    isTransactional: fc.boolean(),
  })
  const event = fc.oneof(
    fc.record({ kind: fc.constant('data' as const), sent }),
    fc.record({ kind: fc.constant('marker' as const), sent, isAbort: fc.boolean() }),
  )

  test('open transactions and everything else is as it was, whatever happened before', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.array(sent, { maxLength: 5 }), (events, then) => {
        const log = new Appender()
        for (const next of events) {
          if (next.kind === 'data') log.append(next.sent)
          else log.mark({ ...next.sent, isTransactional: true, baseSequence: -1 }, { isAbort: next.isAbort })
        }
        log.state.highWatermarkMoved(log.nextOffset)
        const restarted = new Appender()
        restarted.nextOffset = log.nextOffset
        restarted.state = ProducerState.fromSnapshot(log.state.snapshot(), { nowMs, expirationMs: 1000 })
        expect(restarted.state.firstUnstableOffset).toBe(log.state.firstUnstableOffset)
        expect(restarted.state.describe()).toEqual(log.state.describe())
        for (const next of then) {
          const before = log.append(next)
          const after = restarted.append(next)
          // Only the newest batch is remembered, so an older duplicate is one no more.
          if (before.kind !== 'duplicate') expect(after).toEqual(before)
        }
      }),
    )
  })
})
