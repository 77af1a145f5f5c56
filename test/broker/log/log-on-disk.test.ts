import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemDisk } from '../../../broker/log/disk.ts'
import { recoverLog } from '../../../broker/log/recovery.ts'
import { RecordBatchView } from '../../../protocol/index.ts'
import { aBatch, aLog, append, logOn, readAll } from '../../support/a-log.ts'

describe('on a real disk', () => {
  let root: string

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'barnabas-log-'))
  })

  afterEach(() => {
    rmSync(root, { recursive: true, force: true })
  })

  test('what is appended is read, now and after opening again', async () => {
    const harness = logOn(systemDisk, join(root, 'topic-0'), { 'segment.bytes': 400_000 })
    const expected: Buffer[] = []
    for (let count = 0; count < 60; count++) {
      const batch = aBatch(['v'.repeat((count * 7919) % 90_000)])
      append(harness, batch)
      expected.push(batch)
    }
    const bytes = Buffer.concat(expected)
    expect(harness.log.segments.length).toBeGreaterThan(4)
    expect(readAll(harness.log, 0, 100_000).equals(bytes)).toBe(true)
    await harness.log.flush()
    expect(harness.log.recoveryPoint).toBe(60)
    await harness.log.close()
    const again = harness.open({ recoveryPoint: 60 })
    expect(readAll(again, 0, 1_000_000).equals(bytes)).toBe(true)
    await again.close()
  })

  test('bytes loaded off the loop are those read at once', async () => {
    const harness = logOn(systemDisk, join(root, 'topic-0'))
    for (let count = 0; count < 20; count++) append(harness, aBatch(50))
    const read = harness.log.read({ offset: 300, maxBytes: 5000, minOneBatch: true, upTo: 1000 })
    if ('error' in read) throw new Error(read.error)
    const bytes = Buffer.alloc(read.records.length)
    read.records.readInto(bytes, 0)
    expect(await read.load()).toEqual(bytes)
    expect(new RecordBatchView(bytes).baseOffset).toBe(300)
    await harness.log.close()
  })

  test('a removed log leaves nothing open', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length
    const before = open()
    const harness = logOn(systemDisk, join(root, 'topic-0'), { 'segment.bytes': 1000 })
    for (let count = 0; count < 50; count++) append(harness, aBatch(5))
    await harness.log.close()
    expect(open()).toBe(before)
  })
})

describe('when the power fails', () => {
  const step = fc.constantFrom('append', 'append', 'append', 'large', 'endTurn', 'flush', 'roll')

  test('everything below the recovery point is there, and what is there is whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.option(fc.nat(200)), async (steps, tear) => {
        const harness = aLog({
          'segment.bytes': 5000,
          'max.message.bytes': 200_000,
          'index.interval.bytes': 100,
        })
        harness.disk.syncDirectory('/')
        harness.disk.syncDirectory('/data')
        const { log } = harness
        const given = new Map<number, Buffer>()
        for (const kind of steps) {
          switch (kind) {
            case 'append':
            case 'large': {
              const batch = aBatch(kind === 'append' ? 3 : ['x'.repeat(70_000)])
              given.set(log.nextOffset, batch)
              log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client' })
              break
            }
            case 'endTurn':
              harness.turn.flush()
              break
            case 'flush':
              await log.flush()
              break
            case 'roll':
              log.roll()
              break
          }
        }
        const { recoveryPoint } = log
        harness.disk.cutPower(tear === null ? {} : { tear })
        if (harness.disk.stat('/data/topic-0/00000000000000000000.log') === undefined) {
          // Nothing was ever synced.
          expect(recoveryPoint).toBe(0)
          return
        }
        recoverLog(harness.disk, {
          directory: '/data/topic-0',
          recoveryPoint,
          logStartOffset: 0,
          indexIntervalBytes: 100,
          producerExpirationMs: 86_400_000,
          nowMs: harness.clock.nowMs(),
        })
        const again = harness.open({ recoveryPoint })
        const found = again.segments.flatMap(segment =>
          Array.from(segment.headers(), ({ position }) => segment.batchAt(position)),
        )
        for (const batch of found) expect(given.get(batch.baseOffset)?.equals(batch.bytes)).toBe(true)
        const offsets = new Set(found.map(batch => batch.baseOffset))
        for (const offset of given.keys()) if (offset < recoveryPoint) expect(offsets.has(offset)).toBe(true)
        expect(again.logEndOffset).toBeGreaterThanOrEqual(recoveryPoint)
      }),
      { numRuns: 60 },
    )
  })
})
