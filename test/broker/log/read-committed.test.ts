import { describe, expect, test } from 'vitest'
import type { Log } from '../../../broker/log/log.ts'
import { buildEndTransactionMarker } from '../../../protocol/index.ts'
import { aBatch, aLog, append, type LogHarness } from '../../support/a-log.ts'

/** Transactional data of a producer; every one of `sequence` once. */
function data(harness: LogHarness, producerId: number, sequence: number): number {
  const batch = aBatch(1, { producerId, producerEpoch: 0, baseSequence: sequence, isTransactional: true })
  return append(harness, batch).baseOffset
}

function end(harness: LogHarness, producerId: number, outcome: 'commit' | 'abort'): number {
  const marker = {
    outcome,
    producerId,
    producerEpoch: 0,
    coordinatorEpoch: 1,
    timestampMs: harness.clock.nowMs(),
  }
  return append(harness, buildEndTransactionMarker(marker), { origin: 'coordinator' }).baseOffset
}

function aborted(log: Log, offset: number, upTo = log.lastStableOffset, maxBytes = 1e6): unknown {
  const read = log.read({ offset, maxBytes, minOneBatch: true, upTo, readCommitted: true })
  return 'error' in read ? read.error : read.abortedTransactions
}

describe('the last stable offset', () => {
  test('stays before an open transaction, and passes it when the marker is below the high watermark', () => {
    const harness = aLog()
    const { log } = harness
    append(harness, aBatch(2))
    data(harness, 1, 0)
    data(harness, 2, 0)
    log.advanceHighWatermark(4)
    expect(log.lastStableOffset).toBe(2)
    const marker = end(harness, 1, 'commit')
    expect(log.lastStableOffset).toBe(2)
    log.advanceHighWatermark(marker + 1)
    expect(log.lastStableOffset).toBe(3)
    const last = end(harness, 2, 'abort')
    log.advanceHighWatermark(last)
    expect(log.lastStableOffset).toBe(3)
    log.advanceHighWatermark(last + 1)
    expect(log.lastStableOffset).toBe(6)
  })

  test('comes back when its marker is cut off', () => {
    const harness = aLog()
    data(harness, 1, 0)
    const marker = end(harness, 1, 'abort')
    harness.log.truncateTo(marker)
    harness.log.advanceHighWatermark(marker)
    expect(harness.log.lastStableOffset).toBe(0)
    expect(harness.log.segments[0]?.transactions.all()).toEqual([])
    end(harness, 1, 'commit')
    harness.log.advanceHighWatermark(2)
    expect(harness.log.lastStableOffset).toBe(2)
    expect(aborted(harness.log, 0)).toEqual([])
  })
})

describe('aborted transactions', () => {
  function mixed(settings: Parameters<typeof aLog>[0] = {}): LogHarness {
    const harness = aLog(settings)
    data(harness, 1, 0) // 0
    data(harness, 2, 0) // 1
    end(harness, 1, 'abort') // 2
    data(harness, 1, 1) // 3
    end(harness, 2, 'commit') // 4
    end(harness, 1, 'abort') // 5
    append(harness, aBatch(1)) // 6
    harness.log.advanceHighWatermark(7)
    return harness
  }

  test('are listed where they overlap with what is read', () => {
    const { log } = mixed({ 'index.interval.bytes': 0 })
    expect(aborted(log, 0)).toEqual([
      { producerId: 1, firstOffset: 0 },
      { producerId: 1, firstOffset: 3 },
    ])
    expect(aborted(log, 3)).toEqual([{ producerId: 1, firstOffset: 3 }])
    expect(aborted(log, 6)).toEqual([])
    expect(aborted(log, 7)).toEqual([])
  })

  test('beyond what is read may be listed, those before its end never miss', () => {
    const { log } = mixed({ 'index.interval.bytes': 0 })
    const found = aborted(log, 0, 7, 100)
    expect(found).toContainEqual({ producerId: 1, firstOffset: 0 })
    expect(found).not.toContainEqual({ producerId: 1, firstOffset: 3 })
  })

  test('are found when their marker stands in a later segment, and after opening again', async () => {
    const harness = mixed({ 'segment.bytes': 120 })
    expect(harness.log.segments.length).toBeGreaterThan(3)
    const expected = [
      { producerId: 1, firstOffset: 0 },
      { producerId: 1, firstOffset: 3 },
    ]
    expect(aborted(harness.log, 0)).toContainEqual(expected[0])
    await harness.log.close()
    const again = harness.open({ highWatermark: 7 })
    expect(again.lastStableOffset).toBe(7)
    expect(aborted(again, 0)).toContainEqual(expected[0])
    expect(aborted(again, 3)).toEqual([expected[1]])
  })

  test('are for those who ask', () => {
    const { log } = mixed()
    const read = log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 7 })
    expect('error' in read ? read.error : read.abortedTransactions).toBeNull()
  })

  test("are written with a follower's batches too", () => {
    const leader = mixed()
    const read = leader.log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 7 })
    if ('error' in read) throw new Error(read.error)
    const bytes = Buffer.alloc(read.records.length)
    read.records.readInto(bytes, 0)
    const follower = aLog({ 'segment.bytes': 250 })
    follower.log.appendAsFollower(bytes)
    follower.turn.flush()
    follower.log.advanceHighWatermark(7)
    const all = (log: Log): unknown => log.segments.flatMap(segment => segment.transactions.all())
    expect(all(follower.log)).toEqual(all(leader.log))
    expect(follower.log.segments.length).toBeGreaterThan(1)
    for (const segment of follower.log.segments) {
      for (const { lastOffset } of segment.transactions.all()) {
        expect(lastOffset).toBeGreaterThanOrEqual(segment.baseOffset)
      }
    }
    expect(follower.log.lastStableOffset).toBe(7)
  })
})
