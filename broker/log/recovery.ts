import { RecordBatchView } from '../../protocol/index.ts'
import { BatchCheck } from './batch-check.ts'
import type { LogEnd } from './clean-stop.ts'
import type { Disk } from './disk.ts'
import { parseSegmentFileName, type SegmentFileKind, segmentFileName } from './file-names.ts'
import { HeaderScan } from './header-scan.ts'
import { finishInterruptedWork } from './interrupted-work.ts'
import { readLeaderEpochs, saveLeaderEpochs } from './leader-epoch-file.ts'
import { type EpochStart, LeaderEpochs } from './leader-epochs.ts'
import { LazyFile, OpenFiles } from './open-files.ts'
import { readNewestProducerSnapshot, writeProducerSnapshot } from './producer-snapshots.ts'
import type { ProducerMemory } from './producer-state.ts'
import { RecoveredState } from './recovered-state.ts'
import { Segment } from './segment.ts'
import { encodeTransactionIndex } from './transaction-index.ts'

/** Everything by value, so that a job can go to a worker thread. */
export interface RecoveryJob {
  readonly directory: string
  /** Records below it are on the device. Undefined when nothing is known: everything is read then. */
  readonly recoveryPoint: number | undefined
  /** From the checkpoint; 0 when nothing is known. */
  readonly logStartOffset: number
  readonly indexIntervalBytes: number
  readonly producerExpirationMs: number
  readonly nowMs: number
}

export interface RecoveryOutcome {
  readonly logEndOffset: number
  /** Undefined where there is no segment. */
  readonly end: LogEnd | undefined
  /** What may stand in the checkpoint now. */
  readonly recoveryPoint: number
  readonly readBytes: number
  /** Bytes that were no whole batch, and whole segments behind them. */
  readonly cutBytes: number
  readonly removedSegments: number
  /** What was wrong with the first bytes that were cut. */
  readonly problem: string | undefined
  /** The epochs of the log where they were not worth a sync: to be saved with the next flush. Undefined: the file has them. */
  readonly unsavedEpochs: readonly EpochStart[] | undefined
  /** More than the snapshot says. Undefined for so many producers that the snapshot has to do. */
  readonly producers: ProducerMemory | undefined
}

/** Recovered bytes are synced from here on; less is cheaper to read again after the next crash. */
const worthSyncingBytes = 1024 * 1024

/** Handing over more producers than this costs more than it is worth. */
const mostProducersHandedOver = 100_000

/** Descriptors that one recovery keeps open. */
const openFilesLimit = 16

/**
 * Makes the files of one log whole after an unclean stop, so that it can be opened as after a clean one. What is flushed
 * (segments below the one that holds the recovery point) is believed; everything from that segment on is read again:
 * checksums, indexes, epochs, producers. At the first bad batch the log is cut, and later segments are removed.
 *
 * May itself be killed at any point: later segments go first and from the end, so what is left is always a log
 * whose beginning is untouched.
 */
export function recoverLog(
  disk: Disk,
  job: RecoveryJob,
  onRead: (bytes: number) => void = () => {},
): RecoveryOutcome {
  const names = fileNames(disk, job.directory)
  const hasChanged = finishInterruptedWork(disk, job.directory, names)
  return new LogRecovery(disk, job, hasChanged ? fileNames(disk, job.directory) : names, onRead).run()
}

class LogRecovery {
  readonly #disk: Disk
  readonly #job: RecoveryJob
  readonly #onRead: (bytes: number) => void
  readonly #files: OpenFiles
  readonly #names: ReadonlySet<string>
  readonly #bases: number[]
  readonly #snapshotOffsets: number[]
  readonly #checkedSegments: Segment[] = []
  #readBytes = 0
  #cutBytes = 0
  #removedSegments = 0
  #problem: string | undefined
  #unsavedEpochs: readonly EpochStart[] | undefined
  #producers: ProducerMemory | undefined

  constructor(disk: Disk, job: RecoveryJob, names: readonly string[], onRead: (bytes: number) => void) {
    this.#disk = disk
    this.#job = job
    this.#onRead = onRead
    this.#files = new OpenFiles(disk, openFilesLimit)
    this.#names = new Set(names)
    this.#bases = offsetsOf(names, 'log')
    this.#snapshotOffsets = offsetsOf(names, 'snapshot')
  }

  run(): RecoveryOutcome {
    const { directory, recoveryPoint = 0 } = this.#job
    const bases = this.#bases
    if (bases.length === 0) return this.#outcome(this.#job.logStartOffset, recoveryPoint)
    // Of flushed segments only the last can hold the recovery point.
    const firstUnsure = Math.max(
      0,
      bases.findLastIndex(base => base <= recoveryPoint),
    )
    const snapshot = readNewestProducerSnapshot(
      this.#disk,
      directory,
      this.#snapshotOffsets,
      bases[firstUnsure]!,
    )
    const epochs = readLeaderEpochs(this.#disk, directory)
    epochs?.truncateFromEnd(bases[firstUnsure]!)
    const state = new RecoveredState({
      snapshot,
      // Without the file all epochs are read from the batches again.
      epochs: epochs ?? new LeaderEpochs(),
      needsEpochs: epochs === undefined,
      nowMs: this.#job.nowMs,
      expirationMs: this.#job.producerExpirationMs,
    })
    this.#replayFlushed(state, bases.slice(0, firstUnsure), bases[firstUnsure]!)
    return this.#finish(state, this.#checkSegments(state, bases.slice(firstUnsure), snapshot?.offset))
  }

  /** Reads the headers of flushed segments, as far as the snapshot or the epochs lack what they say. */
  #replayFlushed(state: RecoveredState, bases: readonly number[], endOffset: number): void {
    for (const [index, base] of bases.entries()) {
      if (!state.needs(bases[index + 1] ?? endOffset)) continue
      const file = new LazyFile(this.#files, this.#path(base, 'log'))
      const scan = new HeaderScan((...read) => file.readSync(...read), 0, file.size())
      while (scan.next()) {
        state.note(scan.batch, () => readBatch(file, scan.position, scan.batch.sizeInBytes))
        this.#read(scan.batch.sizeInBytes)
      }
      file.close()
    }
    // Their own indexes have these.
    state.takeAborted()
  }

  /** Checks segment by segment until one is bad; answers the offset after the last good batch. */
  #checkSegments(
    state: RecoveredState,
    bases: readonly number[],
    snapshotOffset: number | undefined,
  ): number {
    let endOffset = bases[0]!
    for (const [index, base] of bases.entries()) {
      const misfit = this.#misfit(base, endOffset)
      if (misfit !== undefined) {
        this.#problem = misfit
        this.#removeSegments(bases.slice(index))
        return endOffset
      }
      if (base !== snapshotOffset)
        writeProducerSnapshot(this.#disk, this.#job.directory, base, state.producers)
      const later = bases.slice(index + 1)
      endOffset = this.#checkSegment(state, base, later)
      if (this.#problem !== undefined) break
    }
    return endOffset
  }

  /** Why a segment cannot follow one that ends at `endOffset`. */
  #misfit(base: number, endOffset: number): string | undefined {
    if (base < endOffset) {
      return `The segment ${base} begins before offset ${endOffset}, where the one before it ends.`
    }
    // Logs have gaps, but one that is not known to be flushed is what a power cut left of a segment's end: a log flushes
    // before it makes a gap.
    const { recoveryPoint } = this.#job
    if (base === endOffset || recoveryPoint === undefined || base <= recoveryPoint) return undefined
    return `The segment before ${base} has lost its end from offset ${endOffset} on.`
  }

  /** Rebuilds everything that belongs to one segment; cuts it, and removes `later` ones, at the first bad batch. */
  #checkSegment(state: RecoveredState, base: number, later: readonly number[]): number {
    for (const kind of ['index', 'timeindex', 'txnindex'] as const) {
      if (this.#names.has(segmentFileName(base, kind))) this.#disk.unlink(this.#path(base, kind))
    }
    const file = new LazyFile(this.#files, this.#path(base, 'log'))
    const fileBytes = file.size()
    const segment = Segment.open({
      files: this.#files,
      directory: this.#job.directory,
      baseOffset: base,
      indexIntervalBytes: this.#job.indexIntervalBytes,
      createdAtMs: this.#job.nowMs,
      sizeInBytes: fileBytes,
    })
    segment.forgetBatches()
    const check = new BatchCheck((...read) => file.readSync(...read), fileBytes, base)
    while (check.next()) {
      const { batch } = check
      segment.noteBatch(batch.lastOffset, batch.maxTimestamp, batch.sizeInBytes)
      state.note(batch, () => check.wholeBatch())
      this.#read(batch.sizeInBytes)
    }
    if (check.problem !== undefined) {
      this.#problem = `${this.#path(base, 'log')}: ${check.problem}`
      this.#removeSegments(later)
      this.#cutBytes += fileBytes - check.nextPosition
      segment.cutToNoted()
    }
    const aborted = state.takeAborted()
    if (aborted.length > 0) {
      this.#disk.writeFileAtomically(this.#path(base, 'txnindex'), encodeTransactionIndex(aborted))
    }
    // Also the last one is left as at a clean stop.
    segment.becomeInactive()
    segment.release()
    file.close()
    this.#checkedSegments.push(segment)
    return check.nextOffset
  }

  #finish(state: RecoveredState, endOfBatches: number): RecoveryOutcome {
    const { directory, recoveryPoint = 0, logStartOffset } = this.#job
    const firstBase = this.#bases[0]!
    state.epochs.truncateFromEnd(endOfBatches)
    state.epochs.truncateFromStart(Math.max(logStartOffset, firstBase))
    // Cut, or much to read again after the next crash.
    const isSynced = this.#readBytes >= worthSyncingBytes || this.#cutBytes > 0
    if (isSynced) {
      saveLeaderEpochs(this.#disk, directory, state.epochs)
      for (const segment of this.#checkedSegments) segment.syncNow()
    } else {
      this.#unsavedEpochs = state.epochs.entries
    }
    const logEndOffset = Math.max(endOfBatches, logStartOffset)
    if (logEndOffset > endOfBatches) this.#startAnew(logEndOffset)
    if (state.producers.size <= mostProducersHandedOver) this.#producers = state.producers.toMemory()
    this.#removeStraySnapshots(logEndOffset)
    writeProducerSnapshot(this.#disk, directory, logEndOffset, state.producers)
    if (this.#removedSegments > 0 || logEndOffset > endOfBatches) this.#disk.syncDirectory(directory)
    return this.#outcome(logEndOffset, isSynced ? logEndOffset : Math.min(recoveryPoint, logEndOffset))
  }

  /**
   * All records that were kept lie below the log start: they had been deleted, and the ones after them were never on the
   * device. The log goes on at its start; retention removes the old segments.
   */
  #startAnew(logStartOffset: number): void {
    this.#disk.open(this.#path(logStartOffset, 'log'), 'create').close()
    this.#bases.push(logStartOffset)
  }

  /** Keeps the snapshots of segments: those beyond the end, or in the middle of one, say nothing any more. */
  #removeStraySnapshots(logEndOffset: number): void {
    for (const offset of this.#snapshotOffsets) {
      if (offset <= logEndOffset && this.#bases.includes(offset)) continue
      this.#disk.unlink(this.#path(offset, 'snapshot'))
    }
  }

  /** From the last to the first, so that a crash in between leaves no gap. */
  #removeSegments(bases: readonly number[]): void {
    for (const base of bases.toReversed()) {
      this.#cutBytes += this.#disk.stat(this.#path(base, 'log'))?.sizeInBytes ?? 0
      // The indexes first: without its .log file a segment does not exist.
      for (const kind of ['index', 'timeindex', 'txnindex', 'snapshot', 'log'] as const) {
        this.#disk.unlink(this.#path(base, kind))
      }
      this.#bases.splice(this.#bases.indexOf(base), 1)
      this.#removedSegments++
    }
  }

  #read(bytes: number): void {
    this.#readBytes += bytes
    this.#onRead(bytes)
  }

  #path(offset: number, kind: SegmentFileKind): string {
    return `${this.#job.directory}/${segmentFileName(offset, kind)}`
  }

  #end(endOffset: number): LogEnd | undefined {
    const last = this.#checkedSegments.at(-1)
    const segmentBase = this.#bases.at(-1)
    if (last === undefined || segmentBase === undefined) return undefined
    return { endOffset, segmentBase, segmentBytes: last.baseOffset === segmentBase ? last.sizeInBytes : 0 }
  }

  #outcome(logEndOffset: number, recoveryPoint: number): RecoveryOutcome {
    return {
      logEndOffset,
      end: this.#end(logEndOffset),
      recoveryPoint,
      readBytes: this.#readBytes,
      cutBytes: this.#cutBytes,
      removedSegments: this.#removedSegments,
      problem: this.#problem,
      unsavedEpochs: this.#unsavedEpochs,
      producers: this.#producers,
    }
  }
}

function fileNames(disk: Disk, directory: string): string[] {
  return disk.readDirectory(directory).flatMap(({ name, kind }) => (kind === 'file' ? [name] : []))
}

/** In growing order. */
function offsetsOf(names: readonly string[], kind: SegmentFileKind): number[] {
  return names
    .flatMap(name => {
      const parsed = parseSegmentFileName(name)
      return parsed !== undefined && parsed.kind === kind && parsed.suffix === '' ? [parsed.baseOffset] : []
    })
    .sort((a, b) => a - b)
}

function readBatch(file: LazyFile, position: number, sizeInBytes: number): RecordBatchView {
  const bytes = Buffer.allocUnsafe(sizeInBytes)
  file.readSync(bytes, 0, sizeInBytes, position)
  return new RecordBatchView(bytes)
}
