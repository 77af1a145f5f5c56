import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProducerState } from '../../../broker/log/producer-state.ts'
import { accepted, Appender, nowMs, refusedAs } from '../../support/producers.ts'

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

  test('nor does it after a restart', () => {
    const log = new Appender()
    log.append({ maxTimestamp: 5 })
    const loadedAt = (loadedAtMs: number) =>
      ProducerState.fromSnapshot(log.state.snapshot(), { nowMs: loadedAtMs, expirationMs: 1000 })
    expect(loadedAt(nowMs + 999).describe()).toEqual(log.state.describe())
    expect(loadedAt(nowMs + 1000).describe()).toEqual([])
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
  test('the last five batches are still duplicates, older ones are known, and the next sequence follows', () => {
    const log = new Appender()
    for (let batch = 0; batch < 7; batch++) log.append({ baseSequence: batch * 5, records: 5 })
    log.state = ProducerState.fromSnapshot(log.state.snapshot(), { nowMs, expirationMs: 1000 })
    for (let batch = 0; batch < 7; batch++) {
      const baseOffset = batch < 2 ? -1 : batch * 5
      expect(log.append({ baseSequence: batch * 5, records: 5 })).toMatchObject({
        kind: 'duplicate',
        baseOffset,
      })
    }
    expect(log.append({ baseSequence: 35 })).toEqual(accepted)
  })

  test('a snapshot of Kafka, which has the newest batch alone, is read', () => {
    const log = new Appender()
    log.append({ baseSequence: 0, records: 5 })
    log.append({ baseSequence: 5, records: 5 })
    const ofKafka = log.state.snapshot().slice(-1)
    log.state = ProducerState.fromSnapshot(ofKafka, { nowMs, expirationMs: 1000 })
    expect(log.append({ baseSequence: 5, records: 5 })).toMatchObject({ kind: 'duplicate', baseOffset: 5 })
    expect(log.append({ baseSequence: 0, records: 5 })).toEqual(refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    expect(log.append({ baseSequence: 10 })).toEqual(accepted)
  })

  test('Kafka, which keeps the last entry of a producer that has not expired, finds what it would have written', () => {
    const log = new Appender()
    const agoMs = [900, 100, 500, 2000]
    for (const [at, ago] of agoMs.entries()) {
      log.append({ baseSequence: at, maxTimestamp: nowMs - ago, isTransactional: at === 0 })
      if (at === 0) log.mark({ producerEpoch: 0, maxTimestamp: nowMs - ago }, { coordinatorEpoch: 8 })
    }
    const stored = log.state.snapshot()
    expect(stored.map(({ lastSequence, lastOffset }) => [lastSequence, lastOffset])).toEqual([
      [0, 0],
      [1, 2],
      [2, 3],
      [3, 4],
    ])
    for (const entry of stored) {
      expect(entry).toMatchObject({
        epoch: 0,
        coordinatorEpoch: 8,
        currentTxnFirstOffset: -1,
        timestamp: expect.toSatisfy((timestamp: number) => timestamp <= nowMs - 2000),
      })
    }
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
          const { timestampMs: _, ...before } = { timestampMs: 0, ...log.append(next) }
          expect(restarted.append(next)).toMatchObject(before)
        }
      }),
    )
  })
})
