import { describe, expect, test } from 'vitest'
import { aBatch, aLog, append, type LogHarness, logOn, readAll } from '../../support/a-log.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const client = { leaderEpoch: 0, origin: 'client' } as const

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

const folder = '/data/topic-0'

test('where segments have vanished, what is left beside them is not taken for a new one’s', () => {
  const { disk, open } = aLog()
  disk.unlink(`${folder}/00000000000000000000.log`)
  for (const kind of ['index', 'timeindex', 'txnindex'])
    disk.poke(`${folder}/00000000000000000007.${kind}`, Buffer.alloc(340, 1))
  expect(open({ logStartOffset: 7 }).nextOffset).toBe(7)
  expect(disk.paths()).toEqual([`${folder}/00000000000000000007.log`])
})

function filled(batches = 10, settings: Parameters<typeof aLog>[0] = { 'segment.bytes': 500 }): LogHarness {
  const harness = aLog(settings)
  for (let count = 0; count < batches; count++) {
    append(harness, aBatch(1, { producerId: 2, producerEpoch: 0, baseSequence: count }), {
      leaderEpoch: count,
    })
  }
  return harness
}

test('what is not a segment of this log is let alone', () => {
  const { disk, open, log } = filled(2)
  const strange = [
    '00000000000000000001.log.deleted',
    '00000000000000000001.log.swap',
    '1.log',
    '00000000000000000001.logs',
    'notes.txt',
  ]
  for (const name of strange) disk.poke(`${folder}/${name}`, Buffer.from('x'))
  disk.makeDirectory(`${folder}/00000000000000000001.log`)
  const again = open()
  expect([again.segments.length, again.nextOffset]).toEqual([1, log.nextOffset])
  for (const name of strange) expect(disk.peek(`${folder}/${name}`).toString()).toBe('x')
})

test('the log start is the checkpoint, but never before the first segment or after the end', () => {
  const { open } = filled()
  expect(open({ logStartOffset: 3 }).logStartOffset).toBe(3)
  expect(open({ logStartOffset: 10 }).logStartOffset).toBe(10)
  const late = logOn(new FakeDisk(), folder)
  late.log.truncateFullyAndStartAt(40)
  expect(late.open({ logStartOffset: 3 }).logStartOffset).toBe(40)
})

test('the high watermark is the checkpoint, within the log', () => {
  const { open } = filled()
  expect(open({ highWatermark: 4 }).highWatermark).toBe(4)
  expect(open({ highWatermark: 400 }).highWatermark).toBe(10)
  expect(open({ highWatermark: 2, logStartOffset: 3 }).highWatermark).toBe(3)
})

test('an end that is known is believed while the file is as long as it was, and then nothing is read', async () => {
  const { log, open, disk } = filled(3, {})
  await log.close()
  const end = { endOffset: 3, segmentBase: 0, segmentBytes: log.sizeInBytes }
  disk.counts.clear()
  expect(open({ end }).nextOffset).toBe(3)
  expect(disk.counts.get('open') ?? 0).toBeLessThanOrEqual(1)
  expect(open({ end: { ...end, endOffset: 7, segmentBytes: 1 } }).nextOffset).toBe(3)
  expect(open({ end: { ...end, endOffset: 7, segmentBase: 1 } }).nextOffset).toBe(3)
})

test('offsets that go back at the end are cut off', () => {
  const { open, disk } = filled(3, {})
  const path = `${folder}/00000000000000000000.log`
  const whole = disk.peek(path)
  disk.poke(path, Buffer.concat([whole, aBatch(1, { baseOffset: 1 })]))
  expect(open().nextOffset).toBe(3)
  expect(disk.peek(path)).toEqual(whole)
})

test('epochs that nobody wrote down are read from the batches', async () => {
  const { log, open, disk } = filled()
  const { entries } = log.leaderEpochs
  await log.close()
  disk.poke(`${folder}/leader-epoch-checkpoint`, Buffer.from('0\n9\nrubbish\n'))
  expect(open().leaderEpochs.entries).toEqual(entries)
})

test('epochs of records that are not there any more are forgotten at both ends', async () => {
  const { log, open, disk } = filled(3, {})
  await log.close()
  disk.poke(`${folder}/leader-epoch-checkpoint`, Buffer.from('0\n4\n0 0\n1 1\n2 2\n3 3\n'))
  expect(open({ logStartOffset: 1 }).leaderEpochs.entries).toEqual([
    { epoch: 1, startOffset: 1 },
    { epoch: 2, startOffset: 2 },
  ])
})

describe('producers', () => {
  const snapshots = ({ disk }: LogHarness): number[] =>
    disk.paths().flatMap(path => (path.endsWith('.snapshot') ? [Number(path.slice(-29, -9))] : []))

  test('are those of the newest snapshot and the batches behind it', () => {
    const harness = filled(20)
    expect(snapshots(harness).length).toBeGreaterThan(1)
    harness.disk.kill()
    expect(harness.open().producers.describe()).toEqual(harness.log.producers.describe())
  })

  test('are read from older files when a snapshot is damaged', () => {
    const harness = filled(20)
    const newest = snapshots(harness).at(-1)!
    const path = `${folder}/${String(newest).padStart(20, '0')}.snapshot`
    const content = harness.disk.peek(path)
    content[content.length - 1]! ^= 1
    harness.disk.poke(path, content)
    expect(harness.open().producers.describe()).toEqual(harness.log.producers.describe())
    expect(snapshots(harness)).not.toContain(newest)
  })

  test('of a snapshot beyond the end are not believed, and files that nobody will need are removed', () => {
    const harness = filled(20)
    const bases = harness.log.segments.map(({ baseOffset }) => baseOffset)
    for (const offset of [1, 500]) {
      harness.disk.poke(`${folder}/${String(offset).padStart(20, '0')}.snapshot`, Buffer.from('x'))
    }
    expect(harness.open().producers.describe()).toEqual(harness.log.producers.describe())
    expect(snapshots(harness)).toEqual(bases.slice(1))
  })

  test('that wrote nothing for long are not loaded', async () => {
    const { log, open, clock } = filled(3, {})
    await log.close()
    clock.advance(10 * 365 * 86_400_000)
    expect(open().producers.size).toBe(0)
  })
})
