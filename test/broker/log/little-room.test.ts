import { describe, expect, test } from 'vitest'
import { aBatch, readAll } from '../../support/a-log.ts'
import { openLogs as open } from '../../support/broker-logs.ts'
import { until } from '../../support/until.ts'

describe('a disk that is nearly full', () => {
  test('takes no new records, but deletes and serves, and takes them again when there is room', async () => {
    const { logs, disk, clock, create, append } = await open()
    const log = create('t', 0)
    append(log, 3)
    disk.space = () => ({ totalBytes: 2 ** 40, usableBytes: 2 ** 20 })
    clock.advance(5000)
    expect(log.appendAsLeader(aBatch(1), { leaderEpoch: 3, origin: 'client' })).toMatchObject({
      kind: 'refused',
      error: 'KAFKA_STORAGE_ERROR',
    })
    expect(logs.facts()).toMatchObject([{ isFull: true }])
    expect(readAll(log).length).toBeGreaterThan(0)
    log.deleteRecordsBefore(2)
    expect(log.logStartOffset).toBe(2)
    create('t', 1)
    logs.delete('t', 1)
    disk.space = () => ({ totalBytes: 2 ** 40, usableBytes: 2 ** 39 })
    clock.advance(5000)
    append(log, 1)
    expect(logs.facts()).toMatchObject([{ isFull: false }])
  })
})

describe('a disk that is full', () => {
  test('a checkpoint that the disk has no room for is written when there is some', async () => {
    const { disk, clock, logs, create, append } = await open()
    append(create('t', 0), 3)
    const content = (): string => disk.peek('/a/replication-offset-checkpoint').toString()
    await until(() => disk.paths().includes('/a/log-start-offset-checkpoint'), 'the first checkpoints')
    const stood = content()
    disk.capacityBytes = disk.usedBytes
    clock.advance(5000)
    await expect(logs.settleRecoveryPoints()).rejects.toThrow('the disk is full')
    expect(content()).toBe(stood)
    expect(logs.get('t', 0)?.failure).toBeUndefined()
    disk.capacityBytes = Number.POSITIVE_INFINITY
    clock.advance(5000)
    await until(() => content() === '0\n1\nt 0 3\n', 'the high watermark')
  })
})
