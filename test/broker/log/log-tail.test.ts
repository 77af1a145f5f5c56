import { describe, expect, test } from 'vitest'
import { aBatch, aLog, append, appendedTo, readAll } from '../../support/a-log.ts'

const client = { leaderEpoch: 0, origin: 'client' } as const

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

describe('when the disk fails', () => {
  test("the turn's write tells everybody once and closes the log for writing", () => {
    const failed: Error[] = []
    const harness = aLog({}, { onFailed: error => failed.push(error) })
    const { log, turn, disk } = harness
    const told: Error[] = []
    log.onWritten({ written: () => undefined, refused: () => undefined, failed: error => told.push(error) })
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

  test.each([0, 1, 2])('a cut that fails after %i segments leaves a beginning of what was there', after => {
    const harness = aLog({ 'segment.bytes': 200 })
    for (let count = 0; count < 10; count++) append(harness, aBatch(2))
    const { log, disk } = harness
    const before = readAll(log)
    const stop = disk.fail('rename', { path: /\.log$/, after })
    log.truncateTo(1)
    expect(log.failure).toBeDefined()
    stop()
    disk.kill()
    const again = harness.open()
    expect(readAll(again)).toEqual(before.subarray(0, again.sizeInBytes))
  })

  test('of a write that fails half way nothing is left in the file', () => {
    const harness = aLog()
    const { log, turn, disk } = harness
    append(harness, aBatch(2))
    const size = log.sizeInBytes
    appendedTo(log, aBatch(1))
    disk.fail('write', { path: /\.log$/, after: 2 })
    log.appendAsLeader(aBatch(['x'.repeat(700_000)]), client)
    turn.flush()
    expect(log.failure).toBeDefined()
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

describe('the listener', () => {
  test('is told once a turn, and only when the readable end has moved', () => {
    const harness = aLog()
    const told: number[] = []
    const listener = { refused: () => undefined, failed: () => undefined }
    harness.log.onWritten({ ...listener, written: offset => told.push(offset) })
    for (let count = 0; count < 3; count++) appendedTo(harness.log, aBatch(['x'.repeat(70_000)]))
    harness.turn.flush()
    harness.log.roll()
    harness.turn.flush()
    expect(told).toEqual([3])
    const others: number[] = []
    harness.log.onWritten({ ...listener, written: offset => others.push(offset) })
    append(harness, aBatch(1))
    expect([told, others]).toEqual([[3], [4]])
  })

  test('hears of a cut as of a new end', () => {
    const harness = aLog()
    const told: number[] = []
    append(harness, aBatch(1))
    append(harness, aBatch(1))
    harness.log.onWritten({
      written: offset => told.push(offset),
      refused: () => undefined,
      failed: () => undefined,
    })
    harness.log.truncateTo(1)
    harness.turn.flush()
    expect(told).toEqual([1])
  })

  test('hears of a disk that failed elsewhere, and of nothing afterwards', () => {
    const harness = aLog()
    const told: string[] = []
    harness.log.onWritten({
      written: offset => told.push(`written ${offset}`),
      refused: offset => told.push(`refused ${offset}`),
      failed: error => told.push(error.message),
    })
    appendedTo(harness.log, aBatch(1))
    harness.log.takeOffline(new Error('gone'))
    harness.log.takeOffline(new Error('gone again'))
    harness.turn.flush()
    expect([told, harness.log.logEndOffset]).toEqual([['gone'], 0])
  })
})

test('the first batch of a segment may be larger than a segment should be', () => {
  const harness = aLog({ 'segment.bytes': 200 })
  harness.log.appendAsFollower(aBatch(['x'.repeat(500)], { partitionLeaderEpoch: 0 }))
  harness.log.appendAsFollower(aBatch(['x'.repeat(500)], { baseOffset: 1, partitionLeaderEpoch: 0 }))
  harness.turn.flush()
  expect(harness.log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 1])
})

test('a segment that is empty is not rolled', () => {
  const { log, disk } = aLog()
  const before = disk.paths()
  log.roll()
  expect(disk.paths()).toEqual(before)
})

test('a roll writes what was staged to the segment that it closes', () => {
  const harness = aLog()
  appendedTo(harness.log, aBatch(2))
  harness.log.roll()
  expect(harness.log.logEndOffset).toBe(2)
  appendedTo(harness.log, aBatch(1))
  harness.turn.flush()
  expect(harness.log.segments.map(({ writtenBytes }) => writtenBytes)).toEqual([
    aBatch(2).length,
    aBatch(1).length,
  ])
})
