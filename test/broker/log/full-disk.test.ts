import { describe, expect, test } from 'vitest'
import type { Log } from '../../../broker/log/log.ts'
import { buildEndTransactionMarker } from '../../../protocol/index.ts'
import { aBatch, aLog, append, type LogHarness, readAll } from '../../support/a-log.ts'

const client = { leaderEpoch: 0, origin: 'client' } as const
const full = { kind: 'refused', error: 'KAFKA_STORAGE_ERROR' }
const logPath = '/data/topic-0/00000000000000000000.log'
const producer = { producerId: 7, producerEpoch: 0 }

/** A log, and what its listener and the owner of its directory were told. */
function aToldLog(...[settings, options]: Parameters<typeof aLog>): LogHarness & { readonly told: string[] } {
  const told: string[] = []
  const harness = aLog(settings, { ...options, onFailed: () => told.push('directory failed') })
  tell(harness.log, told)
  return { ...harness, told }
}

function tell(log: Log, told: string[]): void {
  log.onWritten({
    written: offset => told.push(`written ${offset}`),
    refused: offset => told.push(`refused ${offset}`),
    failed: () => told.push('failed'),
  })
}

/** The disk takes `bytes` more, and then nothing. */
function leave({ disk }: LogHarness, bytes: number): void {
  disk.capacityBytes = disk.usedBytes + bytes
}

function makeRoom({ disk }: LogHarness): void {
  disk.capacityBytes = Number.POSITIVE_INFINITY
}

describe('a write that the disk has no room for', () => {
  test('takes back offsets, bytes, producers and epochs, and the log goes on when there is room', () => {
    const harness = aToldLog()
    const { log, turn, disk, told } = harness
    append(harness, aBatch(2, { ...producer, baseSequence: 0 }))
    const before = { bytes: disk.peek(logPath), producers: log.producers.describe() }
    leave(harness, 50)
    const lost = (): Buffer => aBatch(3, { ...producer, baseSequence: 2 })
    expect(log.appendAsLeader(lost(), { ...client, leaderEpoch: 4 })).toMatchObject({ baseOffset: 2 })
    expect(log.nextOffset).toBe(5)
    turn.flush()
    expect([log.nextOffset, log.logEndOffset, log.sizeInBytes]).toEqual([2, 2, before.bytes.length])
    expect(disk.peek(logPath)).toEqual(before.bytes)
    expect(log.producers.describe()).toEqual(before.producers)
    expect(log.leaderEpochs.entries).toEqual([{ epoch: 0, startOffset: 0 }])
    expect(readAll(log)).toEqual(before.bytes)
    expect([log.failure, told]).toEqual([undefined, ['written 2', 'refused 2']])

    makeRoom(harness)
    // Not a duplicate: it was never written.
    expect(log.appendAsLeader(lost(), { ...client, leaderEpoch: 4 })).toMatchObject({
      kind: 'appended',
      baseOffset: 2,
      lastOffset: 4,
    })
    turn.flush()
    expect(told.at(-1)).toBe('written 5')
    expect(log.leaderEpochs.latestEpoch).toBe(4)
  })

  test('refuses everything until those who wait have been told: no offset is given out twice in a turn', () => {
    const harness = aToldLog()
    const { log, turn, told } = harness
    log.appendAsLeader(aBatch(2), client)
    leave(harness, 50)
    const large = log.appendAsLeader(aBatch(['x'.repeat(100_000)]), client)
    expect(large).toMatchObject(full)
    expect(large.kind === 'refused' && large.message).toContain('full')
    makeRoom(harness)
    expect(log.appendAsLeader(aBatch(1), client)).toMatchObject(full)
    expect(log.appendAsFollower(aBatch(1))).toMatchObject(full)
    expect([log.nextOffset, told]).toEqual([0, []])
    turn.flush()
    expect([log.logEndOffset, told]).toEqual([0, ['refused 0']])
    expect(append(harness, aBatch(1)).baseOffset).toBe(0)
  })

  test('takes back nothing that was written in the same turn before', () => {
    const harness = aToldLog()
    const { log, turn, told } = harness
    const first = aBatch(['x'.repeat(70_000)])
    log.appendAsLeader(first, client)
    leave(harness, 10)
    log.appendAsLeader(aBatch(2), client)
    turn.flush()
    expect([log.nextOffset, told]).toEqual([1, ['refused 1', 'written 1']])
    expect(readAll(log)).toEqual(first)
  })

  test('of several pieces leaves none of them', () => {
    const harness = aToldLog()
    const { log, disk, turn } = harness
    leave(harness, 600_000)
    expect(log.appendAsLeader(aBatch(['x'.repeat(700_000)]), client)).toMatchObject(full)
    expect([disk.peek(logPath).length, log.sizeInBytes]).toEqual([0, 0])
    turn.flush()
    expect(append(harness, aBatch(1)).baseOffset).toBe(0)
    disk.kill()
    expect(harness.open().nextOffset).toBe(1)
  })

  test('takes back books and index entries of batches that only waited', () => {
    const harness = aToldLog({ 'index.interval.bytes': 0 })
    const { log, turn } = harness
    const at = (timestamp: number): Buffer => aBatch(0, { records: [{ value: null, timestamp }] })
    append(harness, at(1000))
    append(harness, at(2000))
    leave(harness, 0)
    log.appendAsLeader(at(9000), client)
    log.appendAsLeader(at(9001), client)
    turn.flush()
    const [segment] = log.segments
    expect([segment!.largestTimestamp, segment!.offsets.lastOffset]).toEqual([2000, 1])
    makeRoom(harness)
    append(harness, at(3000))
    append(harness, at(4000))
    expect(segment!.offsets.entries().map(({ offset }) => offset)).toEqual([1, 2, 3])
    expect(segment!.times.entries().map(({ timestamp }) => timestamp)).toEqual([2000, 3000, 4000])
  })

  test('is told to who waits for a flush', async () => {
    const harness = aToldLog()
    leave(harness, 0)
    harness.log.appendAsLeader(aBatch(1), client)
    await expect(harness.log.flush()).rejects.toThrow('full')
    harness.turn.flush()
    makeRoom(harness)
    append(harness, aBatch(1))
    await harness.log.flush()
    expect(harness.log.recoveryPoint).toBe(1)
  })

  test.each(['ENOSPC', 'EDQUOT'])('may be said as %s', code => {
    const harness = aToldLog()
    harness.disk.fail('write', { path: /\.log$/, code, times: 1 })
    harness.log.appendAsLeader(aBatch(1), client)
    harness.turn.flush()
    expect(harness.told).toEqual(['refused 0'])
  })

  test('closes the log when not even the beginning of it can be cut off', () => {
    const harness = aToldLog()
    leave(harness, 20)
    harness.disk.fail('truncate')
    harness.log.appendAsLeader(aBatch(1), client)
    harness.turn.flush()
    expect(harness.told).toEqual(['directory failed', 'failed'])
  })
})

describe('transactions', () => {
  const buildMarker = (outcome: 'commit' | 'abort', of: typeof producer): Buffer =>
    buildEndTransactionMarker({ outcome, ...of, coordinatorEpoch: 0, timestampMs: 1_700_000_000_000 })

  const transactional = { ...producer, isTransactional: true }
  const coordinator = { ...client, origin: 'coordinator' } as const

  test('that began with what was taken back have not begun', () => {
    const harness = aToldLog()
    const { log, turn } = harness
    append(harness, aBatch(1, { ...transactional, producerId: 1, baseSequence: 0 }))
    leave(harness, 0)
    log.appendAsLeader(aBatch(1, { ...transactional, baseSequence: 0 }), client)
    expect(log.producers.hasOpenTransaction(7, 0)).toBe(true)
    turn.flush()
    expect(log.producers.hasOpenTransaction(7, 0)).toBe(false)
    expect([log.producers.entry(7), log.producers.firstUndecidedOffset]).toEqual([undefined, 0])
  })

  test.each(['commit', 'abort'] as const)('go on when their %s marker was taken back', kind => {
    const harness = aToldLog()
    const { log, turn } = harness
    append(harness, aBatch(3, { ...transactional, baseSequence: 0 }))
    append(harness, aBatch(1, { ...transactional, producerId: 8, baseSequence: 0 }))
    log.advanceHighWatermark(4)
    leave(harness, 0)
    const marker = (): Buffer => buildMarker(kind, producer)
    expect(log.appendAsLeader(marker(), coordinator)).toMatchObject({ kind: 'appended', baseOffset: 4 })
    turn.flush()
    expect([log.producers.firstUnstableOffset, log.nextOffset]).toEqual([0, 4])
    makeRoom(harness)
    append(harness, marker(), { origin: 'coordinator' })
    log.advanceHighWatermark(5)
    expect(log.lastStableOffset).toBe(3)
    const aborted = kind === 'abort' ? [{ producerId: 7, firstOffset: 0 }] : []
    const read = log.read({ offset: 0, maxBytes: 1e6, minOneBatch: true, upTo: 5, readCommitted: true })
    expect('abortedTransactions' in read && read.abortedTransactions).toEqual(aborted)
  })

  test('go on when there was room for the marker and not for its entry in the index', () => {
    const harness = aToldLog()
    const { log, turn, disk } = harness
    append(harness, aBatch(3, { ...transactional, baseSequence: 0 }))
    const marker = buildMarker('abort', producer)
    leave(harness, marker.length + 10)
    log.appendAsLeader(marker, coordinator)
    turn.flush()
    expect([log.nextOffset, log.producers.firstUnstableOffset]).toEqual([3, 0])
    makeRoom(harness)
    append(harness, buildMarker('abort', producer), { origin: 'coordinator' })
    expect(log.segments[0]?.transactions.exists).toBe(true)
    disk.kill()
    expect(harness.open().producers.firstUndecidedOffset).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('a segment that the disk has no room for', () => {
  test.each([
    ['the last entries of the old indexes', 'write', /\.(time)?index$/],
    ['the snapshot of the producers', 'write', /\.snapshot$/],
    ['its own file', 'open', /\d{19}[1-9]\.log$/],
  ] as const)('for want of %s is begun later, and nothing of it is left', (_, operation, path) => {
    const harness = aToldLog({ 'segment.bytes': 450, 'index.interval.bytes': 0 })
    const { log, turn, disk, told } = harness
    const batch = (): Buffer => aBatch(['v'.repeat(100)])
    append(harness, batch())
    append(harness, batch())
    const stop = disk.fail(operation, { path, code: 'ENOSPC' })
    expect(log.appendAsLeader(batch(), client)).toMatchObject(full)
    turn.flush()
    expect(log.segments.length).toBe(1)
    expect(disk.paths().filter(name => name.endsWith('.log'))).toEqual([logPath])
    // A smaller one still fits the old segment: no file may stand in the middle of its offsets.
    append(harness, aBatch(['v']))
    stop()
    append(harness, batch())
    expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 3])
    expect(told).toEqual(['written 1', 'written 2', 'refused 2', 'written 3', 'written 4'])
    const bytes = readAll(log)
    disk.kill()
    expect(readAll(harness.open())).toEqual(bytes)
  })

  test('behind a gap is not in the way of the offsets before it', () => {
    const harness = aToldLog()
    const { log, turn, disk } = harness
    append(harness, aBatch(1))
    disk.fail('write', { path: /\.log$/, code: 'ENOSPC', times: 1 })
    log.appendAsFollower(aBatch(1, { baseOffset: 2 ** 31 + 5, partitionLeaderEpoch: 0 }))
    turn.flush()
    expect([log.nextOffset, log.recoveryPoint]).toEqual([1, 1])
    expect(
      disk.paths().filter(name => !name.includes('0000.') && name.startsWith('/data/topic-0/0')),
    ).toEqual([])
    expect(append(harness, aBatch(1)).baseOffset).toBe(1)
    expect(readAll(log).length).toBe(2 * aBatch(1).length)
  })

  test('leaves a follower with what there was room for', () => {
    const leader = aLog()
    for (let count = 0; count < 6; count++) append(leader, aBatch(['v'.repeat(100)]))
    const bytes = readAll(leader.log)
    const harness = aToldLog({ 'segment.bytes': 400 })
    const { log, turn, disk } = harness
    const stop = disk.fail('open', { path: /\d{19}[1-9]\.log$/, code: 'ENOSPC', after: 1 })
    expect(log.appendAsFollower(Buffer.from(bytes))).toMatchObject(full)
    turn.flush()
    const kept = log.nextOffset
    expect([kept, log.logEndOffset]).toEqual([4, 4])
    stop()
    const rest = readAll(leader.log, kept)
    log.appendAsFollower(rest)
    turn.flush()
    expect(readAll(log)).toEqual(bytes)
  })
})

describe('while the disk is full', () => {
  test('retention goes on: all but the last segment go, and that one when there is room for another', () => {
    const harness = aToldLog({ 'segment.bytes': 400, 'retention.ms': 1000, 'index.interval.bytes': 0 })
    const { log, clock, disk } = harness
    for (let count = 0; count < 9; count++) append(harness, aBatch(['v'.repeat(100)]))
    log.advanceHighWatermark(9)
    const segments = log.segments.length
    disk.fail('write', { path: /\.snapshot$/, code: 'ENOSPC', times: 1 })
    expect(log.deleteOldSegments(clock.nowMs() + 5000)).toBe(segments - 1)
    expect([log.segments.length, log.logStartOffset]).toEqual([1, log.segments[0]?.baseOffset])
    clock.advance(60_000)
    expect(disk.paths().filter(path => path.endsWith('.deleted'))).toEqual([])
    expect(log.deleteOldSegments(clock.nowMs() + 5000)).toBe(1)
    expect([log.logStartOffset, log.nextOffset, log.failure]).toEqual([9, 9, undefined])
  })

  test('a log that begins anew makes itself room', () => {
    const harness = aToldLog({ 'index.interval.bytes': 0 })
    const { log, disk, turn } = harness
    for (let count = 0; count < 9; count++) append(harness, aBatch(1))
    leave(harness, 0)
    disk.fail('open', { path: /100\.log$/, code: 'ENOSPC', times: 1 })
    log.truncateFullyAndStartAt(100)
    expect([log.nextOffset, log.failure, disk.usedBytes]).toEqual([100, undefined, 0])
    log.appendAsLeader(aBatch(1), client)
    turn.flush()
    expect(log.logEndOffset).toBe(101)
  })

  test('an idle log keeps what it cannot write', () => {
    const harness = aToldLog({ 'index.interval.bytes': 0 })
    const { log } = harness
    append(harness, aBatch(1))
    append(harness, aBatch(1))
    leave(harness, 0)
    log.releaseIdle()
    log.releaseIdle()
    expect([log.failure, log.segments[0]?.offsets.count]).toEqual([undefined, 1])
  })

  test('a missing index fails its readers and not the log', () => {
    const harness = aLog({ 'segment.bytes': 400, 'index.interval.bytes': 0 })
    for (let count = 0; count < 9; count++) append(harness, aBatch(['v'.repeat(100)]))
    harness.log.releaseIdle()
    harness.disk.unlink('/data/topic-0/00000000000000000000.index')
    const log = harness.open()
    const read = () => log.read({ offset: 1, maxBytes: 1, minOneBatch: true, upTo: 9 })
    leave(harness, 0)
    expect(read()).toEqual({ error: 'KAFKA_STORAGE_ERROR' })
    expect(log.failure).toBeUndefined()
    makeRoom(harness)
    expect('records' in read()).toBe(true)
  })

  test('records that wait for the device are kept, and seen when there is room for the epochs', async () => {
    const harness = aToldLog({ 'flush.messages': 1 })
    const { log, turn, disk, told } = harness
    const stop = disk.fail('write', { path: /leader-epoch/, code: 'ENOSPC' })
    append(harness, aBatch(2))
    await expect(log.flush()).rejects.toThrow('ENOSPC')
    expect([log.nextOffset, log.logEndOffset, log.failure, told]).toEqual([2, 0, undefined, []])
    stop()
    log.flushIfDue()
    await log.flush()
    turn.flush()
    expect([log.logEndOffset, told]).toEqual([2, ['written 2']])
  })

  test('a sync that finds no room closes the log: what was written may be lost', async () => {
    const harness = aToldLog()
    append(harness, aBatch(2))
    harness.disk.fail('sync', { path: /\.log$/, code: 'ENOSPC' })
    await expect(harness.log.flush()).rejects.toThrow('ENOSPC')
    expect(harness.log.failure).toBeDefined()
  })
})
