import { type BatchToBuild, buildBatch, RecordBatchView, zeroUuid } from '../../protocol/index.ts'
import type { Disk } from '../../broker/log/disk.ts'
import { type AppendOutcome, Log, type LogCheckpoints, type LogOptions } from '../../broker/log/log.ts'
import type { LogSettings } from '../../broker/log/log-settings.ts'
import { EndOfTurn } from '../../runtime/end-of-turn.ts'
import { silentLogger } from '../../runtime/logger.ts'
import { seededRandom } from '../../runtime/random.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeDisk } from './fake-disk.ts'

export const defaultLogSettings: LogSettings = {
  'segment.bytes': 2 ** 30,
  'segment.ms': 604_800_000,
  'segment.jitter.ms': 0,
  'segment.index.bytes': 10_485_760,
  'index.interval.bytes': 4096,
  'flush.messages': Number.MAX_SAFE_INTEGER,
  'flush.ms': Number.MAX_SAFE_INTEGER,
  'retention.bytes': -1,
  'retention.ms': 604_800_000,
  'max.message.bytes': 1_048_588,
  'max.compaction.lag.ms': Number.MAX_SAFE_INTEGER,
  'file.delete.delay.ms': 60_000,
  'cleanup.policy': ['delete'],
  'compression.type': 'producer',
  'compression.gzip.level': -1,
  'compression.zstd.level': 3,
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': Number.MAX_SAFE_INTEGER,
  'message.timestamp.after.max.ms': 3_600_000,
}

type LogHarnessOptions = Omit<Partial<LogOptions>, 'clock'> & { readonly clock?: FakeClock }

export type LogHarness<D extends Disk = FakeDisk> = ReturnType<typeof logOn<D>>

/** A log on a disk in memory, with a clock that stands and turns that end when the test says so. */
export function aLog(settings: Partial<LogSettings> = {}, options: LogHarnessOptions = {}): LogHarness {
  const clock = new FakeClock()
  return logOn(new FakeDisk(() => clock.nowMs()), '/data/topic-0', settings, { clock, ...options })
}

/** The same on any disk. */
export function logOn<D extends Disk>(
  disk: D,
  directory: string,
  settings: Partial<LogSettings> = {},
  options: LogHarnessOptions = {},
) {
  const current = { ...defaultLogSettings, ...settings }
  const clock = options.clock ?? new FakeClock()
  const turn = new EndOfTurn(() => undefined)
  const logOptions: LogOptions = {
    directory,
    topic: 'topic',
    partition: 0,
    topicId: zeroUuid,
    settings: () => current,
    disk,
    clock,
    random: seededRandom(1),
    turn,
    logger: silentLogger,
    ...options,
  }
  const open = (checkpoints?: LogCheckpoints): Log => Log.open(logOptions, checkpoints)
  return {
    log: open(),
    open,
    turn,
    clock,
    disk,
    settings: current as { -readonly [K in keyof LogSettings]: LogSettings[K] },
  }
}

/** A batch of records with these values (or so many), as a producer sends it. */
export function aBatch(values: readonly string[] | number, batch: Partial<BatchToBuild> = {}): Buffer {
  const list =
    typeof values === 'number' ? Array.from({ length: values }, (_, index) => `value-${index}`) : values
  return buildBatch({
    records: list.map((value, index) => ({
      value: Buffer.from(value),
      timestamp: 1_700_000_000_000 + index,
    })),
    ...batch,
  })
}

/** Appends as leader and ends the turn; the offsets given out. */
export function append(
  harness: { readonly log: Log; readonly turn: EndOfTurn },
  batch: Buffer,
  options: { readonly leaderEpoch?: number; readonly origin?: 'client' | 'coordinator' } = {},
): { readonly baseOffset: number; readonly lastOffset: number } {
  const outcome = harness.log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client', ...options })
  if (outcome.kind === 'refused') throw new Error(`${outcome.error}: ${outcome.message}`)
  harness.turn.flush()
  return outcome
}

/** All bytes from `offset` to the log end, in reads of at most `maxBytes` that begin anew where the last whole batch ended. */
export function readAll(log: Log, offset = log.logStartOffset, maxBytes = 2 ** 30): Buffer {
  const pieces: Buffer[] = []
  let next = offset
  while (next < log.logEndOffset) {
    const read = log.read({ offset: next, maxBytes, minOneBatch: true, upTo: log.logEndOffset })
    if ('error' in read) throw new Error(read.error)
    const bytes = Buffer.alloc(read.records.length)
    read.records.readInto(bytes, 0)
    let at = 0
    while (bytes.length - at >= 61) {
      const size = bytes.readInt32BE(at + 8) + 12
      if (size > bytes.length - at) break
      next = Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23) + 1
      at += size
    }
    if (at === 0) throw new Error(`Nothing was read at offset ${next}.`)
    pieces.push(bytes.subarray(0, at))
  }
  return Buffer.concat(pieces)
}

/** Appends as leader without ending the turn. */
export function appendedTo(
  log: Log,
  batch: Buffer,
  leaderEpoch = 0,
): Extract<AppendOutcome, { lastOffset: number }> {
  const outcome = log.appendAsLeader(batch, { leaderEpoch, origin: 'client' })
  if (outcome.kind === 'refused') throw new Error(outcome.message)
  return outcome
}

/** What a read found, read from the file. */
export function bytesOf(read: ReturnType<Log['read']>): Buffer {
  if ('error' in read) throw new Error(read.error)
  const bytes = Buffer.alloc(read.records.length)
  read.records.readInto(bytes, 0)
  return bytes
}

export function firstOffset(bytes: Buffer): number {
  return new RecordBatchView(bytes).baseOffset
}
