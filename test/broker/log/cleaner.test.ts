import { describe, expect, test } from 'vitest'
import { Cleaner, type CleanerSettings } from '../../../broker/log/cleaner.ts'
import { cleanerMetrics } from '../../../broker/log/cleaner-metrics.ts'
import { type Compactor, inlineCompactor } from '../../../broker/log/compactor.ts'
import type { Log } from '../../../broker/log/log.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { aCompactedLog, contentOf, records, settle } from '../../support/a-compacted-log.ts'
import { append, defaultLogSettings, type LogHarness } from '../../support/a-log.ts'
import { openLogs } from '../../support/broker-logs.ts'
import type { FakeDisk } from '../../support/fake-disk.ts'
import { recordingLogger } from '../../support/recording-logger.ts'
import { until } from '../../support/until.ts'

const defaults: CleanerSettings = {
  'log.cleaner.enable': true,
  'log.cleaner.threads': 1,
  'log.cleaner.io.max.bytes.per.second': Number.MAX_VALUE,
  'log.cleaner.dedupe.buffer.size': 1024 * 1024,
  'log.cleaner.io.buffer.size': 512 * 1024,
  'log.cleaner.io.buffer.load.factor': 0.9,
  'log.cleaner.backoff.ms': 15_000,
}

/** A cleaner over these logs, which share the first one's disk and clock. */
function aCleaner(
  harnesses: readonly LogHarness[],
  options: { readonly settings?: Partial<CleanerSettings>; readonly compactor?: Compactor } = {},
) {
  const [first] = harnesses
  if (first === undefined) throw new Error('A cleaner under test has a log.')
  const { disk, clock, settings } = first
  const { logger, lines } = recordingLogger()
  const state = { settled: 0, checkpoints: 0, logs: harnesses.map(({ log }) => log) }
  const brokerSettings = { ...defaults, ...options.settings }
  const cleaner = new Cleaner({
    disk,
    clock,
    random: seededRandom(3),
    logger,
    settings: () => brokerSettings,
    topicSettings: () => settings,
    logs: () => state.logs,
    compactor: options.compactor ?? inlineCompactor(disk, clock),
    settleRecoveryPoints: async () => {
      state.settled++
    },
    checkpoint: async () => {
      state.checkpoints++
    },
  })
  return { cleaner, clock, disk, lines, state }
}

function isCleanedTo(log: Log, offset: number): () => boolean {
  return () => log.cleaning.firstDirtyOffset === offset && !log.cleaning.isUnderWay
}

describe('the cleaner', () => {
  test('compacts what is dirty, says how far, and looks again after log.cleaner.backoff.ms', async () => {
    const harness = await aCompactedLog('a=1 a=2\nb=1 a=3')
    const { cleaner, clock, state, lines } = aCleaner([harness])
    cleaner.start()
    expect(contentOf(harness.log)).toHaveLength(4)
    clock.advance(15_000)
    await until(() => state.checkpoints === 1, 'a cleaning')
    expect(contentOf(harness.log)).toEqual(['2:b=1', '3:a=3'])
    expect(harness.log.cleaning.firstDirtyOffset).toBe(4)
    expect(state.settled).toBe(1)
    expect(lines).toMatchObject([{ msg: 'A log was compacted.', topic: 'topic', partition: 0, endOffset: 4 }])

    append(harness, records('a=4 b=2 c=1'))
    harness.log.roll()
    await settle(harness)
    await until(() => clock.pendingTimers > 0, 'the next look')
    clock.advance(15_000)
    await until(isCleanedTo(harness.log, 7), 'the second cleaning')
    expect(contentOf(harness.log)).toEqual(['4:a=4', '5:b=2', '6:c=1'])
    await cleaner.stop()
  })

  test('does nothing when it is switched off, or has no threads', async () => {
    const harness = await aCompactedLog('a=1 a=2')
    for (const settings of [{ 'log.cleaner.enable': false }, { 'log.cleaner.threads': 0 }]) {
      const { cleaner, clock, state } = aCleaner([harness], { settings })
      cleaner.start()
      clock.advance(100_000)
      await until(() => true, 'a turn')
      await cleaner.stop()
      expect(state.checkpoints).toBe(0)
    }
    expect(contentOf(harness.log)).toHaveLength(2)
  })

  test('takes the filthiest first, and then the others without waiting', async () => {
    const first = await aCompactedLog('a=1 a=2\nb=1 b=2')
    const { disk, clock } = first
    const other = await aCompactedLog(
      'a=1 a=2\nb=1 b=2',
      {},
      { disk, clock, directory: '/data/topic-1', partition: 1 },
    )
    first.log.cleaning.cleanedTo(2)
    first.settings['min.cleanable.dirty.ratio'] = 0.1
    const { cleaner, lines, state } = aCleaner([first, other])
    cleaner.start()
    clock.advance(15_000)
    await until(() => state.checkpoints === 2, 'two cleanings')
    expect(lines.map(({ partition }) => partition)).toEqual([1, 0])
    await cleaner.stop()
  })

  test('closes the active segment when max.compaction.lag.ms asks for it', async () => {
    const harness = await aCompactedLog('a=1')
    append(harness, records('a=2'))
    await settle(harness)
    harness.settings['max.compaction.lag.ms'] = 60_000
    const { cleaner, clock } = aCleaner([harness])
    cleaner.start()
    clock.advance(60_001)
    await until(isCleanedTo(harness.log, 2), 'a cleaning')
    expect(contentOf(harness.log)).toEqual(['1:a=2'])
    await cleaner.stop()
  })

  test('lets retention go on once it is done with a log', async () => {
    const harness = await aCompactedLog('a=1 a=2\nb=1\nc=1', { 'segment.bytes': 100 })
    harness.settings['cleanup.policy'] = ['compact', 'delete']
    harness.settings['retention.ms'] = 1000
    const { cleaner, clock } = aCleaner([harness])
    cleaner.start()
    clock.advance(15_000)
    await until(() => harness.log.logStartOffset === 4, 'retention')
    await cleaner.stop()
  })
})

describe('a log that changes while it is being cleaned', () => {
  /** A compactor that waits until the test lets it go on. */
  function heldCompactor(harness: LogHarness) {
    const inner = inlineCompactor(harness.disk, harness.clock)
    const waiting: (() => void)[] = []
    const compactor: Compactor = {
      ...inner,
      clean(job, listener) {
        let isStopped = false
        let running: ReturnType<Compactor['clean']> | undefined
        const outcome = new Promise<void>(resolve => waiting.push(resolve)).then(() => {
          running = inner.clean(job, listener)
          if (isStopped) running.stop()
          return running.outcome
        })
        return {
          outcome,
          stop: () => {
            isStopped = true
            running?.stop()
          },
        }
      },
    }
    return { compactor, waiting }
  }

  test.each([
    ['is cut', (log: Log) => log.truncateTo(1), ['0:a=1']],
    ['begins anew', (log: Log) => log.truncateFullyAndStartAt(9), []],
  ] as const)('that %s keeps what it then has', async (_, change, content) => {
    const harness = await aCompactedLog('a=1 | a=2\nb=1 a=3')
    const { compactor, waiting } = heldCompactor(harness)
    const { cleaner, clock, lines, state } = aCleaner([harness], { compactor })
    cleaner.start()
    clock.advance(15_000)
    await until(() => waiting.length === 1, 'a cleaning')
    expect(harness.log.deleteOldSegments(clock.nowMs())).toBe(0)
    change(harness.log)
    waiting[0]?.()
    await until(() => clock.pendingTimers > 0 && !harness.log.cleaning.isUnderWay, 'the end of the cleaning')
    expect(contentOf(harness.log)).toEqual(content)
    expect(state.checkpoints).toBe(0)
    expect(lines).toEqual([])
    await cleaner.stop()
    expect(harness.disk.paths().filter(path => path.includes('cleaned'))).toEqual([])
  })

  test('a cleaner that is stopped touches nothing any more', async () => {
    const harness = await aCompactedLog('a=1 a=2')
    const { compactor, waiting } = heldCompactor(harness)
    const { cleaner, clock } = aCleaner([harness], { compactor })
    cleaner.start()
    clock.advance(15_000)
    await until(() => waiting.length === 1, 'a cleaning')
    const stopped = cleaner.stop()
    waiting[0]?.()
    await stopped
    expect(contentOf(harness.log)).toHaveLength(2)
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('what goes wrong', () => {
  test('a log that cannot be cleaned is told of once, left as it is, and counted', async () => {
    const harness = await aCompactedLog('a=1 a=2')
    const path = '/data/topic-0/00000000000000000000.log'
    const bytes = harness.disk.peek(path)
    bytes[70] = bytes[70]! ^ 1
    harness.disk.poke(path, bytes)
    const { cleaner, clock, lines } = aCleaner([harness])
    expect(valuesOf(cleaner)).toMatchObject({
      'kafka_log_logcleanermanager_uncleanable_partitions_count{"logDirectory":"/data"}': 0,
      'kafka_log_logcleanermanager_uncleanable_bytes{"logDirectory":"/data"}': 0,
    })
    cleaner.start()
    clock.advance(15_000)
    await until(() => harness.log.cleaning.uncleanable !== undefined, 'the failure')
    await until(() => clock.pendingTimers > 0, 'the next look')
    clock.advance(600_000)
    await until(() => clock.pendingTimers > 0, 'another look')
    expect(lines).toMatchObject([{ level: 'error', msg: expect.stringContaining('cannot be compacted') }])
    expect(harness.log.failure).toBeUndefined()
    expect(valuesOf(cleaner)).toMatchObject({
      'kafka_log_logcleanermanager_uncleanable_partitions_count{"logDirectory":"/data"}': 1,
      'kafka_log_logcleanermanager_uncleanable_bytes{"logDirectory":"/data"}': bytes.length,
    })
    await cleaner.stop()
  })

  test('a full disk is tried again later', async () => {
    const harness = await aCompactedLog('a=1 a=2')
    const mend = harness.disk.fail('write', { path: /cleaned/, code: 'ENOSPC' })
    const { cleaner, clock, lines, state } = aCleaner([harness])
    cleaner.start()
    clock.advance(15_000)
    await until(() => lines.length === 1, 'the failure')
    expect(lines).toMatchObject([{ level: 'warn' }])
    expect(harness.log.failure).toBeUndefined()
    mend()
    for (let look = 0; look < 5; look++) {
      await until(() => clock.pendingTimers > 0, 'the next look')
      clock.advance(15_000)
    }
    await until(() => state.checkpoints === 1, 'a cleaning')
    expect(contentOf(harness.log)).toEqual(['1:a=2'])
    await cleaner.stop()
  })

  test('a disk that fails takes the log offline', async () => {
    const harness = await aCompactedLog('a=1 a=2')
    harness.disk.fail('write', { path: /cleaned/, code: 'EIO' })
    const { cleaner, clock } = aCleaner([harness])
    cleaner.start()
    clock.advance(15_000)
    await until(() => harness.log.failure !== undefined, 'the failure')
    await cleaner.stop()
  })
})

test('the metrics tell of the last cleanings', async () => {
  const harness = await aCompactedLog('a=1 | a=2')
  const { cleaner, clock, state } = aCleaner([harness])
  cleaner.start()
  clock.advance(15_000)
  await until(() => state.checkpoints === 1, 'a cleaning')
  clock.advance(500)
  expect(valuesOf(cleaner)).toMatchObject({
    kafka_log_logcleaner_cleaner_recopy_percent: 50,
    kafka_log_logcleaner_max_clean_time_secs: 0,
    kafka_log_logcleaner_max_compaction_delay_secs: 0,
    kafka_log_logcleanermanager_time_since_last_run_ms: 500,
  })
  await cleaner.stop()
})

describe('with the directories of a broker', () => {
  const topic = {
    'cleanup.policy': ['compact'],
    'segment.bytes': 200,
    'file.delete.delay.ms': 1000,
  } as const

  async function aBroker(given: { readonly disk?: FakeDisk; readonly diesAfterSwap?: boolean } = {}) {
    const broker = await openLogs({ topic, ...given })
    const { logs, disk, clock } = broker
    const cleaner = new Cleaner({
      disk,
      clock,
      random: seededRandom(3),
      logger: silentLogger,
      settings: () => defaults,
      topicSettings: () => ({ ...defaultLogSettings, ...topic }),
      logs: () => logs.all(),
      compactor: inlineCompactor(disk, clock),
      settleRecoveryPoints: () => logs.settleRecoveryPoints(),
      checkpoint: () => (given.diesAfterSwap === true ? new Promise(() => {}) : logs.checkpoint()),
    })
    cleaner.start()
    return { ...broker, cleaner }
  }

  async function writeAndClean({
    create,
    turn,
    clock,
    logs,
  }: Awaited<ReturnType<typeof aBroker>>): Promise<Log> {
    const log = create('t', 0)
    await logs.checkpoint()
    // After cleaning the second and third of these segments end before the next begins.
    for (const segment of ['a=1|b=1', 'c=1|a=2', 'd=1|a=3', 'a=4', 'e=1']) {
      for (const batch of segment.split('|')) {
        log.appendAsLeader(records(batch), { leaderEpoch: 0, origin: 'client' })
        turn.flush()
      }
      log.roll()
    }
    log.advanceHighWatermark(log.logEndOffset)
    clock.advance(15_000)
    await until(() => log.cleaning.firstDirtyOffset === 8, 'a cleaning')
    expect(contentOf(log)).toEqual(['1:b=1', '2:c=1', '4:d=1', '6:a=4', '7:e=1'])
    return log
  }

  test.each(['kill', 'power cut'] as const)(
    'gaps between cleaned segments are no damage after a %s',
    async how => {
      const first = await aBroker({ diesAfterSwap: true })
      const log = await writeAndClean(first)
      const before = contentOf(log)
      if (how === 'kill') first.disk.kill()
      else first.disk.cutPower()
      const second = await aBroker({ disk: first.disk })
      const again = second.logs.get('t', 0)
      if (again === undefined) throw new Error('The log is gone.')
      expect(contentOf(again)).toEqual(before)
      expect(again.logEndOffset).toBe(8)
      await second.cleaner.stop()
      await second.logs.close()
    },
  )

  test('how far a log is compacted is known to the next start', async () => {
    const first = await aBroker()
    await writeAndClean(first)
    await until(() => first.disk.paths().includes('/a/cleaner-offset-checkpoint'), 'the checkpoint')
    expect(first.disk.peek('/a/cleaner-offset-checkpoint').toString()).toBe('0\n1\nt 0 8\n')
    await first.cleaner.stop()
    await first.logs.close()
    const second = await aBroker({ disk: first.disk })
    expect(second.logs.get('t', 0)?.cleaning.firstDirtyOffset).toBe(8)
    await second.cleaner.stop()
    await second.logs.close()
  })
})

function valuesOf(cleaner: Cleaner): Record<string, number> {
  const values: Record<string, number> = {}
  for (const { name, collect } of cleanerMetrics(cleaner)) {
    collect((value, labels) => {
      values[labels === undefined ? name : `${name}${JSON.stringify(labels)}`] = value
    })
  }
  return values
}
