import { planCleaning } from '../../broker/log/choose-log-to-clean.ts'
import { type CleaningOutcome, CleaningStopped } from '../../broker/log/cleaning-job.ts'
import { inlineCompactor } from '../../broker/log/compactor.ts'
import type { Disk } from '../../broker/log/disk.ts'
import type { Log } from '../../broker/log/log.ts'
import { makeCleaningJob } from '../../broker/log/make-cleaning-job.ts'
import {
  batchesOf,
  buildBatch,
  type BatchToBuild,
  decodeRecords,
  type RecordToBuild,
} from '../../protocol/index.ts'
import { seededRandom } from '../../runtime/random.ts'
import { aLog, append, type LogHarness, readAll } from './a-log.ts'

export const compacted = { 'cleanup.policy': ['compact'], 'file.delete.delay.ms': 0 } as const

/** `k=v`; `k` alone is a tombstone; `=v` has no key. */
export function record(text: string, timestamp = 1_700_000_000_000): RecordToBuild {
  const [key = '', value] = text.split('=')
  return {
    key: key === '' ? null : Buffer.from(key),
    value: value === undefined ? null : Buffer.from(value),
    timestamp,
  }
}

export function records(text: string, batch: Partial<BatchToBuild> = {}): Buffer {
  return buildBatch({ records: text.split(' ').map(word => record(word)), ...batch })
}

/** A log that holds these batches, each line a segment, batches separated by `|`; everything is readable and flushed. */
export async function aCompactedLog(
  content: string,
  settings: Parameters<typeof aLog>[0] = {},
  options: Parameters<typeof aLog>[1] = {},
): Promise<LogHarness> {
  // Records without a key come from the time before a topic was compacted.
  const harness = aLog({ ...compacted, ...settings, 'cleanup.policy': ['delete'] }, options)
  const lines = content
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  for (const line of lines) {
    for (const batch of line.split('|')) append(harness, records(batch.trim()))
    harness.log.roll()
  }
  await settle(harness)
  harness.settings['cleanup.policy'] = ['compact']
  return harness
}

/** Everything appended is replicated and flushed. */
export async function settle({ log, turn }: Pick<LogHarness, 'log' | 'turn'>): Promise<void> {
  turn.flush()
  log.advanceHighWatermark(log.logEndOffset)
  await log.flush()
}

interface CompactOptions {
  readonly mapBytes?: number
  readonly nowMs?: number
  /** Called before a group is put in its place. */
  readonly beforeSwap?: () => void
}

/** One cleaning from beginning to end, as the cleaner does it; undefined when there is nothing to clean. */
export async function compact(
  {
    log,
    disk,
    clock,
    settings,
  }: Pick<LogHarness<Disk>, 'log' | 'clock' | 'settings'> & { readonly disk: Disk },
  options: CompactOptions = {},
): Promise<CleaningOutcome | undefined> {
  const plan = planCleaning(
    {
      segments: log.segments,
      logStartOffset: log.logStartOffset,
      lastStableOffset: log.lastStableOffset,
      firstDirtyOffset: log.cleaning.firstDirtyOffset,
      nowMs: clock.nowMs(),
    },
    settings,
  )
  if (plan.upToOffset <= plan.firstDirtyOffset) return undefined
  const job = makeCleaningJob(log, plan, {
    settings,
    memory: { mapBytes: options.mapBytes ?? 1024 * 1024, mapLoadFactor: 0.9, bufferBytes: 1024 },
    random: seededRandom(7),
    nowMs: options.nowMs ?? clock.nowMs(),
  })
  const running = inlineCompactor(disk, clock).clean(job, {
    onGroup: group => {
      options.beforeSwap?.()
      log.swapIn(group)
    },
    bytesPerSecond: () => Number.MAX_VALUE,
  })
  log.cleaning.begin(() => running.stop())
  try {
    const outcome = await running.outcome
    if (!log.cleaning.end()) return undefined
    await disk.directorySynced(job.directory)
    log.cleaning.cleanedTo(outcome.endOffset)
    return outcome
  } catch (error) {
    log.cleaning.end()
    if (error instanceof CleaningStopped) return undefined
    throw error
  }
}

/** What a reader sees: `offset:k=v`, data of all batches in order; markers as `offset!`. */
export function contentOf(log: Log): string[] {
  return [...batchesOf(readAll(log, log.logStartOffset))].flatMap(batch =>
    Array.from(decodeRecords(batch, { maxDecompressedBytes: 2 ** 24 }), ({ offset, key, value }) => {
      if (batch.isControl) return `${offset}!`
      return `${offset}:${key?.toString() ?? ''}${value === null ? '' : `=${value.toString()}`}`
    }),
  )
}

/** The batches as they stand: `base-last xcount`. */
export function batchesIn(log: Log): string[] {
  return Array.from(
    batchesOf(readAll(log, log.logStartOffset)),
    ({ baseOffset, lastOffset, recordCount }) => `${baseOffset}-${lastOffset} x${recordCount}`,
  )
}
