import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Log } from '../../../broker/log/log.ts'
import { RecordBatchView } from '../../../protocol/index.ts'
import { aBatch, aLog, append, appendedTo, bytesOf, firstOffset, readAll } from '../../support/a-log.ts'

describe('truncation', () => {
  test('cuts bytes, epochs and producers together', () => {
    const harness = aLog({ 'segment.bytes': 300, 'index.interval.bytes': 0 })
    const producer = { producerId: 7, producerEpoch: 0 }
    for (let count = 0; count < 10; count++) {
      append(harness, aBatch(2, { ...producer, baseSequence: 2 * count }), { leaderEpoch: count < 5 ? 1 : 2 })
    }
    const { log, turn } = harness
    const before = readAll(log)
    log.advanceHighWatermark(20)
    log.truncateTo(6)
    expect([log.nextOffset, log.logEndOffset, log.highWatermark]).toEqual([6, 6, 6])
    expect(log.leaderEpochs.entries).toEqual([{ epoch: 1, startOffset: 0 }])
    expect(readAll(log)).toEqual(before.subarray(0, log.sizeInBytes))
    // What was cut may be written again, and only that.
    expect(appendedTo(log, aBatch(2, { ...producer, baseSequence: 6 })).baseOffset).toBe(6)
    expect(appendedTo(log, aBatch(2, { ...producer, baseSequence: 4 })).kind).toBe('duplicate')
    turn.flush()
    expect(firstOffset(bytesOf(log.read({ offset: 6, maxBytes: 1e6, minOneBatch: true, upTo: 8 })))).toBe(6)
  })

  test('in the middle of a batch drops the whole batch', () => {
    const harness = aLog()
    append(harness, aBatch(5))
    append(harness, aBatch(5))
    harness.log.truncateTo(7)
    expect(harness.log.nextOffset).toBe(7)
    expect(harness.log.segments[0]?.sizeInBytes).toBe(aBatch(5).length)
  })

  test('above the end changes nothing', () => {
    const harness = aLog()
    append(harness, aBatch(5))
    harness.log.truncateTo(9)
    expect(harness.log.nextOffset).toBe(5)
  })

  test('of everything starts anew at an offset', () => {
    const harness = aLog({ 'segment.bytes': 300 })
    for (let count = 0; count < 10; count++) {
      append(harness, aBatch(2, { producerId: 7, producerEpoch: 0, baseSequence: 2 * count }))
    }
    const { log, disk, clock, turn } = harness
    log.truncateFullyAndStartAt(100)
    expect([log.logStartOffset, log.nextOffset, log.logEndOffset, log.highWatermark]).toEqual([
      100, 100, 100, 100,
    ])
    expect([log.producers.size, log.leaderEpochs.entries, log.sizeInBytes]).toEqual([0, [], 0])
    expect(appendedTo(log, aBatch(1)).baseOffset).toBe(100)
    turn.flush()
    clock.advance(120_000)
    expect(disk.paths().filter(path => path.endsWith('.log'))).toEqual([
      '/data/topic-0/00000000000000000100.log',
    ])
    expect(disk.paths().filter(path => path.endsWith('.deleted') || path.endsWith('.snapshot'))).toEqual([])
  })

  test('says when the recovery point went back', async () => {
    const lowered: number[] = []
    const harness = aLog({}, { onRecoveryPointDue: () => lowered.push(harness.log.recoveryPoint) })
    append(harness, aBatch(5))
    append(harness, aBatch(5))
    await harness.log.flush()
    expect(harness.log.recoveryPoint).toBe(10)
    harness.log.truncateTo(5)
    expect(lowered).toEqual([5])
  })
})

describe('an idle log', () => {
  test('holds no descriptors after it was released', async () => {
    const harness = aLog({ 'segment.bytes': 1000 })
    for (let count = 0; count < 40; count++) append(harness, aBatch(1))
    await harness.log.flush()
    harness.log.releaseIdle()
    expect(harness.disk.openFiles).toBeGreaterThan(0)
    harness.log.releaseIdle()
    expect(harness.disk.openFiles).toBe(0)
    append(harness, aBatch(1))
    expect(readAll(harness.log).length).toBe(harness.log.sizeInBytes)
  })
})

describe('properties', () => {
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        records: fc.integer({ min: 1, max: 6 }),
        bytes: fc.integer({ min: 0, max: 300 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('endTurn' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('roll' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('truncate' as const), back: fc.integer({ min: 0, max: 20 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const) }) },
  )

  test('whatever is done, a read at any offset gives exactly the bytes that were appended', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 0, max: 600 }),
        (steps, intervalBytes) => {
          const harness = aLog({ 'segment.bytes': 2500, 'index.interval.bytes': intervalBytes })
          let { log } = harness
          let model: { baseOffset: number; lastOffset: number; bytes: Buffer }[] = []
          for (const [index, action] of steps.entries()) {
            switch (action.kind) {
              case 'append': {
                const batch = aBatch(Array.from({ length: action.records }, () => 'v'.repeat(action.bytes)))
                const { baseOffset, lastOffset } = appendedTo(log, batch, index)
                model.push({ baseOffset, lastOffset, bytes: Buffer.from(batch) })
                break
              }
              case 'endTurn':
                harness.turn.flush()
                break
              case 'roll':
                log.roll()
                break
              case 'truncate': {
                const offset = Math.max(0, log.nextOffset - action.back)
                log.truncateTo(offset)
                model = model.filter(batch => batch.lastOffset < offset)
                expect(log.nextOffset).toBe(offset)
                break
              }
              case 'reopen':
                harness.turn.flush()
                // Killed: what the indexes held back is gone. Offsets above the last batch are not remembered.
                harness.disk.kill()
                log = harness.open()
                break
              case 'release':
                log.releaseIdle()
                log.releaseIdle()
                break
            }
          }
          harness.turn.flush()
          expect(log.logEndOffset).toBe(log.nextOffset)
          for (let offset = 0; offset < log.logEndOffset; offset++) {
            const from = model.findIndex(batch => batch.lastOffset >= offset)
            const expected =
              from < 0 ? Buffer.alloc(0) : Buffer.concat(model.slice(from).map(batch => batch.bytes))
            expect(readAllFrom(log, offset).equals(expected)).toBe(true)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  /** As `readAll`, but for logs that may end in offsets without a batch. */
  function readAllFrom(log: Log, offset: number): Buffer {
    const pieces: Buffer[] = []
    for (let next = offset; next < log.logEndOffset; ) {
      const bytes = bytesOf(
        log.read({ offset: next, maxBytes: 1e6, minOneBatch: true, upTo: log.logEndOffset }),
      )
      if (bytes.length === 0) break
      let at = 0
      while (at < bytes.length) {
        const batch = new RecordBatchView(bytes, at)
        next = batch.nextOffset
        at = batch.end
      }
      pieces.push(bytes)
    }
    return Buffer.concat(pieces)
  }
})
