import { assert } from '../../runtime/assert.ts'
import type { DirectoryEntry, Disk } from './disk.ts'
import { parseSegmentFileName, segmentFileName } from './file-names.ts'
import { leaderEpochFileName, readLeaderEpochs } from './leader-epoch-file.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogCheckpoints, LogOptions } from './log-options.ts'
import type { OpenFiles } from './open-files.ts'
import { readNewestProducerSnapshot } from './producer-snapshots.ts'
import { ProducerState } from './producer-state.ts'
import { replayProducers } from './replay-producers.ts'
import type { CreateSegment } from './new-segment.ts'
import { Segment } from './segment.ts'
import { SegmentList } from './segment-list.ts'

export interface LoadedLog {
  readonly segments: SegmentList
  readonly leaderEpochs: LeaderEpochs
  readonly producers: ProducerState
  readonly logStartOffset: number
  readonly endOffset: number
}

export interface LoadOptions {
  readonly log: LogOptions
  /** What stands here is believed more than what stands in the directory. */
  readonly checkpoints: LogCheckpoints
  readonly files: OpenFiles
  readonly createSegment: CreateSegment
}

const defaultProducerIdExpirationMs = 86_400_000

/**
 * Reads what stands in the directory of a log; makes directory and first segment when there is nothing. The files must be
 * whole; only a torn end of the last segment is cut off, with a warning. Throws DiskError.
 */
export function loadLog(options: LoadOptions): LoadedLog {
  const { checkpoints } = options
  const { disk, directory } = options.log
  if (checkpoints.entries === undefined && disk.stat(directory) === undefined) disk.makeDirectory(directory)
  const entries = checkpoints.entries ?? disk.readDirectory(directory)
  const found = openSegments(options, entries)
  const hasSegments = found.length > 0
  if (!hasSegments) {
    const hasNoFiles = entries.every(({ name }) => parseSegmentFileName(name) === undefined)
    found.push(options.createSegment(checkpoints.logStartOffset ?? 0, hasNoFiles))
  }
  let segments = new SegmentList(found)
  let endOffset = hasSegments ? endOf(segments.active, options) : segments.active.baseOffset
  let logStartOffset = Math.max(checkpoints.logStartOffset ?? 0, segments.first.baseOffset)
  if (logStartOffset > endOffset) {
    // Records below were deleted and the end was lost: nothing that is here may be read any more.
    for (const segment of segments.all) segment.deleteFiles()
    segments = new SegmentList([options.createSegment(logStartOffset)])
    endOffset = logStartOffset
  }
  logStartOffset = Math.min(logStartOffset, endOffset)
  const leaderEpochs =
    checkpoints.leaderEpochs ?? loadLeaderEpochs(options, entries) ?? epochsOf(segments.all)
  leaderEpochs.truncateFromEnd(endOffset)
  leaderEpochs.truncateFromStart(logStartOffset)
  const producers =
    checkpoints.producers ??
    loadProducers(options.log, {
      directory,
      entries,
      segments: segments.all,
      endOffset,
    })
  return { segments, leaderEpochs, producers, logStartOffset, endOffset }
}

/**
 * The producers after all records of `segments`, which end at `endOffset`. Snapshots of states that are not in the log any
 * more are removed, and those that nobody will ask for: only the newest and the ones at the base of a segment are kept.
 */
export function loadProducers(
  { disk, clock, producerIdExpirationMs }: LogOptions,
  found: {
    readonly directory: string
    readonly entries?: readonly DirectoryEntry[]
    readonly segments: readonly Segment[]
    readonly endOffset: number
  },
): ProducerState {
  const { directory, segments, endOffset } = found
  const options = {
    nowMs: clock.nowMs(),
    expirationMs: producerIdExpirationMs ?? defaultProducerIdExpirationMs,
  }
  const bases = new Set(segments.map(segment => segment.baseOffset))
  const offsets = snapshotOffsets(found.entries ?? disk.readDirectory(directory))
  const newest = Math.max(Number.NEGATIVE_INFINITY, ...offsets.filter(offset => offset <= endOffset))
  const kept: number[] = []
  for (const offset of offsets) {
    if (offset <= endOffset && (offset === newest || bases.has(offset))) kept.push(offset)
    else disk.unlink(`${directory}/${segmentFileName(offset, 'snapshot')}`)
  }
  const snapshot = readNewestProducerSnapshot(disk, directory, kept, endOffset)
  // As after every clean stop: there is nothing to replay, so nothing is opened.
  if (snapshot?.offset === endOffset) return ProducerState.fromSnapshot(snapshot.entries, options)
  return replayProducers(segments, snapshot, options)
}

/** For a log that begins anew: what was known of producers is not in it. */
export function removeProducerSnapshots(disk: Disk, directory: string): void {
  for (const offset of snapshotOffsets(disk.readDirectory(directory))) {
    disk.unlink(`${directory}/${segmentFileName(offset, 'snapshot')}`)
  }
}

/** Undefined when the file is damaged. Mostly there is none, and an exception costs more than a look at the list. */
function loadLeaderEpochs(
  { log: { disk, directory } }: LoadOptions,
  entries: readonly DirectoryEntry[],
): LeaderEpochs | undefined {
  const isThere = entries.some(({ name }) => name === leaderEpochFileName)
  return isThere ? readLeaderEpochs(disk, directory) : new LeaderEpochs()
}

function snapshotOffsets(entries: readonly DirectoryEntry[]): number[] {
  return entries.flatMap(({ name }) => {
    const parsed = parseSegmentFileName(name)
    return parsed?.kind === 'snapshot' && parsed.suffix === '' ? [parsed.baseOffset] : []
  })
}

function openSegments(options: LoadOptions, entries: readonly DirectoryEntry[]): Segment[] {
  const { files } = options
  const { directory, clock, settings } = options.log
  const named = entries.flatMap(({ name, kind }) => {
    const parsed = kind === 'file' ? parseSegmentFileName(name) : undefined
    return parsed === undefined || parsed.suffix !== '' ? [] : [parsed]
  })
  const withTransactions = new Set(
    named.filter(({ kind }) => kind === 'txnindex').map(({ baseOffset }) => baseOffset),
  )
  return named
    .filter(({ kind }) => kind === 'log')
    .map(({ baseOffset }) => {
      const stat = files.disk.stat(`${directory}/${segmentFileName(baseOffset, 'log')}`)
      return Segment.open({
        files,
        directory,
        baseOffset,
        indexIntervalBytes: settings()['index.interval.bytes'],
        createdAtMs: stat?.modifiedAtMs ?? clock.nowMs(),
        hasTransactionIndex: withTransactions.has(baseOffset),
        sizeInBytes: stat?.sizeInBytes ?? 0,
      })
    })
}

function endOf(active: Segment, { checkpoints: { end }, log: { logger } }: LoadOptions): number {
  if (end?.segmentBase === active.baseOffset && end.segmentBytes === active.sizeInBytes) return end.endOffset
  const { nextOffset, problem } = active.readEnd()
  if (problem !== undefined) {
    logger.warn(
      { file: active.path('log'), problem, keptBytes: active.sizeInBytes },
      'The end of a log was torn and is cut off.',
    )
    active.cutToNoted()
  }
  assert(nextOffset >= active.baseOffset, 'A segment ends after its base.')
  return nextOffset
}

/** When the checkpoint is damaged the batches still know. */
function epochsOf(segments: readonly Segment[]): LeaderEpochs {
  const epochs = new LeaderEpochs()
  for (const segment of segments) {
    for (const { batch } of segment.headers()) {
      if (batch.partitionLeaderEpoch > epochs.latestEpoch)
        epochs.assign(batch.partitionLeaderEpoch, batch.baseOffset)
    }
  }
  return epochs
}
