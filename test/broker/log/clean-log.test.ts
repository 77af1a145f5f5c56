import { describe, expect, test } from 'vitest'
import type { CleaningOutcome } from '../../../broker/log/cleaning-job.ts'
import { recoverLog } from '../../../broker/log/recovery.ts'
import { batchesOf, buildBatch, buildEndTransactionMarker, RecordBatchView } from '../../../protocol/index.ts'
import {
  aCompactedLog,
  batchesIn,
  compact,
  contentOf,
  records,
  settle,
} from '../../support/a-compacted-log.ts'
import { aLog, append, type LogHarness, logOn, readAll } from '../../support/a-log.ts'
import type { DiskOperation, FakeDisk } from '../../support/fake-disk.ts'

const day = 86_400_000

describe('what a cleaning leaves', () => {
  test('is the last record of every key, at its own offset', async () => {
    const harness = await aCompactedLog(`
      a=1 b=1 a=2 | c=1
      a=3 b=2
    `)
    await compact(harness)
    expect(contentOf(harness.log)).toEqual(['3:c=1', '4:a=3', '5:b=2'])
  })

  test('is everything of the segment that is being written', async () => {
    const harness = await aCompactedLog('a=1 a=2')
    append(harness, records('a=3 a=4'))
    await settle(harness)
    await compact(harness)
    expect(contentOf(harness.log)).toEqual(['1:a=2', '2:a=3', '3:a=4'])
  })

  test('keeps no record without a key', async () => {
    const harness = await aCompactedLog('a=1 =x =y')
    await compact(harness)
    expect(contentOf(harness.log)).toEqual(['0:a=1'])
  })

  test('keeps the offsets that a batch had, and its sequences', async () => {
    const harness = aLog({ 'cleanup.policy': ['compact'] })
    append(harness, records('a=1 b=1 a=2', { producerId: 9, producerEpoch: 2, baseSequence: 0 }))
    append(harness, records('a=3 c=1', { producerId: 9, producerEpoch: 2, baseSequence: 3 }))
    harness.log.roll()
    await settle(harness)
    await compact(harness)
    const [first] = batchesOf(readAll(harness.log))
    expect(batchesIn(harness.log)).toEqual(['0-2 x1', '3-4 x2'])
    expect(first).toMatchObject({ producerId: 9, producerEpoch: 2, baseSequence: 0, lastSequence: 2 })
    expect(first?.isValidCrc()).toBe(true)
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('is packed as it was: %s', async compression => {
    const harness = aLog({ 'cleanup.policy': ['compact'] })
    append(harness, records('a=1 b=1 a=2', { compression }))
    append(harness, records('b=2', { compression }))
    harness.log.roll()
    await settle(harness)
    await compact(harness)
    expect(contentOf(harness.log)).toEqual(['2:a=2', '3:b=2'])
    expect(Array.from(batchesOf(readAll(harness.log)), batch => batch.compression)).toEqual([
      compression,
      compression,
    ])
  })

  test('has the times that its records had', async () => {
    const harness = await aCompactedLog('a=1 b=1 a=2')
    const before = harness.log.segments[0]?.timestampMs
    await compact(harness)
    expect(harness.log.segments[0]?.timestampMs).toBe(before)
    expect(await harness.log.offsetOfMaxTimestamp()).toMatchObject({ offset: 1, timestamp: before })
  })

  test('has no time of a record that is gone, also when its indexes are made anew', async () => {
    const harness = aLog({ 'cleanup.policy': ['compact'] })
    const late = { key: Buffer.from('a'), value: Buffer.from('1'), timestamp: 1_700_000_000_500 }
    append(harness, buildBatch({ records: [late], producerId: 9, producerEpoch: 0, baseSequence: 0 }))
    append(harness, records('a=2 b=1'))
    harness.log.roll()
    await settle(harness)
    await compact(harness)
    expect(batchesIn(harness.log)).toEqual(['0-0 x0', '1-2 x2'])
    const latest = { offset: 1, timestamp: 1_700_000_000_000 }
    expect(await harness.log.offsetOfMaxTimestamp()).toMatchObject(latest)
    for (const path of harness.disk.paths()) if (path.endsWith('index')) harness.disk.unlink(path)
    expect(await reopened(harness).offsetOfMaxTimestamp()).toMatchObject(latest)
  })

  test('ends where it ended: the last batch stays, empty if need be', async () => {
    const harness = await aCompactedLog('a=1 | b=1 | =x')
    await compact(harness)
    expect(batchesIn(harness.log)).toEqual(['0-0 x1', '1-1 x1', '2-2 x0'])
  })

  test('keeps the last batch of a producer that lives, so that its sequence is remembered', async () => {
    const harness = aLog({ 'cleanup.policy': ['compact'] })
    append(harness, records('a=1', { producerId: 9, producerEpoch: 0, baseSequence: 0 }))
    append(harness, records('a=2', { producerId: 9, producerEpoch: 0, baseSequence: 1 }))
    append(harness, records('a=3'))
    append(harness, records('b=1'))
    harness.log.roll()
    await settle(harness)
    await compact(harness)
    expect(batchesIn(harness.log)).toEqual(['1-1 x0', '2-2 x1', '3-3 x1'])
    expect(reopened(harness).producers.entry(9)).toMatchObject({ epoch: 0, lastSequence: 1 })
  })

  test('is the same bytes when it is cleaned again', async () => {
    const harness = await aCompactedLog('a=1 b a=2 | c=1 | =x\nb a=3')
    await compact(harness)
    const once = readAll(harness.log)
    harness.log.cleaning.cleanedTo(0)
    await compact(harness)
    expect(readAll(harness.log)).toEqual(once)
  })
})

describe('tombstones', () => {
  test('stay until delete.retention.ms after they were first copied, and not longer', async () => {
    const harness = await aCompactedLog('a=1 b=1\na')
    const clean = async (): Promise<string[]> => {
      harness.log.cleaning.cleanedTo(0)
      await compact(harness)
      return contentOf(harness.log)
    }
    expect(await clean()).toEqual(['1:b=1', '2:a'])
    const [, tombstone] = batchesOf(readAll(harness.log))
    expect(tombstone?.deleteHorizonMs).toBe(harness.clock.nowMs() + day)
    harness.clock.advance(day - 1)
    expect(await clean()).toEqual(['1:b=1', '2:a'])
    harness.clock.advance(1)
    expect(await clean()).toEqual(['1:b=1'])
  })

  test('keep the times of the records beside them', async () => {
    const harness = await aCompactedLog('a=1 b=1 a')
    const before = Array.from(batchesOf(readAll(harness.log)), batch => batch.maxTimestamp)
    await compact(harness)
    expect(Array.from(batchesOf(readAll(harness.log)), batch => batch.maxTimestamp)).toEqual(before)
    expect(await harness.log.offsetForTimestamp(1_700_000_000_000)).toMatchObject({
      offset: 1,
      timestamp: 1_700_000_000_000,
    })
  })

  test('begin to count once, however often the batch is copied', async () => {
    const harness = await aCompactedLog('a b c=1')
    await compact(harness)
    harness.clock.advance(1000)
    append(harness, records('c=2'))
    harness.log.roll()
    await settle(harness)
    await compact(harness)
    const [batch] = batchesOf(readAll(harness.log))
    expect(batch?.deleteHorizonMs).toBe(harness.clock.nowMs() - 1000 + day)
    expect(contentOf(harness.log)).toEqual(['0:a', '1:b', '3:c=2'])
  })
})

describe('a map of keys that is too small', () => {
  test('ends the pass before the batch that does not fit, and the next cleaning goes on there', async () => {
    const harness = await aCompactedLog('a=1 b=1 | c=1 d=1 | a=2 c=2')
    // Room for four keys.
    const outcome = await compact(harness, { mapBytes: 5 * 24 })
    expect(outcome?.endOffset).toBe(4)
    expect(contentOf(harness.log)).toEqual(['0:a=1', '1:b=1', '2:c=1', '3:d=1', '4:a=2', '5:c=2'])
    expect((await compact(harness, { mapBytes: 5 * 24 }))?.endOffset).toBe(6)
    expect(contentOf(harness.log)).toEqual(['1:b=1', '3:d=1', '4:a=2', '5:c=2'])
  })

  test('that takes not even one batch is told of, and nothing is touched', async () => {
    const harness = await aCompactedLog('a=1 b=1 c=1 d=1 e=1')
    const before = readAll(harness.log)
    await expect(compact(harness, { mapBytes: 3 * 24 })).rejects.toThrow('log.cleaner.dedupe.buffer.size')
    expect(readAll(harness.log)).toEqual(before)
  })
})

describe('transactions', () => {
  const producer = { producerId: 5, producerEpoch: 0, isTransactional: true }
  const end = (harness: LogHarness, outcome: 'commit' | 'abort'): void => {
    const marker = { outcome, producerId: 5, producerEpoch: 0, coordinatorEpoch: 0, timestampMs: 1 }
    append(harness, buildEndTransactionMarker(marker), { origin: 'coordinator' })
  }
  const cleanAll = async (harness: LogHarness): Promise<CleaningOutcome | undefined> => {
    harness.log.cleaning.cleanedTo(0)
    return compact(harness)
  }

  test('data that were aborted go, and put nothing out of their way', async () => {
    const harness = aLog({ 'cleanup.policy': ['compact'] })
    append(harness, records('a=1'))
    append(harness, records('a=2 b=1', { ...producer, baseSequence: 0 }))
    end(harness, 'abort')
    append(harness, records('c=1', { producerId: 5, producerEpoch: 0, baseSequence: 2 }))
    append(harness, records('d=1'))
    harness.log.roll()
    await settle(harness)
    await cleanAll(harness)
    expect(contentOf(harness.log)).toEqual(['0:a=1', '3!', '4:c=1', '5:d=1'])
  })

  test('the marker of aborted data outlives them, as the index does, and goes a day after it is alone', async () => {
    const harness = aLog({ 'cleanup.policy': ['compact'] })
    append(harness, records('a=2 b=1', { ...producer, baseSequence: 0 }))
    end(harness, 'abort')
    append(harness, records('c=1', { producerId: 5, producerEpoch: 0, baseSequence: 2 }))
    append(harness, records('d=1'))
    harness.log.roll()
    await settle(harness)
    await cleanAll(harness)
    expect(contentOf(harness.log)).toEqual(['2!', '3:c=1', '4:d=1'])
    expect(harness.log.segments[0]?.transactions.all()).toHaveLength(1)
    await cleanAll(harness)
    expect(contentOf(harness.log)).toEqual(['2!', '3:c=1', '4:d=1'])
    expect(harness.log.segments[0]?.transactions.all()).toHaveLength(0)
    harness.clock.advance(day)
    await cleanAll(harness)
    expect(contentOf(harness.log)).toEqual(['3:c=1', '4:d=1'])
  })

  test('the marker of committed data stays while any of them do', async () => {
    const harness = aLog({ 'cleanup.policy': ['compact'] })
    append(harness, records('a=1', { ...producer, baseSequence: 0 }))
    end(harness, 'commit')
    append(harness, records('z=1', { ...producer, producerId: 5, baseSequence: 1 }))
    end(harness, 'commit')
    harness.log.roll()
    await settle(harness)
    await cleanAll(harness)
    harness.clock.advance(10 * day)
    await cleanAll(harness)
    expect(contentOf(harness.log)).toEqual(['0:a=1', '1!', '2:z=1', '3!'])
    append(harness, records('a=2'))
    harness.log.roll()
    await settle(harness)
    await cleanAll(harness) // the data go
    expect(contentOf(harness.log)).toEqual(['1!', '2:z=1', '3!', '4:a=2'])
    await cleanAll(harness) // the marker is alone, its day begins
    harness.clock.advance(day)
    await cleanAll(harness)
    expect(contentOf(harness.log)).toEqual(['2:z=1', '3!', '4:a=2'])
  })

  test('what is not decided is not touched, nor anything after it', async () => {
    const harness = aLog({ 'cleanup.policy': ['compact'] })
    append(harness, records('a=1 a=2'))
    harness.log.roll()
    append(harness, records('b=1 b=2', { ...producer, baseSequence: 0 }))
    harness.log.roll()
    append(harness, records('a=3 b=3'))
    harness.log.roll()
    await settle(harness)
    await cleanAll(harness)
    expect(contentOf(harness.log)).toEqual(['1:a=2', '2:b=1', '3:b=2', '4:a=3', '5:b=3'])
  })

  test('a batch of the last data of an aborted transaction stays, empty, for its sequence', async () => {
    const harness = aLog({ 'cleanup.policy': ['compact'] })
    append(harness, records('a=1 b=1', { ...producer, baseSequence: 0 }))
    end(harness, 'abort')
    append(harness, records('c=1'))
    harness.log.roll()
    await settle(harness)
    await cleanAll(harness)
    expect(batchesIn(harness.log)).toEqual(['0-1 x0', '2-2 x1', '3-3 x1'])
    expect(reopened(harness).producers.entry(5)).toMatchObject({ lastSequence: 1, epoch: 0 })
  })
})

describe('segments', () => {
  test('that fit one become one', async () => {
    const harness = await aCompactedLog('a=1\nb=1\nc=1\na=2')
    expect(harness.log.segments).toHaveLength(5)
    await compact(harness)
    expect(harness.log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 4])
    expect(contentOf(harness.log)).toEqual(['1:b=1', '2:c=1', '3:a=2'])
    expect(harness.disk.paths().filter(path => /cleaned|swap/.test(path))).toEqual([])
  })

  test('stay as they are when nothing in them changes', async () => {
    const harness = await aCompactedLog('a=1 b=1')
    const [segment] = harness.log.segments
    await compact(harness)
    expect(harness.log.segments[0]).toBe(segment)
  })

  test('keep the time of the newest file they were made of', async () => {
    const harness = await aCompactedLog('a=1\na=2')
    const newest = harness.disk.stat('/data/topic-0/00000000000000000001.log')?.modifiedAtMs
    harness.clock.advance(5 * day)
    await compact(harness)
    expect(harness.disk.stat('/data/topic-0/00000000000000000000.log')?.modifiedAtMs).toBe(newest)
  })

  test('that hold damaged bytes are left as they are', async () => {
    const harness = await aCompactedLog('a=1 a=2')
    const path = '/data/topic-0/00000000000000000000.log'
    const bytes = harness.disk.peek(path)
    bytes[70] = bytes[70]! ^ 1
    harness.disk.poke(path, bytes)
    await expect(compact(harness)).rejects.toThrow('wrong checksum')
    expect(harness.disk.peek(path)).toEqual(bytes)
    expect(harness.disk.paths().filter(name => name.includes('cleaned'))).toEqual([])
  })
})

describe('a log that changes while it is cleaned', () => {
  test('stops the cleaning before it is cut', async () => {
    const harness = await aCompactedLog('a=1 b=1\na=2\nc=1')
    const outcome = await compact(harness, { beforeSwap: () => harness.log.truncateTo(2) }).catch(
      () => 'failed',
    )
    expect(outcome).not.toMatchObject({ endOffset: 4 })
  })

  test('goes on being read: bytes promised before come from the old segment', async () => {
    const harness = await aCompactedLog('a=1 b=1 | a=2\nc=1')
    const read = harness.log.read({ offset: 0, maxBytes: 1000, minOneBatch: true, upTo: 4 })
    if ('error' in read) throw new Error(read.error)
    const expected = Buffer.alloc(read.records.length)
    read.records.readInto(expected, 0)
    await compact(harness)
    // Once more, so that the first one's files get out of the way of the second's.
    append(harness, records('b=2'))
    harness.log.roll()
    await settle(harness)
    await compact(harness)
    expect(contentOf(harness.log)).toEqual(['2:a=2', '3:c=1', '4:b=2'])
    const bytes = Buffer.alloc(read.records.length)
    read.records.readInto(bytes, 0)
    expect(bytes).toEqual(expected)
    expect(await read.load()).toEqual(expected)
  })

  test('can be asked for an offset that is gone, and gives the next', async () => {
    const harness = await aCompactedLog('a=1\nb=1 b=2\na=2', { 'segment.bytes': 80 })
    await compact(harness)
    const read = harness.log.read({ offset: 0, maxBytes: 1000, minOneBatch: true, upTo: 4 })
    if ('error' in read) throw new Error(read.error)
    const bytes = Buffer.alloc(read.records.length)
    read.records.readInto(bytes, 0)
    expect(new RecordBatchView(bytes)).toMatchObject({ baseOffset: 1, lastOffset: 2, recordCount: 1 })
  })
})

describe('wherever a cleaning is cut off', () => {
  const content = 'a=1 b=1 | a=2 =x\nb=2 c=1\nd=1 a=3\nc'
  const settings = { 'segment.bytes': 300, 'file.delete.delay.ms': 60_000 }
  const operations: readonly DiskOperation[] = [
    'open',
    'read',
    'write',
    'sync',
    'rename',
    'unlink',
    'stat',
    'syncDirectory',
  ]

  test.each(['kill', 'power cut'] as const)(
    'the log has its old or its new content after a %s',
    async how => {
      const whole = await aCompactedLog(content, settings)
      const old = contentOf(whole.log)
      const counted = new Map(whole.disk.counts)
      await compact(whole)
      const clean = contentOf(whole.log)
      expect(clean).toEqual(['4:b=2', '6:d=1', '7:a=3', '8:c'])
      let cases = 0
      for (const operation of operations) {
        const count = (whole.disk.counts.get(operation) ?? 0) - (counted.get(operation) ?? 0)
        for (let after = 0; after < count; after++) {
          const harness = await aCompactedLog(content, settings)
          const { recoveryPoint } = harness.log
          for (const directory of ['/', '/data', '/data/topic-0']) harness.disk.syncDirectory(directory)
          const mend = harness.disk.fail(operation, { after })
          await compact(harness).catch(() => undefined)
          if (how === 'kill') harness.disk.kill()
          else harness.disk.cutPower()
          mend()
          const found = contentOf(recovered(harness.disk, settings, recoveryPoint))
          expect(old, `${operation} ${after}`).toEqual(expect.arrayContaining(found))
          expect(found, `${operation} ${after}`).toEqual(expect.arrayContaining(clean))
          expect(harness.disk.paths().filter(path => /cleaned|swap|deleted/.test(path))).toEqual([])
          cases++
        }
      }
      expect(cases).toBeGreaterThan(50)
    },
  )
})

/** The log as the next start finds it when its snapshots are gone. */
function reopened({ disk, settings }: LogHarness): LogHarness['log'] {
  for (const path of disk.paths()) if (path.endsWith('.snapshot')) disk.unlink(path)
  return logOn(disk, '/data/topic-0', settings).log
}

function recovered(
  disk: FakeDisk,
  settings: Parameters<typeof aLog>[0],
  recoveryPoint: number,
): LogHarness['log'] {
  const outcome = recoverLog(disk, {
    directory: '/data/topic-0',
    recoveryPoint,
    logStartOffset: 0,
    indexIntervalBytes: 4096,
    producerExpirationMs: day,
    nowMs: 1_700_000_000_000,
  })
  expect(outcome).toMatchObject({ cutBytes: 0, removedSegments: 0, problem: undefined })
  return logOn(disk, '/data/topic-0', settings).log
}
