import { expect, test } from 'vitest'
import { aBatch, aLog, append } from '../../support/a-log.ts'
import { until } from '../../support/until.ts'

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
  log.onWritten({
    written: offset => written.push(offset),
    refused: () => undefined,
    failed: () => undefined,
  })
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

test('a roll brings the closed segment to the device, not the one that is written', async () => {
  const harness = aLog()
  append(harness, aBatch(2))
  harness.log.roll()
  append(harness, aBatch(2))
  await until(() => harness.log.recoveryPoint === 2, 'the closed segment is synced')
  harness.disk.cutPower()
  expect(harness.disk.peek('/data/topic-0/00000000000000000000.log').length).toBe(aBatch(2).length)
})

test('what was cut off while a sync was under way does not count as synced', async () => {
  const harness = aLog()
  for (let count = 0; count < 4; count++) append(harness, aBatch(1))
  harness.disk.holdSyncs = true
  const flushed = harness.log.flush()
  harness.log.truncateTo(2)
  append(harness, aBatch(1))
  harness.disk.holdSyncs = false
  harness.disk.releaseSyncs()
  await flushed
  expect([harness.log.nextOffset, harness.log.recoveryPoint]).toEqual([3, 2])
})

test('epochs are on the device before records beyond them count as flushed', async () => {
  const harness = aLog()
  append(harness, aBatch(1), { leaderEpoch: 3 })
  harness.disk.fail('rename', { path: /leader-epoch/, times: 1 })
  await expect(harness.log.flush()).rejects.toThrow('rename')
  expect([harness.log.recoveryPoint, harness.log.failure === undefined]).toEqual([0, false])
})

test('before a gap everything is brought to the device at once', () => {
  const due: number[] = []
  const harness = aLog({}, { onRecoveryPointDue: () => due.push(harness.log.recoveryPoint) })
  append(harness, aBatch(1))
  harness.log.appendAsFollower(aBatch(1, { baseOffset: 2 ** 31 + 5, partitionLeaderEpoch: 0 }))
  expect([harness.log.recoveryPoint, due]).toEqual([2 ** 31 + 5, [2 ** 31 + 5]])
  harness.disk.cutPower()
  expect(harness.disk.peek('/data/topic-0/00000000000000000000.log').length).toBe(aBatch(1).length)
})
