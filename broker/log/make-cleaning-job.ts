import type { Random } from '../../runtime/random.ts'
import type { CleaningPlan } from './choose-log-to-clean.ts'
import type { CleaningJob } from './cleaning-job.ts'
import { keyHashSeedWords } from './key-hash.ts'
import type { Log } from './log.ts'
import type { LogSettings } from './log-settings.ts'
import { mostUnpackedBytes } from './validate-batch.ts'

/** Small enough for a thread that does nothing else, large enough that reading is not the slow part. */
const leastBufferBytes = 64 * 1024

/** Memory for one cleaning. */
export interface CleaningMemory {
  readonly mapBytes: number
  /** 0–1, exclusive. */
  readonly mapLoadFactor: number
  /** For reading and writing together. */
  readonly bufferBytes: number
}

/** All that another thread needs to know of the log as it is now. */
export function makeCleaningJob(
  log: Log,
  plan: CleaningPlan,
  options: {
    readonly settings: LogSettings
    readonly memory: CleaningMemory
    readonly random: Random
    readonly nowMs: number
  },
): CleaningJob {
  const { settings, memory, random, nowMs } = options
  const { firstDirtyOffset, upToOffset } = plan
  return {
    directory: log.directory,
    segments: log.segments
      .filter(({ baseOffset }) => baseOffset < upToOffset)
      .map(({ baseOffset, readableBytes }) => ({ baseOffset, sizeInBytes: readableBytes })),
    transactionIndexes: log.segments
      .filter(({ transactions }) => transactions.exists)
      .map(({ baseOffset }) => baseOffset),
    firstDirtyOffset,
    upToOffset,
    producers: lastRecords(log),
    nowMs,
    deleteRetentionMs: settings['delete.retention.ms'],
    segmentBytes: settings['segment.bytes'],
    indexBytes: settings['segment.index.bytes'],
    indexIntervalBytes: settings['index.interval.bytes'],
    mostUnpackedBytes: mostUnpackedBytes(settings),
    mapBytes: memory.mapBytes,
    mapLoadFactor: memory.mapLoadFactor,
    bufferBytes: Math.max(leastBufferBytes, Math.floor(memory.bufferBytes / 2)),
    seed: seedOf(random),
  }
}

function lastRecords(log: Log): Float64Array {
  const producers = log.producers.snapshot()
  const records = new Float64Array(producers.length * 3)
  for (const [index, { producerId, lastOffset, epoch }] of producers.entries()) {
    records[index * 3] = producerId
    records[index * 3 + 1] = lastOffset
    records[index * 3 + 2] = epoch
  }
  return records
}

function seedOf(random: Random): Int32Array {
  const bytes = random.bytes(keyHashSeedWords * 4)
  return Int32Array.from({ length: keyHashSeedWords }, (_, index) => bytes.readInt32LE(index * 4))
}
