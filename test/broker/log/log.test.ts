import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AppendOutcome, Log } from '../../../broker/log/log.ts'
import { RecordBatchView } from '../../../protocol/index.ts'
import { FakeDisk } from '../../support/fake-disk.ts'
import { aBatch, aLog, append, type LogHarness, logOn, readAll } from '../../support/a-log.ts'

const client = { leaderEpoch: 0, origin: 'client' } as const

function appendedTo(
  log: Log,
  batch: Buffer,
  leaderEpoch = 0,
): Extract<AppendOutcome, { lastOffset: number }> {
  const outcome = log.appendAsLeader(batch, { leaderEpoch, origin: 'client' })
  if (outcome.kind === 'refused') throw new Error(outcome.message)
  return outcome
}

function bytesOf(read: ReturnType<Log['read']>): Buffer {
  if ('error' in read) throw new Error(read.error)
  const bytes = Buffer.alloc(read.records.length)
  read.records.readInto(bytes, 0)
  return bytes
}

function firstOffset(bytes: Buffer): number {
  return new RecordBatchView(bytes).baseOffset
}

describe('appending as leader', () => {
  test('offsets are given out at once and readable when the turn has ended', () => {
    const { log, turn } = aLog()
    const written: number[] = []
    log.onWritten({ written: offset => written.push(offset), failed: () => undefined })
    expect(appendedTo(log, aBatch(3))).toMatchObject({ baseOffset: 0, lastOffset: 2 })
    expect(appendedTo(log, aBatch(2))).toMatchObject({ baseOffset: 3, lastOffset: 4 })
    expect([log.nextOffset, log.logEndOffset, written]).toEqual([5, 0, []])
    turn.flush()
    expect([log.nextOffset, log.logEndOffset, written]).toEqual([5, 5, [5]])
  })

  test('all small batches of a turn cost one write', () => {
    const { log, turn, disk } = aLog()
    for (let count = 0; count < 20; count++) appendedTo(log, aBatch(10))
    expect(disk.counts.get('write') ?? 0).toBe(0)
    turn.flush()
    expect(disk.counts.get('write')).toBe(1)
  })

  test('a large batch is written at once, behind what was staged before it, and told of at the end of the turn', () => {
    const { log, turn, disk } = aLog()
    const written: number[] = []
    log.onWritten({ written: offset => written.push(offset), failed: () => undefined })
    appendedTo(log, aBatch(1))
    appendedTo(log, aBatch(['x'.repeat(700_000)]))
    // The staged one, then 512 KiB and the rest.
    expect(disk.counts.get('write')).toBe(3)
    expect([log.logEndOffset, written]).toEqual([2, []])
    appendedTo(log, aBatch(1))
    turn.flush()
    expect(written).toEqual([3])
    const bytes = readAll(log)
    expect(firstOffset(bytes)).toBe(0)
    expect(bytes.length).toBe(log.sizeInBytes)
  })

  test('more than fits the staging buffer in one turn keeps its order', () => {
    const { log, turn } = aLog()
    for (let count = 0; count < 40; count++) appendedTo(log, aBatch([`${count}`.padEnd(30_000)]))
    turn.flush()
    const bytes = readAll(log)
    let at = 0
    for (let offset = 0; offset < 40; offset++) {
      const batch = new RecordBatchView(bytes, at)
      expect(batch.baseOffset).toBe(offset)
      expect(batch.recordsBytes.includes(Buffer.from(`${offset} `))).toBe(true)
      at += batch.sizeInBytes
    }
  })

  test('base offset and leader epoch are set in the bytes', () => {
    const harness = aLog()
    append(harness, aBatch(3), { leaderEpoch: 4 })
    append(harness, aBatch(3), { leaderEpoch: 5 })
    const bytes = readAll(harness.log)
    const second = new RecordBatchView(bytes, new RecordBatchView(bytes).sizeInBytes)
    expect([second.baseOffset, second.partitionLeaderEpoch, second.isValidCrc()]).toEqual([3, 5, true])
    expect(harness.log.leaderEpochs.entries).toEqual([
      { epoch: 4, startOffset: 0 },
      { epoch: 5, startOffset: 3 },
    ])
  })

  test('a batch that is sent again is answered with its first offsets and not written', () => {
    const harness = aLog()
    const batch = (): Buffer => aBatch(3, { producerId: 9, producerEpoch: 0, baseSequence: 0 })
    append(harness, aBatch(2))
    append(harness, batch())
    expect(harness.log.appendAsLeader(batch(), client)).toMatchObject({
      kind: 'duplicate',
      baseOffset: 2,
      lastOffset: 4,
    })
    expect(harness.log.nextOffset).toBe(5)
  })

  test('a batch of the same turn is already known when the next one is checked', () => {
    const { log } = aLog()
    const producer = { producerId: 9, producerEpoch: 0 }
    appendedTo(log, aBatch(3, { ...producer, baseSequence: 0 }))
    expect(appendedTo(log, aBatch(3, { ...producer, baseSequence: 0 })).kind).toBe('duplicate')
    expect(appendedTo(log, aBatch(3, { ...producer, baseSequence: 3 })).kind).toBe('appended')
    const gap = log.appendAsLeader(aBatch(1, { ...producer, baseSequence: 9 }), client)
    expect(gap).toMatchObject({ kind: 'refused', error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
    expect(log.nextOffset).toBe(6)
  })

  test("the broker's time is answered where the topic keeps append times", () => {
    const { log, clock } = aLog({ 'message.timestamp.type': 'LogAppendTime' })
    expect(appendedTo(log, aBatch(1)).logAppendTimeMs).toBe(clock.nowMs())
  })

  test('a disk that is too full refuses clients with a sentence and lets coordinators write', () => {
    const { log } = aLog({}, { isWritable: () => false })
    const outcome = log.appendAsLeader(aBatch(1), client)
    expect(outcome).toMatchObject({ kind: 'refused', error: 'KAFKA_STORAGE_ERROR' })
    expect(outcome.kind === 'refused' && outcome.message).toContain('too full')
    expect(log.appendAsLeader(aBatch(1), { leaderEpoch: 0, origin: 'coordinator' }).kind).toBe('appended')
  })
})

describe('appending as follower', () => {
  function leaderBytes(): { bytes: Buffer; harness: LogHarness } {
    const harness = aLog({ 'index.interval.bytes': 100 })
    append(harness, aBatch(3), { leaderEpoch: 1 })
    append(harness, aBatch(2, { producerId: 5, producerEpoch: 0, baseSequence: 0 }), { leaderEpoch: 1 })
    append(harness, aBatch(4), { leaderEpoch: 3 })
    return { bytes: readAll(harness.log), harness }
  }

  test('bytes, epochs and producers become those of the leader', () => {
    const { bytes, harness: leader } = leaderBytes()
    const { log, turn } = aLog()
    expect(log.appendAsFollower(Buffer.from(bytes))).toMatchObject({
      kind: 'appended',
      baseOffset: 0,
      lastOffset: 8,
    })
    turn.flush()
    expect(readAll(log)).toEqual(bytes)
    expect(log.leaderEpochs.entries).toEqual(leader.log.leaderEpochs.entries)
    const again = aBatch(2, { producerId: 5, producerEpoch: 0, baseSequence: 0 })
    expect(log.appendAsLeader(again, client)).toMatchObject({ kind: 'duplicate', baseOffset: 3 })
  })

  test('a part of a batch at the end is left out', () => {
    const { bytes } = leaderBytes()
    const { log, turn } = aLog()
    log.appendAsFollower(bytes.subarray(0, bytes.length - 10))
    turn.flush()
    expect(log.logEndOffset).toBe(5)
  })

  test('batches of a later epoch than was asked for are left out', () => {
    const { bytes } = leaderBytes()
    const { log, turn } = aLog()
    log.appendAsFollower(bytes, { leaderEpoch: 2 })
    turn.flush()
    expect(log.logEndOffset).toBe(5)
  })

  test('a damaged batch refuses all of it', () => {
    const { bytes } = leaderBytes()
    bytes[bytes.length - 1]! ^= 1
    const { log } = aLog()
    expect(log.appendAsFollower(bytes)).toMatchObject({ kind: 'refused', error: 'CORRUPT_MESSAGE' })
    expect(log.nextOffset).toBe(0)
  })

  test('offsets that are there already are refused', () => {
    const { bytes } = leaderBytes()
    const { log, turn } = aLog()
    log.appendAsFollower(Buffer.from(bytes))
    turn.flush()
    expect(log.appendAsFollower(bytes)).toMatchObject({ kind: 'refused' })
  })

  test('a replica that begins in the middle of a batch takes the batch and keeps its log start', () => {
    const { bytes } = leaderBytes()
    const { log, turn } = aLog()
    log.truncateFullyAndStartAt(4)
    const second = bytes.subarray(new RecordBatchView(bytes).sizeInBytes)
    expect(log.appendAsFollower(second)).toMatchObject({ kind: 'appended', baseOffset: 3, lastOffset: 8 })
    turn.flush()
    expect([log.logStartOffset, log.logEndOffset, log.segments[0]?.baseOffset]).toEqual([4, 9, 3])
    expect(firstOffset(bytesOf(log.read({ offset: 4, maxBytes: 1e6, minOneBatch: true, upTo: 9 })))).toBe(3)
  })

  test('one fetch may go to several segments', () => {
    const leader = aLog()
    for (let count = 0; count < 30; count++) append(leader, aBatch(['v'.repeat(100)]))
    const bytes = readAll(leader.log)
    const follower = aLog({ 'segment.bytes': 1000 })
    follower.log.appendAsFollower(Buffer.from(bytes))
    follower.turn.flush()
    expect(follower.log.segments.length).toBeGreaterThan(3)
    expect(readAll(follower.log)).toEqual(bytes)
  })
})

describe('reading', () => {
  test('begins with the batch that contains the offset', () => {
    const harness = aLog()
    append(harness, aBatch(5))
    append(harness, aBatch(5))
    append(harness, aBatch(5))
    const { log } = harness
    for (const offset of [5, 7, 9]) {
      expect(firstOffset(bytesOf(log.read({ offset, maxBytes: 1e6, minOneBatch: false, upTo: 15 })))).toBe(5)
    }
  })

  test('ends before the given offset', () => {
    const harness = aLog()
    append(harness, aBatch(5))
    const firstBytes = harness.log.sizeInBytes
    append(harness, aBatch(5))
    const { log } = harness
    expect(bytesOf(log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 5 })).length).toBe(
      firstBytes,
    )
    expect(bytesOf(log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 7 })).length).toBe(
      firstBytes,
    )
    expect(bytesOf(log.read({ offset: 5, maxBytes: 1e6, minOneBatch: true, upTo: 5 })).length).toBe(0)
    expect(bytesOf(log.read({ offset: 10, maxBytes: 1e6, minOneBatch: true, upTo: 10 })).length).toBe(0)
  })

  test('outside of the log there is nothing to read', () => {
    const harness = aLog()
    append(harness, aBatch(5))
    harness.log.advanceHighWatermark(5)
    harness.log.deleteRecordsBefore(3)
    const read = (offset: number) => harness.log.read({ offset, maxBytes: 1e6, minOneBatch: true, upTo: 5 })
    expect(read(2)).toEqual({ error: 'OFFSET_OUT_OF_RANGE' })
    expect(read(6)).toEqual({ error: 'OFFSET_OUT_OF_RANGE' })
    expect(bytesOf(read(3)).length).toBeGreaterThan(0)
    expect(bytesOf(read(5)).length).toBe(0)
  })

  test('a first batch larger than the limit is given whole or not at all', () => {
    const harness = aLog()
    append(harness, aBatch(100))
    const size = harness.log.sizeInBytes
    append(harness, aBatch(100))
    const { log } = harness
    const whole = log.read({ offset: 0, maxBytes: 50, minOneBatch: true, upTo: 200 })
    expect(bytesOf(whole).length).toBe(size)
    const none = log.read({ offset: 0, maxBytes: 50, minOneBatch: false, upTo: 200 })
    expect([bytesOf(none).length, 'firstBatchIncomplete' in none && none.firstBatchIncomplete]).toEqual([
      0,
      true,
    ])
    // Behind a whole first batch the cut may be anywhere.
    expect(bytesOf(log.read({ offset: 0, maxBytes: size + 7, minOneBatch: false, upTo: 200 })).length).toBe(
      size + 7,
    )
  })

  test('what is staged is not seen', () => {
    const { log, turn } = aLog()
    appendedTo(log, aBatch(5))
    expect(bytesOf(log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 5 })).length).toBe(0)
    turn.flush()
    expect(
      bytesOf(log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 5 })).length,
    ).toBeGreaterThan(0)
  })

  test('cold bytes are loaded off the loop and count as recent for a while', async () => {
    const harness = aLog({ 'segment.bytes': 40_000_000, 'max.message.bytes': 20_000_000 })
    append(harness, aBatch(1))
    for (let count = 0; count < 3; count++) append(harness, aBatch(['x'.repeat(12_000_000)]))
    const { log, clock } = harness
    const options = { offset: 0, maxBytes: 1000, minOneBatch: true, upTo: 4 }
    const cold = log.read(options)
    if ('error' in cold) throw new Error(cold.error)
    expect(cold.recent).toBe(false)
    const loaded = await cold.load()
    expect(loaded).toEqual(bytesOf(log.read(options)))
    const again = log.read(options)
    expect('recent' in again && again.recent).toBe(true)
    clock.advance(60_000)
    const later = log.read(options)
    expect('recent' in later && later.recent).toBe(false)
  })

  test('a slice outlives the deletion of its segment', async () => {
    const harness = aLog({ 'segment.bytes': 500, 'retention.bytes': 0, 'file.delete.delay.ms': 0 })
    for (let count = 0; count < 10; count++) append(harness, aBatch(['v'.repeat(100)]))
    const { log, clock, disk } = harness
    const expected = bytesOf(log.read({ offset: 0, maxBytes: 200, minOneBatch: true, upTo: 10 }))
    const slice = log.read({ offset: 0, maxBytes: 200, minOneBatch: true, upTo: 10 })
    log.advanceHighWatermark(10)
    expect(log.deleteOldSegments(clock.nowMs())).toBeGreaterThan(0)
    clock.advance(10_000)
    expect(bytesOf(slice)).toEqual(expected)
    clock.advance(60_000)
    expect(disk.paths().filter(path => path.endsWith('.deleted'))).toEqual([])
  })

  test('a slice of bytes that were cut off is not given', () => {
    const harness = aLog()
    for (let count = 0; count < 3; count++) append(harness, aBatch(2))
    const slice = harness.log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 6 })
    harness.log.truncateTo(2)
    expect(() => bytesOf(slice)).toThrow('cut')
  })
})

describe('rolling', () => {
  test('by size', () => {
    const harness = aLog({ 'segment.bytes': 1000 })
    for (let count = 0; count < 20; count++) append(harness, aBatch(['v'.repeat(100)]))
    for (const segment of harness.log.segments) expect(segment.sizeInBytes).toBeLessThanOrEqual(1000)
    expect(harness.log.segments.length).toBeGreaterThan(2)
    expect(readAll(harness.log).length).toBe(harness.log.sizeInBytes)
  })

  test('by the time of the records', () => {
    const harness = aLog({ 'segment.ms': 1000 })
    const at = (timestamp: number): Buffer => aBatch(0, { records: [{ value: null, timestamp }] })
    const now = harness.clock.nowMs()
    append(harness, at(now))
    append(harness, at(now + 1000))
    expect(harness.log.segments.length).toBe(1)
    append(harness, at(now + 1001))
    expect(harness.log.segments.map(segment => segment.baseOffset)).toEqual([0, 2])
  })

  test('by the clock when records have no time', () => {
    const harness = aLog({ 'segment.ms': 1000 })
    const timeless = (): Buffer => aBatch(0, { records: [{ value: null, timestamp: -1 }] })
    append(harness, timeless())
    harness.clock.advance(1001)
    append(harness, timeless())
    expect(harness.log.segments.length).toBe(2)
  })

  test('sooner by the jitter of the segment', () => {
    const harness = aLog({ 'segment.ms': 1000, 'segment.jitter.ms': 900 })
    const at = (timestamp: number): Buffer => aBatch(0, { records: [{ value: null, timestamp }] })
    const now = harness.clock.nowMs()
    const jitterMs = harness.log.segments[0]?.rollJitterMs ?? 0
    expect(jitterMs).toBeGreaterThan(0)
    append(harness, at(now))
    append(harness, at(now + 1000 - jitterMs))
    expect(harness.log.segments.length).toBe(1)
    append(harness, at(now + 1001 - jitterMs))
    expect(harness.log.segments.length).toBe(2)
  })

  test('when an index is full', () => {
    const harness = aLog({ 'segment.index.bytes': 12 * 4, 'index.interval.bytes': 0 })
    for (let count = 0; count < 20; count++) append(harness, aBatch(1))
    expect(harness.log.segments.length).toBeGreaterThan(2)
    expect(readAll(harness.log, 3).length).toBeGreaterThan(0)
  })

  test('when offsets get too far from the base', () => {
    const harness = aLog()
    append(harness, aBatch(1))
    harness.log.appendAsFollower(aBatch(1, { baseOffset: 2 ** 31 + 5, partitionLeaderEpoch: 0 }))
    harness.turn.flush()
    expect(harness.log.segments.map(segment => segment.baseOffset)).toEqual([0, 2 ** 31 + 5])
    expect(harness.log.logEndOffset).toBe(2 ** 31 + 6)
  })

  test('leaves a snapshot of the producers at the new base', () => {
    const harness = aLog()
    append(harness, aBatch(1, { producerId: 3, producerEpoch: 0, baseSequence: 0 }))
    harness.log.roll()
    expect(harness.disk.paths()).toContain('/data/topic-0/00000000000000000001.snapshot')
    harness.log.roll()
    expect(harness.log.segments.length).toBe(2)
  })
})

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

describe('retention', () => {
  function filled(settings: Parameters<typeof aLog>[0]): LogHarness {
    const harness = aLog({ 'segment.bytes': 400, ...settings })
    for (let count = 0; count < 20; count++) append(harness, aBatch(['v'.repeat(100)]))
    harness.log.advanceHighWatermark(20)
    return harness
  }

  test('by time deletes even the last segment and goes on at the end', () => {
    const { log, clock, disk, turn } = filled({ 'retention.ms': 1000 })
    const count = log.segments.length
    expect(log.deleteOldSegments(clock.nowMs() + 500)).toBe(0)
    expect(log.deleteOldSegments(clock.nowMs() + 2000)).toBe(count)
    expect([log.logStartOffset, log.nextOffset, log.sizeInBytes]).toEqual([20, 20, 0])
    expect(disk.paths().filter(path => path.endsWith('.log.deleted')).length).toBe(count)
    clock.advance(60_000)
    expect(disk.paths().filter(path => path.endsWith('.deleted'))).toEqual([])
    expect(appendedTo(log, aBatch(1)).baseOffset).toBe(20)
    turn.flush()
    expect(log.logEndOffset).toBe(21)
  })

  test('by size keeps at least retention.bytes', () => {
    const { log, clock } = filled({ 'retention.bytes': 1000, 'retention.ms': -1 })
    expect(log.deleteOldSegments(clock.nowMs())).toBeGreaterThan(0)
    expect(log.sizeInBytes).toBeGreaterThanOrEqual(1000)
    expect(log.sizeInBytes).toBeLessThan(1400)
    expect(log.logStartOffset).toBe(log.segments[0]?.baseOffset)
  })

  test('never goes above the high watermark', () => {
    const harness = aLog({ 'segment.bytes': 400, 'retention.bytes': 0 })
    for (let count = 0; count < 20; count++) append(harness, aBatch(['v'.repeat(100)]))
    expect(harness.log.deleteOldSegments(harness.clock.nowMs())).toBe(0)
  })

  test('deleted records go with the next run, their readers are told at once', () => {
    const { log, clock } = filled({ 'retention.ms': -1 })
    log.deleteRecordsBefore(10)
    expect(log.logStartOffset).toBe(10)
    expect(log.read({ offset: 9, maxBytes: 10, minOneBatch: true, upTo: 20 })).toEqual({
      error: 'OFFSET_OUT_OF_RANGE',
    })
    expect(log.deleteOldSegments(clock.nowMs())).toBeGreaterThan(0)
    expect(log.segments[0]!.baseOffset).toBeLessThanOrEqual(10)
    expect(log.segments[1]!.baseOffset).toBeGreaterThan(10)
    log.deleteRecordsBefore(1000)
    expect(log.logStartOffset).toBe(20)
  })
})

describe('reaching the device', () => {
  test('callers share one sync at a time', async () => {
    const harness = aLog()
    const { log, disk } = harness
    await log.flush()
    const before = disk.counts.get('sync') ?? 0
    disk.holdSyncs = true
    append(harness, aBatch(1))
    const first = log.flush()
    append(harness, aBatch(1))
    const others = [log.flush(), log.flush(), log.flush()]
    expect(disk.heldSyncs).toBe(1)
    disk.holdSyncs = false
    disk.releaseSyncs()
    await Promise.all([first, ...others])
    expect(log.recoveryPoint).toBe(2)
    // Epochs before the first; then the two of the log file and the directory.
    expect((disk.counts.get('sync') ?? 0) - before).toBeLessThanOrEqual(4)
  })

  test('flush.messages keeps records unseen until they are on the device', async () => {
    const harness = aLog({ 'flush.messages': 1 })
    const { log, disk, turn } = harness
    const written: number[] = []
    log.onWritten({ written: offset => written.push(offset), failed: () => undefined })
    disk.holdSyncs = true
    append(harness, aBatch(3))
    append(harness, aBatch(3))
    expect([log.nextOffset, log.logEndOffset, written]).toEqual([6, 0, []])
    while (log.logEndOffset < 6) {
      disk.releaseSyncs()
      await new Promise(resolve => setImmediate(resolve))
      turn.flush()
    }
    expect(written.at(-1)).toBe(6)
    expect(log.recoveryPoint).toBe(6)
    disk.cutPower()
    expect(harness.open().logEndOffset).toBe(6)
  })

  test('flush.messages counts records', async () => {
    const harness = aLog({ 'flush.messages': 10 })
    append(harness, aBatch(4))
    append(harness, aBatch(4))
    expect([harness.log.logEndOffset, harness.log.recoveryPoint]).toEqual([8, 0])
    append(harness, aBatch(4))
    expect(harness.log.logEndOffset).toBe(8)
    await harness.log.flush()
    expect([harness.log.logEndOffset, harness.log.recoveryPoint]).toEqual([12, 12])
  })

  test('flush.ms syncs when it is time', async () => {
    const harness = aLog({ 'flush.ms': 1000 })
    append(harness, aBatch(1))
    harness.log.flushIfDue()
    await new Promise(resolve => setImmediate(resolve))
    expect(harness.log.recoveryPoint).toBe(0)
    harness.clock.advance(1000)
    harness.log.flushIfDue()
    await new Promise(resolve => setImmediate(resolve))
    expect(harness.log.recoveryPoint).toBe(1)
  })
})

describe('when the disk fails', () => {
  test("the turn's write tells everybody once and closes the log for writing", () => {
    const failed: Error[] = []
    const harness = aLog({}, { onFailed: error => failed.push(error) })
    const { log, turn, disk } = harness
    const told: Error[] = []
    log.onWritten({ written: () => undefined, failed: error => told.push(error) })
    append(harness, aBatch(2))
    disk.fail('write', { path: /\.log$/ })
    appendedTo(log, aBatch(2))
    turn.flush()
    expect([failed.length, told.length]).toEqual([1, 1])
    expect(log.logEndOffset).toBe(2)
    expect(log.appendAsLeader(aBatch(1), client)).toMatchObject({
      kind: 'refused',
      error: 'KAFKA_STORAGE_ERROR',
    })
    expect(log.appendAsFollower(aBatch(1))).toMatchObject({ kind: 'refused', error: 'KAFKA_STORAGE_ERROR' })
    expect(readAll(log).length).toBeGreaterThan(0)
  })

  test('a large batch is refused in the answer', () => {
    const { log, disk } = aLog()
    disk.fail('write', { path: /\.log$/ })
    const outcome = log.appendAsLeader(aBatch(['x'.repeat(100_000)]), client)
    expect(outcome).toMatchObject({ kind: 'refused', error: 'KAFKA_STORAGE_ERROR' })
  })

  test('a disk that fills up in the middle of a write leaves no torn end', () => {
    const harness = aLog()
    const { log, disk, turn } = harness
    append(harness, aBatch(2))
    const size = disk.peek('/data/topic-0/00000000000000000000.log').length
    disk.capacityBytes = disk.usedBytes + 50
    appendedTo(log, aBatch(2))
    turn.flush()
    expect(log.failure?.message).toContain('full')
    expect(disk.peek('/data/topic-0/00000000000000000000.log').length).toBe(size)
  })

  test('a failed sync closes the log', async () => {
    const harness = aLog()
    append(harness, aBatch(2))
    harness.disk.fail('sync')
    await expect(harness.log.flush()).rejects.toThrow('sync')
    expect(harness.log.failure).toBeDefined()
  })

  test('a failed read is a storage error', () => {
    const harness = aLog()
    for (let count = 0; count < 50; count++) append(harness, aBatch(2))
    harness.disk.fail('read')
    const read = harness.log.read({ offset: 11, maxBytes: 10, minOneBatch: true, upTo: 100 })
    expect(read).toEqual({ error: 'KAFKA_STORAGE_ERROR' })
  })
})

describe('opening', () => {
  test('everything is as it was after a clean close', async () => {
    const harness = aLog({ 'segment.bytes': 500 })
    for (let count = 0; count < 10; count++) {
      append(harness, aBatch(3, { producerId: 2, producerEpoch: 1, baseSequence: 3 * count }), {
        leaderEpoch: count,
      })
    }
    const { log, open } = harness
    log.advanceHighWatermark(25)
    const bytes = readAll(log)
    await log.close()
    const again = open({ highWatermark: 25, logStartOffset: 0, recoveryPoint: log.recoveryPoint })
    expect([again.nextOffset, again.highWatermark, again.logStartOffset]).toEqual([30, 25, 0])
    expect(readAll(again)).toEqual(bytes)
    expect(again.leaderEpochs.entries).toEqual(log.leaderEpochs.entries)
    expect(again.producers.describe()).toEqual(log.producers.describe())
    expect(log.appendAsLeader(aBatch(1), client)).toMatchObject({
      kind: 'refused',
      error: 'KAFKA_STORAGE_ERROR',
    })
  })

  test('a log that is new begins at the given start', () => {
    const { open, disk } = aLog()
    expect(disk.paths()).toContain('/data/topic-0/00000000000000000000.log')
    const other = logOn(new FakeDisk(), '/elsewhere/topic-1')
    expect(other.log.nextOffset).toBe(0)
    expect(open().nextOffset).toBe(0)
  })

  test('a log whose start lies beyond its end begins anew at the start', async () => {
    const harness = aLog()
    append(harness, aBatch(5))
    await harness.log.close()
    const again = harness.open({ logStartOffset: 50 })
    expect([again.logStartOffset, again.nextOffset, again.sizeInBytes]).toEqual([50, 50, 0])
  })

  test('a torn end is cut off', () => {
    const harness = aLog()
    append(harness, aBatch(5))
    const path = '/data/topic-0/00000000000000000000.log'
    const whole = harness.disk.peek(path)
    harness.disk.poke(path, Buffer.concat([whole, whole.subarray(0, 70)]))
    const again = harness.open()
    expect(again.nextOffset).toBe(5)
    expect(harness.disk.peek(path)).toEqual(whole)
  })

  test('index entries that never reached the file are made again', () => {
    const harness = aLog({ 'index.interval.bytes': 0 })
    for (let count = 0; count < 100; count++) append(harness, aBatch(1))
    const expected = harness.log.segments[0]!.offsets.entries()
    expect(expected.length).toBe(99)
    harness.disk.kill()
    const again = harness.open()
    expect(again.nextOffset).toBe(100)
    expect(again.segments[0]!.offsets.entries()).toEqual(expected)
  })

  test('a closed segment without its indexes gets them when they are needed', async () => {
    const harness = aLog({ 'segment.bytes': 1000, 'index.interval.bytes': 0 })
    for (let count = 0; count < 40; count++) append(harness, aBatch(1))
    const bytes = readAll(harness.log)
    const entries = harness.log.segments.map(segment => segment.offsets.entries())
    await harness.log.close()
    for (const path of harness.disk.paths()) if (path.endsWith('index')) harness.disk.unlink(path)
    const again = harness.open()
    expect(readAll(again, 0, 300)).toEqual(bytes)
    expect(again.segments.map(segment => segment.offsets.entries())).toEqual(entries)
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
