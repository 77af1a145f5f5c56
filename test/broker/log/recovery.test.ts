import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildEndTransactionMarker } from '../../../protocol/index.ts'
import { segmentFileName } from '../../../broker/log/file-names.ts'
import { LeaderEpochs } from '../../../broker/log/leader-epochs.ts'
import type { Log, LogCheckpoints } from '../../../broker/log/log.ts'
import type { LogSettings } from '../../../broker/log/log-settings.ts'
import { ProducerState } from '../../../broker/log/producer-state.ts'
import { type RecoveryJob, type RecoveryOutcome, recoverLog } from '../../../broker/log/recovery.ts'
import { aBatch, aLog, append, type LogHarness, readAll } from '../../support/a-log.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const directory = '/data/topic-0'
/** Small segments and dense indexes, so that little data has many files. */
const small = { 'segment.bytes': 1000, 'index.interval.bytes': 100 }

function recover(disk: FakeDisk, job: Partial<RecoveryJob> = {}): RecoveryOutcome {
  return recoverLog(disk, {
    directory,
    recoveryPoint: 0,
    logStartOffset: 0,
    indexIntervalBytes: 100,
    producerExpirationMs: 86_400_000,
    nowMs: 1_700_000_000_000,
    ...job,
  })
}

/** Recovers and opens, as a start after a crash does. */
function restart(
  harness: LogHarness,
  job: Partial<RecoveryJob> = {},
): { log: Log; outcome: RecoveryOutcome } {
  const outcome = recover(harness.disk, job)
  const { recoveryPoint, unsavedEpochs, producers } = outcome
  const checkpoints: LogCheckpoints = {
    recoveryPoint,
    ...(job.logStartOffset === undefined ? {} : { logStartOffset: job.logStartOffset }),
    ...(unsavedEpochs === undefined ? {} : { leaderEpochs: LeaderEpochs.unsaved(unsavedEpochs) }),
    ...(producers === undefined ? {} : { producers: ProducerState.fromMemory(producers) }),
  }
  return { log: harness.open(checkpoints), outcome }
}

function aFilledLog(batches: number, settings: Partial<LogSettings> = small): LogHarness {
  const harness = aLog(settings)
  for (let batch = 0; batch < batches; batch++) {
    append(
      harness,
      aBatch([`value ${batch}`.padEnd(100, '.')], { producerId: 5, producerEpoch: 0, baseSequence: batch }),
      {
        leaderEpoch: Math.floor(batch / 7),
      },
    )
  }
  return harness
}

const path = (offset: number, kind: Parameters<typeof segmentFileName>[1]): string =>
  `${directory}/${segmentFileName(offset, kind)}`

const bases = (harness: LogHarness): number[] => harness.log.segments.map(({ baseOffset }) => baseOffset)

describe('after kill -9, when the page cache is kept', () => {
  test('everything is there, and so are indexes, epochs and producers', () => {
    const harness = aFilledLog(40)
    const bytes = readAll(harness.log)
    const epochs = harness.log.leaderEpochs.entries
    const producers = harness.log.producers.describe()
    harness.disk.kill()
    const { log, outcome } = restart(harness)
    expect(outcome).toMatchObject({ logEndOffset: 40, cutBytes: 0, removedSegments: 0, problem: undefined })
    expect(readAll(log)).toEqual(bytes)
    expect(log.leaderEpochs.entries).toEqual(epochs)
    expect(log.producers.describe()).toEqual(producers)
    for (let offset = 0; offset < 40; offset++) {
      expect(log.read({ offset, maxBytes: 1, minOneBatch: true, upTo: 40 })).toHaveProperty('position')
    }
  })

  test('batches of the last segment are recognised as duplicates, five of them', () => {
    const harness = aFilledLog(6, { 'segment.bytes': 1e6 })
    harness.disk.kill()
    const { log } = restart(harness)
    const again = (sequence: number) =>
      log.appendAsLeader(aBatch(['x'], { producerId: 5, producerEpoch: 0, baseSequence: sequence }), {
        leaderEpoch: 1,
        origin: 'client',
      })
    expect(again(1)).toMatchObject({ kind: 'duplicate', baseOffset: 1 })
    expect(again(0)).toMatchObject({ kind: 'duplicate', baseOffset: -1 })
    expect(again(6)).toMatchObject({ kind: 'appended', baseOffset: 6 })
  })

  test('only segments from the one on that holds the recovery point are read', () => {
    const harness = aFilledLog(40)
    const [, second, third] = bases(harness)
    const sizeFrom = (base: number): number =>
      harness.log.segments
        .filter(({ baseOffset }) => baseOffset >= base)
        .reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0)
    const expected = [sizeFrom(second!), sizeFrom(third!)]
    harness.disk.kill()
    // The snapshot at the base of each is used, so nothing before it is needed.
    expect(recover(harness.disk, { recoveryPoint: third! - 1 }).readBytes).toBe(expected[0])
    expect(recover(harness.disk, { recoveryPoint: third! }).readBytes).toBe(expected[1])
  })

  test('a recovery point beyond the end is no reason to read nothing', () => {
    const harness = aFilledLog(10)
    const last = bases(harness).at(-1)!
    const lastBytes = harness.log.segments.at(-1)!.sizeInBytes
    harness.disk.kill()
    const outcome = recover(harness.disk, { recoveryPoint: 1_000_000 })
    expect(outcome).toMatchObject({ logEndOffset: 10, recoveryPoint: 10, readBytes: lastBytes })
    expect(last).toBeGreaterThan(0)
  })

  test('recovering twice is the same as once', () => {
    const harness = aFilledLog(20)
    harness.disk.kill()
    const first = recover(harness.disk)
    const files = new Map(harness.disk.paths().map(file => [file, harness.disk.peek(file)]))
    expect(recover(harness.disk)).toEqual(first)
    expect(new Map(harness.disk.paths().map(file => [file, harness.disk.peek(file)]))).toEqual(files)
  })

  test('a directory without any segment is left to be made anew', () => {
    const disk = new FakeDisk()
    disk.makeDirectory(directory)
    expect(recover(disk, { logStartOffset: 5 })).toMatchObject({
      logEndOffset: 5,
      readBytes: 0,
      end: undefined,
    })
  })
})

describe('a bad end', () => {
  test.each([
    ['torn', (log: Buffer) => log.subarray(0, log.length - 7)],
    ['torn in its header', (log: Buffer) => log.subarray(0, log.length - 160)],
    ['zeroed', (log: Buffer) => Buffer.concat([log.subarray(0, log.length - 100), Buffer.alloc(100)])],
    ['with a flipped bit', (log: Buffer) => flipped(log, log.length - 20)],
  ])('%s is cut off at the last whole batch', (_, damage) => {
    const harness = aFilledLog(5, { 'segment.bytes': 1e6 })
    const whole = readAll(harness.log)
    harness.disk.kill()
    harness.disk.poke(path(0, 'log'), damage(harness.disk.peek(path(0, 'log'))))
    const { log, outcome } = restart(harness)
    expect(outcome.problem).toMatch(/At byte \d+/)
    expect(outcome).toMatchObject({ logEndOffset: 4, recoveryPoint: 4, removedSegments: 0 })
    expect(log.logEndOffset).toBe(4)
    expect(readAll(log)).toEqual(whole.subarray(0, readAll(log).length))
    expect(log.producers.describe()).toMatchObject([{ lastSequence: 3 }])
    expect(log.appendAsLeader(aBatch(['new']), { leaderEpoch: 9, origin: 'client' })).toMatchObject({
      baseOffset: 4,
    })
  })

  test('followed by zeros, as a file that was sized in advance, loses only the zeros', () => {
    const harness = aFilledLog(5, { 'segment.bytes': 1e6 })
    const whole = readAll(harness.log)
    harness.disk.kill()
    harness.disk.poke(path(0, 'log'), Buffer.concat([whole, Buffer.alloc(10_000)]))
    const { log, outcome } = restart(harness)
    expect(outcome).toMatchObject({ logEndOffset: 5, cutBytes: 10_000 })
    expect(readAll(log)).toEqual(whole)
  })

  test('in the middle: later segments go, with everything that belongs to them', () => {
    const harness = aFilledLog(40)
    const [, second, third, ...later] = bases(harness)
    const bytes = readAll(harness.log)
    harness.disk.kill()
    harness.disk.poke(path(second!, 'log'), flipped(harness.disk.peek(path(second!, 'log')), 300))
    const { log, outcome } = restart(harness)
    expect(outcome.removedSegments).toBe(later.length + 1)
    expect(log.logEndOffset).toBe(second! + 1)
    expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, second!])
    expect(readAll(log)).toEqual(bytes.subarray(0, readAll(log).length))
    const left = harness.disk.paths().filter(file => Number(/(\d{20})\./.exec(file)?.[1] ?? -1) >= third!)
    expect(left).toEqual([])
    expect(log.leaderEpochs.entries.every(({ startOffset }) => startOffset <= second!)).toBe(true)
  })

  test('in what was flushed long ago is not looked for', () => {
    const harness = aFilledLog(40)
    const last = bases(harness).at(-1)!
    harness.disk.kill()
    harness.disk.poke(path(0, 'log'), flipped(harness.disk.peek(path(0, 'log')), 300))
    expect(recover(harness.disk, { recoveryPoint: last })).toMatchObject({ logEndOffset: 40, cutBytes: 0 })
  })

  test('a segment that begins before the last one ended is a leftover and goes', () => {
    const harness = aFilledLog(5, { 'segment.bytes': 1e6 })
    harness.disk.kill()
    harness.disk.poke(path(3, 'log'), aBatch(['left over'], { baseOffset: 3 }))
    const { log, outcome } = restart(harness)
    expect(outcome).toMatchObject({ logEndOffset: 5, removedSegments: 1 })
    expect(log.segments).toHaveLength(1)
  })

  test('an empty last segment is kept', () => {
    const harness = aFilledLog(5)
    harness.log.roll()
    harness.disk.kill()
    const { log, outcome } = restart(harness)
    expect(outcome).toMatchObject({ logEndOffset: 5, cutBytes: 0 })
    expect(log.segments.at(-1)?.baseOffset).toBe(5)
  })
})

describe('files beside the data', () => {
  test.each([
    ['missing', () => undefined],
    ['empty', () => Buffer.alloc(0)],
    ['zeroed', (content: Buffer) => Buffer.alloc(content.length)],
    ['longer than the log', (content: Buffer) => Buffer.concat([content, Buffer.alloc(240, 0x7f)])],
    ['of another length', (content: Buffer) => Buffer.concat([content, Buffer.alloc(5)])],
  ])('indexes that are %s are made anew', (_, damage) => {
    const harness = aFilledLog(30)
    const offsets = bases(harness)
    harness.disk.kill()
    recover(harness.disk)
    const indexes = offsets.flatMap(base => [path(base, 'index'), path(base, 'timeindex')])
    const good = indexes.map(file => harness.disk.peek(file))
    for (const file of indexes) {
      const content = damage(harness.disk.peek(file))
      if (content === undefined) harness.disk.unlink(file)
      else harness.disk.poke(file, content)
    }
    recover(harness.disk)
    expect(indexes.map(file => harness.disk.peek(file))).toEqual(good)
  })

  test('without a leader-epoch file, or with a damaged one, epochs come from all batches', () => {
    const harness = aFilledLog(40)
    const epochs = harness.log.leaderEpochs.entries
    const last = bases(harness).at(-1)!
    harness.disk.kill()
    harness.disk.poke(`${directory}/leader-epoch-checkpoint`, Buffer.from('0\n7\n1 1\n'))
    const { log } = restart(harness, { recoveryPoint: last })
    expect(log.leaderEpochs.entries).toEqual(epochs)
  })

  test('with a damaged snapshot the next older one is used, and what comes after is replayed', () => {
    const harness = aFilledLog(40)
    const producers = harness.log.producers.describe()
    const last = bases(harness).at(-1)!
    harness.disk.kill()
    harness.disk.poke(path(last, 'snapshot'), Buffer.alloc(10))
    expect(restart(harness, { recoveryPoint: last }).log.producers.describe()).toEqual(producers)
  })

  test('without any snapshot everything is replayed', () => {
    const harness = aFilledLog(40)
    const producers = harness.log.producers.describe()
    const last = bases(harness).at(-1)!
    harness.disk.kill()
    for (const file of harness.disk.paths()) if (file.endsWith('.snapshot')) harness.disk.unlink(file)
    expect(restart(harness, { recoveryPoint: last }).log.producers.describe()).toEqual(producers)
  })

  test('snapshots of what was cut off are removed', () => {
    const harness = aFilledLog(20)
    harness.disk.kill()
    harness.disk.poke(path(0, 'log'), harness.disk.peek(path(0, 'log')).subarray(0, 10))
    expect(recover(harness.disk)).toMatchObject({ logEndOffset: 0 })
    const snapshots = harness.disk.paths().filter(file => file.endsWith('.snapshot'))
    expect(snapshots).toEqual([path(0, 'snapshot')])
  })

  test('the index of aborted transactions is made anew, for transactions begun before what is read', () => {
    const harness = aLog(small)
    const send = (producerId: number, baseSequence: number): void => {
      const batch = aBatch(['x'.repeat(100)], {
        producerId,
        producerEpoch: 0,
        baseSequence,
        isTransactional: true,
      })
      append(harness, batch)
    }
    const end = (producerId: number, outcome: 'abort' | 'commit'): void => {
      const marker = buildEndTransactionMarker({
        outcome,
        producerId,
        producerEpoch: 0,
        coordinatorEpoch: 0,
        timestampMs: 1_700_000_000_000,
      })
      append(harness, marker, { origin: 'coordinator' })
    }
    send(1, 0)
    send(2, 0)
    for (let sequence = 1; sequence < 12; sequence++) send(1, sequence)
    end(1, 'abort')
    end(2, 'commit')
    send(3, 0)
    end(3, 'abort')
    send(4, 0)
    const firstUnstable = harness.log.producers.firstUnstableOffset
    const abortedIn = (log: Log) =>
      log.segments.flatMap(segment => segment.transactions.all().map(({ producerId }) => producerId))
    expect(abortedIn(harness.log)).toEqual([1, 3])
    const last = bases(harness).at(-1)!
    expect(last).toBeGreaterThan(0)
    harness.disk.kill()
    for (const file of harness.disk.paths())
      if (file.endsWith('.txnindex')) harness.disk.poke(file, Buffer.alloc(7))
    const { log } = restart(harness, { recoveryPoint: last })
    expect(abortedIn(log)).toEqual([1, 3])
    log.advanceHighWatermark(log.logEndOffset)
    // Markers are below the watermark now: only the transaction that is still open is left.
    expect(log.lastStableOffset).toBe(log.logEndOffset - 1)
    expect(firstUnstable).toBeLessThan(log.logEndOffset)
  })
})

describe('the log start', () => {
  test('moves the epochs along', () => {
    const harness = aFilledLog(20, { 'segment.bytes': 1e6 })
    harness.disk.kill()
    expect(restart(harness, { logStartOffset: 8 }).log.leaderEpochs.entries[0]).toEqual({
      epoch: 1,
      startOffset: 8,
    })
  })

  test('beyond the end: nothing old is read again, and the log goes on at its start', () => {
    const harness = aFilledLog(20)
    harness.disk.kill()
    const { log, outcome } = restart(harness, { logStartOffset: 30 })
    expect(outcome).toMatchObject({ logEndOffset: 30 })
    expect(log).toMatchObject({ logStartOffset: 30, logEndOffset: 30 })
    expect(log.read({ offset: 10, maxBytes: 1000, minOneBatch: true, upTo: 30 })).toEqual({
      error: 'OFFSET_OUT_OF_RANGE',
    })
    expect(log.appendAsLeader(aBatch(['new']), { leaderEpoch: 9, origin: 'client' })).toMatchObject({
      baseOffset: 30,
    })
  })
})

describe('compaction that was interrupted', () => {
  test('is finished or undone before anything is read', () => {
    const harness = aFilledLog(10, { 'segment.bytes': 1e6 })
    const bytes = readAll(harness.log)
    harness.disk.kill()
    harness.disk.poke(`${path(0, 'log')}.cleaned`, Buffer.alloc(100))
    harness.disk.poke(`${path(4, 'log')}.deleted`, Buffer.alloc(100))
    expect(readAll(restart(harness).log)).toEqual(bytes)
    expect(harness.disk.paths().filter(file => /cleaned|deleted/.test(file))).toEqual([])
  })
})

describe('whenever the process or the power fails', () => {
  interface Step {
    readonly kind: 'append' | 'roll' | 'flush'
    readonly records: number
  }

  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom(
      'append' as const,
      'append' as const,
      'append' as const,
      'roll' as const,
      'flush' as const,
    ),
    records: fc.integer({ min: 1, max: 3 }),
  })

  /** Does the steps; answers what had been acknowledged (in the file) and what had been flushed when it ended. */
  async function run(harness: LogHarness, steps: readonly Step[]) {
    let written = Buffer.alloc(0)
    let flushed = 0
    for (const [index, { kind, records }] of steps.entries()) {
      if (harness.log.failure !== undefined) break
      if (kind === 'append') {
        const batch = aBatch(records, {
          producerId: 1,
          producerEpoch: 0,
          baseSequence: harness.log.nextOffset,
        })
        const outcome = harness.log.appendAsLeader(batch, { leaderEpoch: index, origin: 'client' })
        if (outcome.kind !== 'appended') break
        harness.turn.flush()
        if (harness.log.failure === undefined) written = Buffer.concat([written, batch])
      } else if (kind === 'roll') {
        harness.log.roll()
        harness.turn.flush()
      } else {
        await harness.log.flush().then(
          () => (flushed = harness.log.recoveryPoint),
          () => undefined,
        )
      }
    }
    return { written, flushed }
  }

  test('killed at any write, all that was acknowledged is there, and what follows is whole batches', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), fc.nat(40), async (steps, after) => {
        const harness = aLog({ 'segment.bytes': 300, 'index.interval.bytes': 100 })
        const mend = harness.disk.fail('write', { after })
        const { written, flushed } = await run(harness, steps)
        mend()
        harness.disk.kill()
        const { log } = restart(harness, { recoveryPoint: flushed })
        const found = readAll(log)
        expect(found.subarray(0, written.length)).toEqual(written)
        expect(log.producers.describe()[0]?.lastSequence ?? -1).toBe(log.logEndOffset - 1)
        expect(log.leaderEpochs.entries.every(({ startOffset }) => startOffset < log.logEndOffset)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('in a power cut all that was flushed is there, and what is there is a beginning of what was written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 15 }),
        fc.option(fc.nat(200), { nil: undefined }),
        async (steps, tear) => {
          const harness = aLog({ 'segment.bytes': 300, 'index.interval.bytes': 100 })
          harness.disk.syncDirectory('/')
          harness.disk.syncDirectory('/data')
          const { written, flushed } = await run(harness, steps)
          harness.disk.cutPower(tear === undefined ? {} : { tear })
          const { log } = restart(harness, { recoveryPoint: flushed })
          const found = readAll(log)
          expect(found).toEqual(written.subarray(0, found.length))
          expect(log.logEndOffset).toBeGreaterThanOrEqual(flushed)
          expect(log.producers.describe()[0]?.lastSequence ?? -1).toBe(log.logEndOffset - 1)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a recovery that is killed itself can be done again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(30),
        fc.constantFrom('write', 'unlink', 'truncate', 'sync', 'rename' as const),
        async (after, operation) => {
          const harness = aFilledLog(20)
          const [, second] = bases(harness)
          const bytes = readAll(harness.log)
          harness.disk.kill()
          harness.disk.poke(path(second!, 'log'), flipped(harness.disk.peek(path(second!, 'log')), 300))
          const mend = harness.disk.fail(operation, { after })
          try {
            recover(harness.disk)
          } catch {
            // Killed here.
          }
          mend()
          harness.disk.kill()
          const { log } = restart(harness)
          expect(log.logEndOffset).toBe(second! + 1)
          expect(readAll(log)).toEqual(bytes.subarray(0, readAll(log).length))
        },
      ),
      { numRuns: 60 },
    )
  })
})

test('progress is told in bytes', () => {
  const harness = aFilledLog(10)
  const size = harness.log.sizeInBytes
  harness.disk.kill()
  let read = 0
  recoverLog(
    harness.disk,
    {
      directory,
      recoveryPoint: 0,
      logStartOffset: 0,
      indexIntervalBytes: 4096,
      producerExpirationMs: 1,
      nowMs: new FakeClock().nowMs(),
    },
    bytes => (read += bytes),
  )
  expect(read).toBe(size)
})

function flipped(content: Buffer, at: number): Buffer {
  const damaged = Buffer.from(content)
  damaged[at]! ^= 4
  return damaged
}
