import { describe, expect, test } from 'vitest'
import { inlineRecoverer } from '../../../broker/log/recoverer.ts'
import { aBatch, readAll } from '../../support/a-log.ts'
import { foldersOf, openLogs as open, otherId, pass, topicId } from '../../support/broker-logs.ts'
import { FakeDisk } from '../../support/fake-disk.ts'
import { until } from '../../support/until.ts'

const twoDirectories = { 'log.dirs': ['/a', '/b'] }
describe('a stop and a start', () => {
  test('after a clean stop everything is as it was, and nothing of the data is read', async () => {
    const first = await open()
    const log = first.create('t', 0)
    first.append(log, 5)
    log.advanceHighWatermark(4)
    const bytes = readAll(log)
    await first.logs.close({ brokerEpoch: 42 })
    first.disk.kill()
    // Not even if the data could not be read.
    const mend = first.disk.fail('open', { path: /\.log$|index$/ })
    const second = await open({ disk: first.disk })
    expect(second.offline).toEqual([])
    expect(second.logs.previousBrokerEpoch).toBe(42)
    const again = second.logs.get('t', 0)
    expect(again).toMatchObject({ logEndOffset: 5, highWatermark: 5, recoveryPoint: 5, topicId })
    mend()
    expect(readAll(again!)).toEqual(bytes)
    second.append(again!, 1)
    expect(again!.logEndOffset).toBe(6)
  })

  test('after kill -9 the ends are read again, with progress', async () => {
    const first = await open()
    for (let partition = 0; partition < 3; partition++) first.append(first.create('t', partition), 4)
    first.disk.kill()
    const second = await open({ disk: first.disk })
    expect(second.logs.previousBrokerEpoch).toBe(-1)
    for (let partition = 0; partition < 3; partition++) {
      expect(second.logs.get('t', partition)).toMatchObject({ logEndOffset: 4 })
    }
    expect(second.progress.at(-1)).toEqual({ remainingLogs: 0, remainingSegments: 0, remainingBytes: 0 })
    expect(second.logs.progress).toEqual(second.progress.at(-1))
    expect(second.lines).toMatchObject([{ level: 'warn', logs: 3, remainingSegments: 3 }])
  })

  test('a clean stop of one that was killed before is clean again', async () => {
    const first = await open()
    first.append(first.create('t', 0), 3)
    first.disk.kill()
    const second = await open({ disk: first.disk })
    await second.logs.close({ brokerEpoch: 5 })
    first.disk.kill()
    const third = await open({ disk: first.disk })
    expect(third.logs.previousBrokerEpoch).toBe(5)
    expect(third.logs.get('t', 0)).toMatchObject({ logEndOffset: 3, recoveryPoint: 3 })
    expect(third.lines).toEqual([])
  })

  test('after a clean stop and a power cut nothing is missing', async () => {
    const first = await open()
    first.append(first.create('t', 0), 3)
    first.turn.flush()
    await first.logs.close({ brokerEpoch: 5 })
    first.disk.syncDirectory('/')
    first.disk.cutPower()
    const second = await open({ disk: first.disk })
    expect(second.logs.get('t', 0)).toMatchObject({ logEndOffset: 3, recoveryPoint: 3 })
  })

  test('what changed size between a clean stop and the start is read, not believed', async () => {
    const first = await open()
    first.append(first.create('t', 0), 3)
    await first.logs.close()
    first.disk.kill()
    const path = '/a/t-0/00000000000000000000.log'
    first.disk.poke(path, first.disk.peek(path).subarray(0, -10))
    const second = await open({ disk: first.disk })
    expect(second.logs.get('t', 0)?.logEndOffset).toBe(2)
  })

  test('a stop that is not clean leaves no mark', async () => {
    const first = await open()
    first.append(first.create('t', 0), 3)
    await first.logs.close({ clean: false })
    first.disk.kill()
    expect((await open({ disk: first.disk })).logs.previousBrokerEpoch).toBe(-1)
  })

  test('checkpoints are written from time to time', async () => {
    const { disk, clock, create, append } = await open()
    append(create('t', 0), 3)
    const content = (name: string): string => disk.peek(`/a/${name}-offset-checkpoint`).toString()
    await until(() => disk.paths().includes('/a/log-start-offset-checkpoint'), 'the first checkpoints')
    clock.advance(5000)
    await until(() => content('replication') === '0\n1\nt 0 3\n', 'the high watermark')
    expect(content('recovery-point')).toBe('0\n0\n')
    clock.advance(55_000)
    await until(() => content('recovery-point') === '0\n1\nt 0 0\n', 'the recovery point')
    expect(content('log-start')).toBe('0\n0\n')
  })

  test('damaged checkpoints delete nothing', async () => {
    const first = await open()
    const log = first.create('t', 0)
    first.append(log, 5)
    log.deleteRecordsBefore(3)
    await first.logs.close()
    first.disk.kill()
    for (const name of ['recovery-point', 'log-start', 'replication']) {
      first.disk.poke(`/a/${name}-offset-checkpoint`, Buffer.from('0\n1\nt 0 99999999999999999999\n'))
    }
    const second = await open({ disk: first.disk })
    expect(second.logs.get('t', 0)).toMatchObject({ logStartOffset: 0, logEndOffset: 5 })
  })

  test('the log start is kept', async () => {
    const first = await open()
    const log = first.create('t', 0)
    first.append(log, 5)
    log.deleteRecordsBefore(3)
    await first.logs.close()
    first.disk.kill()
    const second = await open({ disk: first.disk })
    expect(second.logs.get('t', 0)).toMatchObject({ logStartOffset: 3, highWatermark: 5, logEndOffset: 5 })
  })
})

describe('replicas', () => {
  test('go to the directory with the fewest, not to cordoned ones, and where they are asked for', async () => {
    const { logs, disk, create } = await open({ settings: twoDirectories })
    create('t', 0)
    create('t', 1)
    create('t', 2, '/b')
    create('t', 3)
    expect(foldersOf(disk, '/a')).toEqual(['t-0', 't-3'])
    expect(foldersOf(disk, '/b')).toEqual(['t-1', 't-2'])
    const cordoned = await open({ settings: { ...twoDirectories, 'cordoned.log.dirs': ['/a'] } })
    cordoned.create('t', 0)
    cordoned.create('t', 1)
    expect(foldersOf(cordoned.disk, '/b')).toEqual(['t-0', 't-1'])
    expect(cordoned.logs.describe().map(({ isCordoned }) => isCordoned)).toEqual([true, false])
    const all = await open({ settings: { 'cordoned.log.dirs': ['*'] } })
    expect(all.logs.create('t', 0, topicId)).toEqual({
      error: 'KAFKA_STORAGE_ERROR',
      message: 'No log directory takes new replicas.',
    })
    expect(logs.directoryIds).toHaveLength(2)
  })

  test('making one that is there gives the one that is there', async () => {
    const { create, append } = await open()
    append(create('t', 0), 2)
    expect(create('t', 0).logEndOffset).toBe(2)
  })

  test('a topic of the same name with another id never serves old data', async () => {
    const first = await open()
    first.append(first.create('t', 0), 2)
    await first.logs.close()
    first.disk.kill()
    const second = await open({ disk: first.disk })
    const log = second.logs.create('t', 0, otherId)
    expect(log).toMatchObject({ logEndOffset: 0, topicId: otherId })
    expect(foldersOf(first.disk, '/a')).toEqual(['t-0', expect.stringMatching(/^t-0\.[0-9a-f]{32}-stray$/)])
    expect(second.lines).toMatchObject([{ level: 'warn', topic: 't', partition: 0 }])
  })

  test('a folder that does not say its topic becomes the one of whoever asks', async () => {
    const first = await open()
    first.append(first.create('t', 0), 2)
    await first.logs.close()
    first.disk.kill()
    first.disk.unlink('/a/t-0/partition.metadata')
    const second = await open({ disk: first.disk })
    expect(second.logs.create('t', 0, otherId)).toMatchObject({ logEndOffset: 2, topicId: otherId })
    expect(first.disk.peek('/a/t-0/partition.metadata').toString()).toContain(otherId)
  })

  test('strays are put aside and kept, also over a start', async () => {
    const first = await open()
    first.create('t', 0)
    first.create('gone', 0)
    first.logs.putStraysAside(topic => topic === 't')
    expect(first.logs.get('gone', 0)).toBeUndefined()
    expect(foldersOf(first.disk, '/a')).toEqual([expect.stringMatching(/^gone-0\..*-stray$/), 't-0'])
    await first.logs.close()
    first.disk.kill()
    const second = await open({ disk: first.disk })
    expect(foldersOf(first.disk, '/a')).toHaveLength(2)
    expect(second.lines).toMatchObject([{ level: 'warn', folder: expect.stringContaining('gone-0') }])
  })

  test('a deleted one is renamed at once and removed after file.delete.delay.ms', async () => {
    const { logs, disk, clock, create, append } = await open()
    append(create('t', 0), 2)
    logs.delete('t', 0)
    expect(logs.get('t', 0)).toBeUndefined()
    expect(foldersOf(disk, '/a')).toEqual([expect.stringMatching(/^t-0\.[0-9a-f]{32}-delete$/)])
    expect(create('t', 0).logEndOffset).toBe(0)
    clock.advance(60_000)
    await until(() => foldersOf(disk, '/a').length === 1, 'the removal')
    expect(foldersOf(disk, '/a')).toEqual(['t-0'])
  })

  test('what a stop left half removed goes at the next start', async () => {
    const first = await open()
    first.create('t', 0)
    first.logs.delete('t', 0)
    await first.logs.close()
    first.disk.kill()
    const second = await open({ disk: first.disk })
    second.clock.advance(0)
    await until(() => foldersOf(first.disk, '/a').length === 0, 'the removal')
  })

  test('a log that cannot be served stays offline alone, its files untouched', async () => {
    const first = await open()
    first.append(first.create('t', 0), 2)
    first.append(first.create('t', 1), 2)
    first.disk.kill()
    const second = await open({
      disk: first.disk,
      options: {
        recoverer: {
          recover: job =>
            job.directory.endsWith('t-0')
              ? Promise.reject(new Error('It is of another world.'))
              : inlineRecoverer(first.disk).recover(job, () => {}),
          close: async () => {},
        },
      },
    })
    expect(second.logs.get('t', 0)).toBeUndefined()
    expect(second.logs.create('t', 0, topicId)).toEqual({
      error: 'KAFKA_STORAGE_ERROR',
      message: 'It is of another world.',
    })
    expect(second.logs.get('t', 1)?.logEndOffset).toBe(2)
    expect(second.offline).toEqual([])
    await second.logs.close()
    // Its checkpoints are kept for the day it can be opened.
    first.disk.kill()
    expect((await open({ disk: first.disk })).logs.get('t', 0)?.logEndOffset).toBe(2)
  })
})

describe('a directory whose disk fails', () => {
  test('takes its replicas offline and nothing else', async () => {
    const { logs, disk, turn, offline, create, append } = await open({ settings: twoDirectories })
    const failing = create('t', 0, '/a')
    const neighbour = create('t', 1, '/a')
    const other = create('t', 2, '/b')
    disk.fail('write', { path: /^\/a/ })
    failing.appendAsLeader(aBatch(1), { leaderEpoch: 0, origin: 'client' })
    turn.flush()
    expect(offline).toEqual([{ path: '/a', remaining: 1 }])
    for (const log of [failing, neighbour]) {
      expect(log.appendAsLeader(aBatch(1), { leaderEpoch: 0, origin: 'client' })).toMatchObject({
        kind: 'refused',
        error: 'KAFKA_STORAGE_ERROR',
      })
    }
    append(other, 2)
    expect(logs.describe()).toMatchObject([
      { path: '/a', error: 'KAFKA_STORAGE_ERROR', logs: [] },
      { path: '/b', error: 'NONE', logs: [{ partition: 2 }] },
    ])
    expect(logs.directoryIds).toHaveLength(1)
    expect(logs.create('t', 0, topicId)).toMatchObject({ error: 'KAFKA_STORAGE_ERROR' })
    expect(create('t', 9)).toBeDefined()
    expect([...logs.all()].map(({ partition }) => partition)).toEqual([2, 9])
    await logs.close()
    expect(disk.paths()).not.toContain('/a/.kafka_cleanshutdown')
    expect(disk.paths()).toContain('/b/.kafka_cleanshutdown')
  })

  test('the last one says that none remain', async () => {
    const { disk, turn, offline, create } = await open()
    const log = create('t', 0)
    disk.fail('write')
    log.appendAsLeader(aBatch(1), { leaderEpoch: 0, origin: 'client' })
    turn.flush()
    expect(offline).toEqual([{ path: '/a', remaining: 0 }])
  })

  test('at the start: the others are opened, and no replica is made that might be in it', async () => {
    const first = await open({ settings: twoDirectories })
    first.append(first.create('t', 0, '/a'), 2)
    first.append(first.create('t', 1, '/b'), 2)
    await first.logs.close()
    first.disk.kill()
    first.disk.fail('readDirectory', { path: /^\/a$/ })
    const { logs, offline } = await open({ disk: first.disk, settings: twoDirectories })
    expect(offline).toEqual([{ path: '/a', remaining: 1 }])
    expect(logs.get('t', 1)?.logEndOffset).toBe(2)
    expect(logs.create('t', 0, topicId)).toEqual({
      error: 'KAFKA_STORAGE_ERROR',
      message: 'The replica may be in /a, which is offline.',
    })
    expect(logs.create('t', 5, topicId, { isNew: true })).toHaveProperty('logEndOffset', 0)
    expect(logs.describe().map(({ path, error }) => `${path} ${error}`)).toEqual([
      '/b NONE',
      '/a KAFKA_STORAGE_ERROR',
    ])
  })

  test('while its logs are opened: the rest of it is left', async () => {
    const first = await open({ settings: twoDirectories })
    for (let partition = 0; partition < 4; partition++) first.append(first.create('t', partition), 1)
    first.disk.kill()
    first.disk.fail('read', { path: /^\/a.*\.log$/ })
    const { logs, offline } = await open({ disk: first.disk, settings: twoDirectories })
    expect(offline).toEqual([{ path: '/a', remaining: 1 }])
    expect([...logs.all()]).toHaveLength(2)
    expect(logs.progress.remainingLogs).toBe(0)
  })

  test('when none can be used the broker does not start', async () => {
    const disk = new FakeDisk()
    disk.fail('makeDirectory')
    await expect(open({ disk })).rejects.toThrow(/No log directory can be used: \/a: .*EIO/)
  })
})

describe('a new log', () => {
  test('costs a folder, two files and one write: nothing is looked for in a folder made just now', async () => {
    const { create, disk } = await open()
    disk.counts.clear()
    const log = create('t', 0)
    expect(Object.fromEntries(disk.counts)).toEqual({ makeDirectory: 1, open: 2, write: 1 })
    expect(log).toMatchObject({ logEndOffset: 0, topicId })
  })

  test('in a folder that was left there finds what stands in it', async () => {
    const { create, disk } = await open()
    disk.makeDirectory('/a/t-0')
    disk.poke('/a/t-0/00000000000000000000.index', Buffer.alloc(8, 1))
    disk.poke('/a/t-0/leader-epoch-checkpoint', Buffer.from('0\n1\n3 0\n'))
    const log = create('t', 0)
    expect(disk.paths()).not.toContain('/a/t-0/00000000000000000000.index')
    expect(log.nextOffset).toBe(0)
  })
})

describe('directories that are not ours', () => {
  test('a foreign one keeps the broker from starting, and every lock is let go', async () => {
    const disk = new FakeDisk()
    disk.makeDirectory('/b')
    disk.poke('/b/meta.properties', Buffer.from('version=1\ncluster.id=other\n'))
    await expect(open({ disk, settings: twoDirectories })).rejects.toThrow(/\/b belongs to cluster other/)
    await open({ disk, settings: { 'log.dirs': ['/a'] } })
  })

  test('a copy of another one is refused', async () => {
    const first = await open()
    await first.logs.close()
    first.disk.makeDirectory('/b')
    first.disk.poke('/b/meta.properties', first.disk.peek('/a/meta.properties'))
    first.disk.kill()
    await expect(open({ disk: first.disk, settings: twoDirectories })).rejects.toThrow(
      /one is a copy of the other/,
    )
  })
})

describe('housekeeping', () => {
  test('old segments of all logs go, and idle producers are forgotten', async () => {
    const { clock, create, append, turn } = await open({
      topic: { 'retention.ms': 3_600_000, 'segment.bytes': 200 },
    })
    const log = create('t', 0)
    append(log, 5)
    log.appendAsLeader(aBatch(1, { producerId: 7, producerEpoch: 0, baseSequence: 0 }), {
      leaderEpoch: 3,
      origin: 'client',
    })
    turn.flush()
    log.advanceHighWatermark(log.logEndOffset)
    expect(log.segments.length).toBeGreaterThan(2)
    await pass(clock, 2 * 3_600_000, 300_000)
    expect(log.logStartOffset).toBe(log.logEndOffset)
    expect(log.producers.size).toBe(1)
    await pass(clock, 24 * 3_600_000, 600_000)
    expect(log.producers.size).toBe(0)
  })

  test('flush.ms is looked after', async () => {
    const { clock, create, append } = await open({ topic: { 'flush.ms': 10_000 } })
    const log = create('t', 0)
    append(log, 2)
    await pass(clock, 9000, 1000)
    expect(log.recoveryPoint).toBe(0)
    await pass(clock, 2000, 1000)
    await until(() => log.recoveryPoint === 2, 'the flush')
  })

  test('a stop leaves no timer behind', async () => {
    const { logs, clock, create } = await open()
    create('t', 0)
    logs.delete('t', 0)
    await logs.close()
    await until(() => clock.pendingTimers === 0, 'the last timer')
  })
})

describe('cutting below what was flushed', () => {
  test('is in the checkpoint before the turn ends', async () => {
    const { disk, turn, create, append } = await open()
    const log = create('t', 0)
    append(log, 5)
    await log.flush()
    expect(log.recoveryPoint).toBe(5)
    log.truncateTo(2)
    turn.flush()
    expect(disk.peek('/a/recovery-point-offset-checkpoint').toString()).toBe('0\n1\nt 0 2\n')
  })
})
