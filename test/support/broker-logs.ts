import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log } from '../../broker/log/log.ts'
import type { LogDirectoriesOptions, LogDirectorySettings } from '../../broker/log/log-directories-options.ts'
import { LogDirectories } from '../../broker/log/log-directories.ts'
import type { LogSettings } from '../../broker/log/log-settings.ts'
import { inlineRecoverer } from '../../broker/log/recoverer.ts'
import type { RecoveryProgress } from '../../broker/log/recovery-progress.ts'
import { uuidFromBytes } from '../../protocol/index.ts'
import { EndOfTurn } from '../../runtime/end-of-turn.ts'
import { seededRandom } from '../../runtime/random.ts'
import { aBatch, defaultLogSettings } from './a-log.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeDisk } from './fake-disk.ts'
import { recordingLogger } from './recording-logger.ts'

export const topicId = uuidFromBytes(Buffer.alloc(16, 1))
export const otherId = uuidFromBytes(Buffer.alloc(16, 2))

const defaults: LogDirectorySettings = {
  'log.dir': ['/tmp'],
  'log.dirs': ['/a'],
  'cordoned.log.dirs': [],
  'num.recovery.threads.per.data.dir': 1,
  'log.retention.check.interval.ms': 300_000,
  'log.flush.offset.checkpoint.interval.ms': 60_000,
  'log.flush.start.offset.checkpoint.interval.ms': 60_000,
  'replica.high.watermark.checkpoint.interval.ms': 5000,
  'replica.alter.log.dirs.io.max.bytes.per.second': Number.MAX_SAFE_INTEGER,
  'producer.id.expiration.ms': 86_400_000,
  'log.dirs.reserved.bytes': 128 * 2 ** 20,
}

interface Given {
  readonly disk?: FakeDisk
  readonly clock?: FakeClock
  readonly settings?: Partial<LogDirectorySettings>
  readonly topic?: Partial<LogSettings>
  readonly options?: Partial<LogDirectoriesOptions>
}

/** One life of a broker's logs on a disk that outlives it. */
export async function openLogs(given: Given = {}) {
  const clock = given.clock ?? new FakeClock()
  const disk = given.disk ?? new FakeDisk(() => clock.nowMs())
  const turn = new EndOfTurn(() => undefined)
  const { logger, lines } = recordingLogger()
  const offline: { path: string; remaining: number }[] = []
  const progress: RecoveryProgress[] = []
  const moved: { replica: string; log: Log }[] = []
  const logs = await LogDirectories.open({
    settings: { ...defaults, ...given.settings },
    topicSettings: () => ({ ...defaultLogSettings, ...given.topic }),
    disk,
    clock,
    random: seededRandom(7),
    turn,
    logger,
    clusterId: 'cluster-a',
    nodeId: 1,
    onDirectoryOffline: (path, _error, remaining) => offline.push({ path, remaining }),
    onProgress: step => progress.push(step),
    onReplicaMoved: (topic, partition, log) => moved.push({ replica: `${topic}-${partition}`, log }),
    recoverer: inlineRecoverer(disk),
    ...given.options,
  })
  const create = (topic: string, partition: number, directory?: string): Log => {
    const log = logs.create(topic, partition, topicId, directory === undefined ? {} : { directory })
    if ('error' in log) throw new Error(log.message)
    return log
  }
  const append = (log: Log, count = 1): void => {
    for (let index = 0; index < count; index++) {
      const outcome = log.appendAsLeader(aBatch(1), { leaderEpoch: 3, origin: 'client' })
      if (outcome.kind !== 'appended') throw new Error(JSON.stringify(outcome))
    }
    turn.flush()
    log.advanceHighWatermark(log.logEndOffset)
  }
  return { logs, disk, clock, turn, lines, offline, progress, moved, create, append }
}

/** Time goes by, with room for what periodic work begins. */
export async function pass(clock: FakeClock, totalMs: number, stepMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < totalMs; passedMs += stepMs) {
    clock.advance(stepMs)
    await nextTurn()
  }
}

/** Names of the folders in a directory. */
export const foldersOf = (disk: FakeDisk, path: string): string[] =>
  disk
    .readDirectory(path)
    .flatMap(({ name, kind }) => (kind === 'directory' ? [name] : []))
    .sort()
