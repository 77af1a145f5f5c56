import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Log } from '../../../broker/log/log.ts'
import { aBatch, readAll } from '../../support/a-log.ts'
import { foldersOf, openLogs, pass, topicId } from '../../support/broker-logs.ts'
import { until } from '../../support/until.ts'

type Logs = Awaited<ReturnType<typeof openLogs>>

const two = { 'log.dirs': ['/a', '/b'] }

async function aReplica(
  records: number,
  given: Parameters<typeof openLogs>[0] = {},
): Promise<Logs & { log: Log }> {
  const logs = await openLogs({ settings: two, ...given })
  const log = logs.create('t', 0, '/a')
  logs.append(log, records)
  return { ...logs, log }
}

/** Lets the copying go on until `condition` holds. */
async function runUntil(logs: Logs, condition: () => boolean, what: string): Promise<void> {
  await until(() => {
    logs.turn.flush()
    logs.clock.advance(5)
    return condition()
  }, what)
}

const isMoved = (logs: Logs) => (): boolean => logs.moved.length > 0

describe('moving a replica to another directory', () => {
  test('copies all of it, tells the new log, and removes the old one later', async () => {
    const logs = await aReplica(20, { topic: { 'segment.bytes': 500 } })
    logs.log.deleteRecordsBefore(7)
    const before = { bytes: readAll(logs.log), epochs: logs.log.leaderEpochs.entries }
    expect(logs.logs.moveReplica('t', 0, '/b')).toEqual({ error: 'NONE', message: '' })
    await runUntil(logs, isMoved(logs), 'the move')
    const moved = logs.logs.get('t', 0)!
    expect(logs.moved).toEqual([{ replica: 't-0', log: moved }])
    expect(moved).toMatchObject({
      directory: '/b/t-0',
      logStartOffset: 7,
      highWatermark: 20,
      logEndOffset: 20,
      topicId,
    })
    expect(readAll(moved)).toEqual(before.bytes)
    expect(moved.leaderEpochs.entries).toEqual(before.epochs)
    expect(foldersOf(logs.disk, '/b')).toEqual(['t-0'])
    expect(foldersOf(logs.disk, '/a')).toEqual([expect.stringMatching(/-delete$/)])
    await pass(logs.clock, 60_000, 10_000)
    await until(() => foldersOf(logs.disk, '/a').length === 0, 'the removal')
  })

  test('goes on while records are appended, and loses none', async () => {
    const logs = await aReplica(5)
    logs.logs.moveReplica('t', 0, '/b')
    let appended = 5
    await until(() => {
      if (logs.moved.length === 0 && appended < 40) {
        logs.append(logs.log, 1)
        appended++
      }
      logs.clock.advance(5)
      return logs.moved.length > 0
    }, 'the move')
    const moved = logs.logs.get('t', 0)!
    expect(moved.logEndOffset).toBe(appended)
    logs.append(moved, 3)
    expect(moved.logEndOffset).toBe(appended + 3)
  })

  test('keeps producers, also those whose records are deleted, and open transactions', async () => {
    const logs = await aReplica(0)
    const send = (producerId: number, baseSequence: number, isTransactional = false) =>
      logs.log.appendAsLeader(aBatch(1, { producerId, producerEpoch: 0, baseSequence, isTransactional }), {
        leaderEpoch: 3,
        origin: 'client',
      })
    send(1, 0)
    send(2, 0, true)
    logs.append(logs.log, 1)
    logs.log.deleteRecordsBefore(1)
    logs.logs.moveReplica('t', 0, '/b')
    await runUntil(logs, isMoved(logs), 'the move')
    const moved = logs.logs.get('t', 0)!
    expect(
      moved.producers
        .describe()
        .map(({ producerId, currentTxnStartOffset }) => [producerId, currentTxnStartOffset]),
    ).toEqual([
      [1, -1],
      [2, 1],
    ])
    expect(moved.lastStableOffset).toBe(1)
  })

  test('follows when the original is cut and written anew', async () => {
    const logs = await aReplica(10, {
      settings: { ...two, 'replica.alter.log.dirs.io.max.bytes.per.second': 1 },
    })
    logs.logs.moveReplica('t', 0, '/b')
    // Everything is copied in the first step; then the copying waits because of the limit.
    await runUntil(logs, () => logs.logs.describe()[1]?.logs[0]?.offsetLag === 0, 'the first copy')
    logs.log.truncateTo(4)
    const batch = aBatch(3)
    logs.log.appendAsLeader(batch, { leaderEpoch: 9, origin: 'client' })
    logs.turn.flush()
    const bytes = readAll(logs.log)
    await until(() => {
      logs.turn.flush()
      logs.clock.advance(3_600_000)
      return logs.moved.length > 0
    }, 'the move')
    expect(readAll(logs.logs.get('t', 0)!)).toEqual(bytes)
  })

  test('is described while it goes on, and can be called off', async () => {
    const logs = await aReplica(10, {
      settings: { ...two, 'replica.alter.log.dirs.io.max.bytes.per.second': 1 },
    })
    logs.logs.moveReplica('t', 0, '/b')
    await until(() => logs.logs.describe()[1]?.logs[0]?.sizeInBytes !== 0, 'the first copy')
    logs.append(logs.log, 4)
    expect(logs.logs.describe()[1]?.logs).toEqual([
      { topic: 't', partition: 0, sizeInBytes: expect.any(Number), offsetLag: 4, isFuture: true },
    ])
    expect(logs.logs.moveReplica('t', 0, '/b').error).toBe('NONE')
    expect(logs.logs.moveReplica('t', 0, '/a').error).toBe('NONE')
    expect(logs.logs.describe()[1]?.logs).toEqual([])
    await pass(logs.clock, 3_600_000, 600_000)
    expect(logs.moved).toEqual([])
    expect(logs.logs.get('t', 0)).toBe(logs.log)
    expect(foldersOf(logs.disk, '/b')).toEqual([])
  })

  test('ends with the replica', async () => {
    const logs = await aReplica(10, {
      settings: { ...two, 'replica.alter.log.dirs.io.max.bytes.per.second': 1 },
    })
    logs.logs.moveReplica('t', 0, '/b')
    await until(() => logs.logs.describe()[1]?.logs.length === 1, 'the copy')
    logs.logs.delete('t', 0)
    await pass(logs.clock, 3_600_000, 600_000)
    expect(foldersOf(logs.disk, '/a')).toEqual([])
    expect(foldersOf(logs.disk, '/b')).toEqual([])
  })

  test('a target whose disk fails leaves the replica where it is', async () => {
    const logs = await aReplica(10)
    logs.disk.fail('write', { path: /^\/b.*\.log$/ })
    logs.logs.moveReplica('t', 0, '/b')
    await runUntil(logs, () => logs.offline.length > 0, 'the failure')
    expect(logs.offline).toEqual([{ path: '/b', remaining: 1 }])
    logs.append(logs.log, 1)
    expect(logs.logs.get('t', 0)).toBe(logs.log)
  })

  test.each([
    ['/nowhere', 't', 'LOG_DIR_NOT_FOUND'],
    ['/b', 'unknown', 'REPLICA_NOT_AVAILABLE'],
  ])('to %s of %s is refused with %s', async (path, topic, error) => {
    const logs = await aReplica(1)
    expect(logs.logs.moveReplica(topic, 0, path).error).toBe(error)
  })

  test('a replica that is not here yet is made where it was asked to be', async () => {
    const logs = await aReplica(1)
    logs.logs.moveReplica('later', 0, '/a')
    logs.create('later', 0)
    expect(foldersOf(logs.disk, '/a')).toEqual(['later-0', 't-0'])
  })
})

describe('a stop or a crash while a replica is being moved', () => {
  test('after a stop the move begins anew', async () => {
    const logs = await aReplica(10, {
      settings: { ...two, 'replica.alter.log.dirs.io.max.bytes.per.second': 1 },
    })
    logs.logs.moveReplica('t', 0, '/b')
    await until(() => logs.logs.describe()[1]?.logs[0]?.sizeInBytes !== 0, 'the first copy')
    const bytes = readAll(logs.log)
    await logs.logs.close()
    logs.disk.kill()
    const again = await openLogs({ disk: logs.disk, settings: two })
    await runUntil(again, isMoved(again), 'the move')
    expect(readAll(again.logs.get('t', 0)!)).toEqual(bytes)
    expect(foldersOf(again.disk, '/b')).toEqual(['t-0'])
  })

  test('wherever the switch is interrupted, the next start has exactly one whole replica', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(4), fc.boolean(), async (after, power) => {
        const logs = await aReplica(10)
        await logs.log.flush()
        const bytes = readAll(logs.log)
        const mend = logs.disk.fail('rename', { path: /^\/[ab]\/t-0/, after })
        logs.logs.moveReplica('t', 0, '/b')
        await runUntil(logs, () => logs.offline.length > 0 || logs.moved.length > 0, 'the switch')
        if (power) {
          logs.disk.syncDirectory('/')
          logs.disk.cutPower({ tear: 0 })
        } else {
          logs.disk.kill()
        }
        mend()
        const { disk } = logs
        const healed = await openLogs({ disk, settings: two })
        expect(readAll(healed.logs.get('t', 0)!)).toEqual(bytes)
        const live = ['/a', '/b'].flatMap(path => foldersOf(disk, path)).filter(name => name === 't-0')
        expect(live).toHaveLength(1)
      }),
      { numRuns: 20 },
    )
  })
})
