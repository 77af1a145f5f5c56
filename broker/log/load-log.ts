import { assert } from '../../runtime/assert.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Disk } from './disk.ts'
import { parseSegmentFileName, segmentFileName } from './file-names.ts'
import { readLeaderEpochs } from './leader-epoch-file.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { OpenFiles } from './open-files.ts'
import { readNewestProducerSnapshot } from './producer-snapshots.ts'
import type { ProducerState } from './producer-state.ts'
import { replayProducers } from './replay-producers.ts'
import { Segment } from './segment.ts'
import { SegmentList } from './segment-list.ts'

export interface LoadedLog {
  readonly segments: SegmentList
  readonly leaderEpochs: LeaderEpochs
  readonly producers: ProducerState
  readonly logStartOffset: number
  readonly endOffset: number
  readonly hasNewFiles: boolean
}

export interface LoadOptions {
  readonly directory: string
  readonly files: OpenFiles
  readonly logStartOffset: number | undefined
  readonly logger: Logger
  readonly nowMs: number
  readonly producerIdExpirationMs: number
  readonly indexIntervalBytes: number
  readonly createSegment: (baseOffset: number) => Segment
}

/**
 * Reads what stands in the directory of a log; makes directory and first segment when there is nothing. The files must be
 * whole; only a torn end of the last segment is cut off, with a warning. Throws DiskError.
 */
export function loadLog(options: LoadOptions): LoadedLog {
  const { disk } = options.files
  if (disk.stat(options.directory) === undefined) disk.makeDirectory(options.directory)
  const found = openSegments(options)
  const hasSegments = found.length > 0
  if (!hasSegments) found.push(options.createSegment(options.logStartOffset ?? 0))
  let segments = new SegmentList(found)
  let endOffset = hasSegments ? endOf(segments.active, options.logger) : segments.active.baseOffset
  let logStartOffset = Math.max(options.logStartOffset ?? 0, segments.first.baseOffset)
  if (logStartOffset > endOffset) {
    // Records below were deleted and the end was lost: nothing that is here may be read any more.
    for (const segment of segments.all) segment.deleteFiles()
    segments = new SegmentList([options.createSegment(logStartOffset)])
    endOffset = logStartOffset
  }
  logStartOffset = Math.min(logStartOffset, endOffset)
  const leaderEpochs = readLeaderEpochs(disk, options.directory) ?? epochsOf(segments.all)
  leaderEpochs.truncateFromEnd(endOffset)
  leaderEpochs.truncateFromStart(logStartOffset)
  const producers = loadProducers({
    disk,
    directory: options.directory,
    segments: segments.all,
    endOffset,
    nowMs: options.nowMs,
    expirationMs: options.producerIdExpirationMs,
  })
  return { segments, leaderEpochs, producers, logStartOffset, endOffset, hasNewFiles: !hasSegments }
}

/**
 * The producers after all records of `segments`, which end at `endOffset`. Snapshots of states that are not in the log any
 * more are removed, and those that nobody will ask for: only the newest and the ones at the base of a segment are kept.
 */
export function loadProducers(options: {
  readonly disk: Disk
  readonly directory: string
  readonly segments: readonly Segment[]
  readonly endOffset: number
  readonly nowMs: number
  readonly expirationMs: number
}): ProducerState {
  const { disk, directory, segments, endOffset } = options
  const bases = new Set(segments.map(segment => segment.baseOffset))
  const offsets = snapshotOffsets(disk, directory)
  const newest = Math.max(Number.NEGATIVE_INFINITY, ...offsets.filter(offset => offset <= endOffset))
  const kept: number[] = []
  for (const offset of offsets) {
    if (offset <= endOffset && (offset === newest || bases.has(offset))) kept.push(offset)
    else disk.unlink(`${directory}/${segmentFileName(offset, 'snapshot')}`)
  }
  return replayProducers(segments, readNewestProducerSnapshot(disk, directory, kept, endOffset), options)
}

/** For a log that begins anew: what was known of producers is not in it. */
export function removeProducerSnapshots(disk: Disk, directory: string): void {
  for (const offset of snapshotOffsets(disk, directory)) {
    disk.unlink(`${directory}/${segmentFileName(offset, 'snapshot')}`)
  }
}

function snapshotOffsets(disk: Disk, directory: string): number[] {
  return disk.readDirectory(directory).flatMap(({ name }) => {
    const parsed = parseSegmentFileName(name)
    return parsed?.kind === 'snapshot' && parsed.suffix === '' ? [parsed.baseOffset] : []
  })
}

function openSegments(options: LoadOptions): Segment[] {
  const { files, directory } = options
  const named = files.disk.readDirectory(directory).flatMap(({ name, kind }) => {
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
        indexIntervalBytes: options.indexIntervalBytes,
        createdAtMs: stat?.modifiedAtMs ?? options.nowMs,
        hasTransactionIndex: withTransactions.has(baseOffset),
        sizeInBytes: stat?.sizeInBytes ?? 0,
      })
    })
}

function endOf(active: Segment, logger: Logger): number {
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
