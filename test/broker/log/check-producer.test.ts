import { describe, expect, test } from 'vitest'
import { accepted, Appender, batchOf, nowMs, refusedAs, type Sent } from '../../support/producers.ts'

const maxSequence = 2 ** 31 - 1

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
    expect(log.append({ baseSequence: 10, records: 1 })).toEqual(refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'))
  })

  test('an older one was written too, though its place is not known any more', () => {
    const log = new Appender()
    for (let batch = 0; batch < 7; batch++) log.append({ baseSequence: batch * 2, records: 2 })
    const forgotten = { kind: 'duplicate', baseOffset: -1, lastOffset: 3, timestampMs: -1 }
    expect(log.append({ baseSequence: 0, records: 2 })).toEqual(forgotten)
    expect(log.append({ baseSequence: 2, records: 2 })).toEqual(forgotten)
    expect(log.append({ baseSequence: 2, records: 3 })).toEqual(refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    expect(log.append({ baseSequence: maxSequence, records: 2 })).toEqual(
      refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    )
  })

  test('one from before the sequence with which the producer began here may never have come', () => {
    const log = new Appender()
    for (let sequence = 3; sequence < 10; sequence++) log.append({ baseSequence: sequence })
    expect(log.append({ baseSequence: 3 })).toMatchObject({ kind: 'duplicate', baseOffset: -1 })
    expect(log.append({ baseSequence: 2 })).toEqual(refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    log.append({ producerEpoch: 1 })
    for (let sequence = 1; sequence < 6; sequence++) log.append({ producerEpoch: 1, baseSequence: sequence })
    expect(log.append({ producerEpoch: 1, baseSequence: 0 })).toMatchObject({ kind: 'duplicate' })
    expect(log.append({ producerEpoch: 1, baseSequence: 9 })).toEqual(
      refusedAs('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    )
  })

  test('producers do not disturb each other', () => {
    const log = new Appender()
    log.append({ producerId: 1, baseSequence: 0 })
    expect(log.append({ producerId: 2, baseSequence: 0 })).toEqual(accepted)
    expect(log.append({ producerId: 1, baseSequence: 1 })).toEqual(accepted)
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

describe('markers', () => {
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
