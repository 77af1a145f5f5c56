import { join } from 'node:path'
import type { RecordBatchView } from '../../protocol/index.ts'
import { DiskError, isDiskFull } from './disk.ts'
import { segmentFileName } from './file-names.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogOptions } from './log-options.ts'
import { type LogSettings, segmentMs } from './log-settings.ts'
import { LogSync, type Mark } from './log-sync.ts'
import type { EndedTransaction, ProducerState } from './producer-state.ts'
import { writeProducerSnapshot } from './producer-snapshots.ts'
import { RecentPositions } from './recent-positions.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import { StagedWrites } from './staged-writes.ts'
import { UnwrittenProducers } from './unwritten-producers.ts'
import type { WriteListener } from './write-listener.ts'

export interface LogTailParts {
  readonly log: LogOptions
  readonly segments: SegmentList
  readonly leaderEpochs: LeaderEpochs
  /** After all records given out. */
  readonly producers: () => ProducerState
  /** A new segment in the log's directory. */
  readonly createSegment: (baseOffset: number) => Segment
  readonly directory: () => string
  readonly endOffset: number
  readonly recoveryPoint: number
}

/**
 * The end of a log, where it grows: from an offset being given out, over bytes in the file and on the device, to the
 * offset being readable. Three ends, each at most the one before: `nextOffset` (given out), `writtenOffset` (in the
 * file), `logEndOffset` (readable).
 *
 * Readable is what is written, except where flush.messages asks for a sync: what must be on the device before it is
 * acknowledged must be there before it is seen.
 *
 * When the disk fails the tail is closed for good (`failure`). When it is only full, everything that is not in the file
 * yet is taken back, whole batches or not, and for the rest of the turn nothing is accepted (`refused`): so none of the offsets
 * is given out again before those who wait for them have been told.
 */
export class LogTail {
  readonly #parts: LogTailParts
  readonly #segments: SegmentList
  readonly #staged = new StagedWrites()
  readonly #sync: LogSync
  /** Of the batches given out and not in the file. */
  readonly unwritten = new UnwrittenProducers()
  readonly #atEndOfTurn = (): void => this.#endTurn()
  #listener: WriteListener | undefined
  #nextOffset: number
  #writtenOffset: number
  /** Where the batch at #writtenOffset begins, or will. */
  #writtenIn: Segment
  #writtenPosition: number
  #logEndOffset: number
  #notifiedOffset: number
  /** What is written is not to be readable before it is synced. */
  #waitsForSync = false
  /** Base of the segment that is being made. */
  #beginning: number | undefined
  /** Aborted transactions whose markers are not written yet. */
  #aborted: EndedTransaction[] = []
  #recent: RecentPositions | undefined
  #turnQueued = false
  #refused: DiskError | undefined
  /** The last attempt to write found no room. */
  #isFull = false
  #failure: Error | undefined

  constructor(parts: LogTailParts) {
    this.#parts = parts
    this.#segments = parts.segments
    this.#nextOffset = parts.endOffset
    this.#writtenOffset = parts.endOffset
    this.#writtenIn = parts.segments.active
    this.#writtenPosition = this.#writtenIn.writtenBytes
    this.#logEndOffset = parts.endOffset
    this.#notifiedOffset = parts.endOffset
    this.#sync = new LogSync({
      disk: parts.log.disk,
      clock: parts.log.clock,
      segments: parts.segments,
      leaderEpochs: parts.leaderEpochs,
      directory: parts.directory,
      recoveryPoint: parts.recoveryPoint,
      endOfWritten: () => this.#endOfWritten(),
      failure: () => this.#failure,
      fail: error => this.fail(error),
      onSynced: mark => this.#publishSynced(mark),
    })
  }

  get nextOffset(): number {
    return this.#nextOffset
  }

  get logEndOffset(): number {
    return this.#logEndOffset
  }

  /** Everything below is on the device. */
  get recoveryPoint(): number {
    return this.#sync.recoveryPoint
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  /** Why nothing is accepted for the rest of this turn. */
  get refused(): Error | undefined {
    return this.#refused
  }

  get hasStaged(): boolean {
    return this.#staged.length > 0
  }

  /** Place of `offset` in the active segment if it was a readable end of late; -1 when not known. */
  recentPosition(offset: number): number {
    return this.#recent?.find(offset) ?? -1
  }

  listen(listener: WriteListener): void {
    this.#listener = listener
  }

  startMoved(): void {
    this.#parts.log.turn.write(() => this.#listener?.startMoved?.())
  }

  /** Whether the batch has to go to a new segment. */
  mustRoll(settings: LogSettings, batch: RecordBatchView): boolean {
    const { active } = this.#segments
    if (active.sizeInBytes === 0) return !active.fits(batch.lastOffset)
    if (active.sizeInBytes > settings['segment.bytes'] - batch.sizeInBytes) return true
    const { firstTimestamp } = active
    const waitedMs =
      firstTimestamp >= 0
        ? batch.maxTimestamp - firstTimestamp
        : this.#parts.log.clock.nowMs() - active.createdAtMs
    return (
      waitedMs > segmentMs(settings) - active.rollJitterMs ||
      active.isIndexFull(settings['segment.index.bytes']) ||
      !active.fits(batch.lastOffset)
    )
  }

  /** Begins a segment at `baseOffset` (>= nextOffset), unless the active one begins there and is empty. Throws DiskError. */
  roll(baseOffset: number): void {
    this.#writeStaged()
    const { active } = this.#segments
    if (baseOffset === active.baseOffset) return
    active.becomeInactive()
    if (baseOffset > this.#nextOffset) {
      this.#sync.nowUpTo(baseOffset)
      this.#parts.log.onRecoveryPointDue?.()
    }
    this.#beginning = baseOffset
    writeProducerSnapshot(this.#parts.log.disk, this.#parts.directory(), baseOffset, this.#parts.producers())
    this.#segments.add(this.#parts.createSegment(baseOffset))
    this.#beginning = undefined
    this.#noteWritten()
    this.#recent = undefined
    this.#sync.hasNewFiles()
    this.#sync.closedInBackground()
  }

  /** The batch's offsets are given out; its bytes follow with `add` before anything else is asked of the tail. */
  note(batch: RecordBatchView): void {
    this.#segments.active.noteBatch(batch.lastOffset, batch.maxTimestamp, batch.sizeInBytes)
    this.#nextOffset = batch.nextOffset
  }

  /** The bytes of all batches noted since the last call. Throws DiskError. */
  add(source: Buffer, start: number, length: number): void {
    if (!this.#staged.add(this.#segments.active, source, start, length)) this.#wrote()
    this.#queueTurn()
  }

  /** What markers among the batches given have ended. */
  ended(transactions: readonly EndedTransaction[]): void {
    if (transactions.length === 0) return
    for (const transaction of transactions) if (transaction.isAborted) this.#aborted.push(transaction)
    this.#queueTurn()
  }

  /** Writes what waits for the end of the turn. */
  write(): void {
    this.attempt(() => this.#writeStaged())
  }

  /** Everything given is on the device when it resolves. Callers share one sync at a time. */
  async flush(): Promise<void> {
    this.write()
    const refusal = this.#failure ?? this.#refused
    if (refusal !== undefined) throw refusal
    if (this.#writtenOffset <= this.recoveryPoint && !this.#parts.leaderEpochs.isDirty) return
    await this.#sync.all()
  }

  /** Begins a sync if the setting flush.ms says that it is time, or if one that is waited for found no room on the disk. */
  flushIfDue(): void {
    if (this.#failure !== undefined || this.#writtenOffset <= this.recoveryPoint || this.#sync.isRunning)
      return
    if (this.#waitsForSync || this.#sync.agoMs >= this.#parts.log.settings()['flush.ms'])
      this.#sync.allInBackground()
  }

  /** The log ends at `offset` now: everything above has been cut off. */
  cutTo(offset: number): void {
    this.#nextOffset = offset
    this.#writtenOffset = offset
    this.#noteWritten()
    this.#logEndOffset = offset
    this.#waitsForSync = false
    this.#recent = undefined
    this.#cutSyncedTo(offset)
    this.#sync.hasNewFiles()
    this.#queueTurn()
  }

  /** What was given and not written is not to be written. */
  discard(): void {
    this.#staged.discard()
    this.#aborted = []
    this.unwritten.clear()
  }

  /** Forgets what only speeds up a busy log. */
  release(): void {
    this.#recent = undefined
  }

  /** Runs what uses the disk. Undefined when the disk is full, and everything unwritten is taken back; or fails, which closes the log. */
  attempt<T>(work: () => T): T | undefined {
    return this.#attempt(work, error => (isDiskFull(error) ? this.#takeBack(error) : this.fail(error)))
  }

  /** The same for what must not be left half done: a full disk closes the log as well. */
  attemptOrFail<T>(work: () => T): T | undefined {
    return this.#attempt(work, error => this.fail(error))
  }

  /** Closes the log for good. Part of what was being written may be in the file; it is cut off if the disk still lets us. */
  fail(error: unknown): Error {
    if (this.#failure !== undefined) return this.#failure
    const failure = error instanceof Error ? error : new Error('The disk failed.', { cause: error })
    this.#failure = failure
    this.discard()
    try {
      if (this.#nextOffset > this.#writtenOffset)
        this.#writtenIn.takeBack(this.#writtenPosition, this.#writtenOffset)
    } catch {
      // Recovery will find the torn end.
    }
    this.#parts.log.turn.write(() => this.#listener?.failed(failure))
    this.#parts.log.onFailed?.(failure)
    return failure
  }

  #attempt<T>(work: () => T, onError: (error: DiskError) => void): T | undefined {
    if (this.#failure !== undefined) return undefined
    try {
      return work()
    } catch (error) {
      // What has closed the log already comes back through here.
      if (error !== this.#failure) {
        if (!(error instanceof DiskError)) throw error
        onError(error)
      }
      return undefined
    }
  }

  /** The log is again as it was when it was last written to the file. */
  #takeBack(error: DiskError): void {
    const { producers, leaderEpochs } = this.#parts
    const endOffset = this.#writtenOffset
    this.attemptOrFail(() => {
      this.#removeSegmentsAbove(endOffset)
      this.#writtenIn.takeBack(this.#writtenPosition, endOffset)
    })
    if (this.#failure !== undefined) return
    producers().takeBack(this.unwritten, endOffset)
    this.discard()
    if (this.#nextOffset > endOffset) leaderEpochs.truncateFromEnd(endOffset)
    this.#nextOffset = endOffset
    this.#cutSyncedTo(endOffset)
    this.#refused = error
    this.#queueTurn()
    if (!this.#isFull) this.#warnOfFullDisk(error)
    this.#isFull = true
  }

  #warnOfFullDisk(err: DiskError): void {
    const { topic, partition, logger } = this.#parts.log
    logger.warn({ topic, partition, err }, 'The disk is full: records are refused until there is room.')
  }

  #cutSyncedTo(offset: number): void {
    const lowersRecoveryPoint = offset < this.recoveryPoint
    this.#sync.cutTo(offset)
    if (lowersRecoveryPoint) this.#parts.log.onRecoveryPointDue?.()
  }

  /** They hold nothing, and would stand in the way of offsets below. */
  #removeSegmentsAbove(endOffset: number): void {
    const { log, directory } = this.#parts
    for (const segment of this.#segments.removeAbove(endOffset)) {
      segment.deleteFiles()
      log.disk.unlink(segment.path('snapshot'))
      this.#noteWritten()
    }
    if (this.#beginning === undefined) return
    for (const kind of ['log', 'snapshot'] as const) {
      log.disk.unlink(join(directory(), segmentFileName(this.#beginning, kind)))
    }
    this.#beginning = undefined
  }

  #queueTurn(): void {
    if (this.#turnQueued) return
    this.#turnQueued = true
    this.#parts.log.turn.write(this.#atEndOfTurn)
  }

  #endTurn(): void {
    this.write()
    this.#turnQueued = false
    if (this.#failure !== undefined) return
    if (this.#refused !== undefined) {
      const error = this.#refused
      this.#refused = undefined
      this.#listener?.refused(this.#nextOffset, error)
    }
    if (this.#notifiedOffset === this.#logEndOffset) return
    this.#notifiedOffset = this.#logEndOffset
    this.#listener?.written(this.#logEndOffset)
  }

  #writeStaged(): void {
    if (this.#staged.length === 0 && this.#aborted.length === 0) return
    this.#staged.write(this.#segments.active)
    this.#wrote()
  }

  /** All that was given is in the file. */
  #wrote(): void {
    if (this.#aborted.length > 0) {
      for (const transaction of this.#aborted) this.#segments.active.transactions.append(transaction)
      this.#aborted = []
    }
    this.#writtenOffset = this.#nextOffset
    this.#noteWritten()
    this.#isFull = false
    this.unwritten.clear()
    if (this.#mayBeSeenUnsynced()) {
      if (!this.#waitsForSync) this.#publish(this.#endOfWritten())
    } else if (!this.#waitsForSync) {
      this.#waitsForSync = true
      this.#sync.allInBackground()
    }
  }

  /** The active segment ends with a whole batch, the last before #writtenOffset. */
  #noteWritten(): void {
    this.#writtenIn = this.#segments.active
    this.#writtenPosition = this.#writtenIn.writtenBytes
  }

  #mayBeSeenUnsynced(): boolean {
    return this.#writtenOffset - this.recoveryPoint < this.#parts.log.settings()['flush.messages']
  }

  #endOfWritten(): Mark {
    return {
      offset: this.#writtenOffset,
      segment: this.#writtenIn,
      position: this.#writtenPosition,
    }
  }

  #publish({ offset, segment, position }: Mark): void {
    const { all } = this.#segments
    segment.publishTo(position)
    for (let index = all.lastIndexOf(segment) - 1; index >= 0; index--) {
      const earlier = all[index]
      if (earlier === undefined || earlier.isPublished) break
      earlier.publishTo(earlier.writtenBytes)
    }
    this.#logEndOffset = offset
    if (segment === this.#segments.active) {
      this.#recent ??= new RecentPositions()
      this.#recent.add(offset, position)
    }
    this.#queueTurn()
  }

  #publishSynced(mark: Mark): void {
    if (!this.#waitsForSync) return
    if (this.#mayBeSeenUnsynced()) {
      this.#waitsForSync = false
      this.#publish(this.#endOfWritten())
    } else {
      this.#publish(mark)
      this.#sync.allInBackground()
    }
  }
}
