import type { Uuid } from '../../protocol/index.ts'
import { appendAsFollower } from './append-as-follower.ts'
import { type AppendInto, appendAsLeader } from './append-as-leader.ts'
import type { CleanedGroup } from './cleaning-job.ts'
import { CleaningState } from './cleaning-state.ts'
import { deleteOldSegments } from './delete-old-segments.ts'
import { DiskError, isDiskFull } from './disk.ts'
import { saveLeaderEpochs } from './leader-epoch-file.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { loadLog, loadProducers, removeProducerSnapshots } from './load-log.ts'
import { neverRefused, refuseByReserve, refuseClosed, refuseFailed, refuseForRoom } from './log-refusals.ts'
import type { LogRead } from './log-slice.ts'
import {
  type AppendOutcome,
  type AppendRefused,
  type LeaderAppendOptions,
  type LogCheckpoints,
  type LogOptions,
} from './log-options.ts'
import { LogTail } from './log-tail.ts'
import { OpenFiles } from './open-files.ts'
import { writeProducerSnapshot } from './producer-snapshots.ts'
import { ProducerState } from './producer-state.ts'
import { type ReadFrom, type ReadOptions, readSegments } from './read-segments.ts'
import { RemovedSegments } from './removed-segments.ts'
import { type CreateSegment, newSegment } from './new-segment.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import { swapSegments } from './swap-segments.ts'
import { findRecordAtTime, findRecordOfMaxTime, type LookedIn, type RecordAtTime } from './time-lookup.ts'
import { DamagedTransactionIndex } from './transaction-index.ts'
import { mostUnpackedBytes } from './validate-batch.ts'
import type { WriteListener } from './write-listener.ts'

export type * from './log-options.ts'
export type { LogRead } from './log-slice.ts'

/**
 * The log of one partition. Appending gives out offsets at once; the bytes are in the file by the end of the turn, and
 * then readable (see LogTail). Producer state and leader epochs run ahead with the offsets given out, so that the next append
 * of the same turn is checked against them. Should the disk have no room for the bytes, all three are taken back; should it
 * fail otherwise, the log is closed for good, and they are made anew from the files at the next start.
 *
 * The files in `directory` must be whole: after an unclean stop recovery runs before `open`. One log per directory.
 */
export class Log {
  readonly topic: string
  readonly partition: number
  readonly topicId: Uuid
  /** Its compaction, which somebody else does. */
  readonly cleaning: CleaningState
  readonly #options: LogOptions
  readonly #segments: SegmentList
  readonly #tail: LogTail
  readonly #leaderEpochs: LeaderEpochs
  readonly #removed: RemovedSegments
  readonly #readFrom: ReadFrom
  readonly #createSegment: CreateSegment
  #directory: string
  #producers: ProducerState
  #logStartOffset: number
  #highWatermark: number
  #usedLately = false
  #closed = false

  /** Opens the log in `directory`, making the directory and the first segment when there are none. Throws DiskError. */
  static open(options: LogOptions, checkpoints: LogCheckpoints = {}): Log {
    return new Log(options, checkpoints)
  }

  private constructor(options: LogOptions, checkpoints: LogCheckpoints) {
    const { directory, disk, clock, logger, settings } = options
    this.topic = options.topic
    this.partition = options.partition
    this.topicId = options.topicId
    this.cleaning = new CleaningState(checkpoints.firstDirtyOffset)
    this.#options = options
    this.#directory = directory
    const files = OpenFiles.of(disk)
    const delayMs = (): number => settings()['file.delete.delay.ms']
    this.#removed = new RemovedSegments({ disk, clock, logger, delayMs })
    const createSegment: CreateSegment = (...of) => newSegment(options, files, this.#directory, ...of)
    this.#createSegment = createSegment
    const loaded = loadLog({ log: options, checkpoints, files, createSegment })
    this.#segments = loaded.segments
    this.#leaderEpochs = loaded.leaderEpochs
    this.#producers = loaded.producers
    this.#logStartOffset = loaded.logStartOffset
    this.#highWatermark = clamp(checkpoints.highWatermark ?? 0, loaded.logStartOffset, loaded.endOffset)
    this.#producers.highWatermarkMoved(this.#highWatermark)
    this.#tail = new LogTail({
      log: options,
      segments: this.#segments,
      leaderEpochs: this.#leaderEpochs,
      producers: () => this.#producers,
      createSegment,
      directory: () => this.#directory,
      endOffset: loaded.endOffset,
      recoveryPoint: clamp(checkpoints.recoveryPoint ?? 0, loaded.logStartOffset, loaded.endOffset),
    })
    this.#readFrom = {
      segments: this.#segments,
      logEndOffset: () => this.logEndOffset,
      recentPosition: offset => this.#tail.recentPosition(offset),
      nowMs: () => clock.monotonicMs(),
    }
    this.releaseIdle()
  }

  get directory(): string {
    return this.#directory
  }

  /** By growing base offset; the last is the active one. */
  get segments(): readonly Segment[] {
    return this.#segments.all
  }

  get leaderEpochs(): LeaderEpochs {
    return this.#leaderEpochs
  }

  /** Another object after the log was cut. */
  get producers(): ProducerState {
    return this.#producers
  }

  get logStartOffset(): number {
    return this.#logStartOffset
  }

  /** Exclusive end of what is readable. */
  get logEndOffset(): number {
    return this.#tail.logEndOffset
  }

  /** The next offset to be given out. */
  get nextOffset(): number {
    return this.#tail.nextOffset
  }

  get highWatermark(): number {
    return this.#highWatermark
  }

  get lastStableOffset(): number {
    return Math.min(this.#highWatermark, this.#producers.firstUnstableOffset)
  }

  /** Everything below is on the device; what the recovery-point checkpoint holds. */
  get recoveryPoint(): number {
    return this.#tail.recoveryPoint
  }

  /** Bytes given to the log and not deleted, indexes not counted. */
  get sizeInBytes(): number {
    return this.#segments.sizeInBytes
  }

  /** Why nothing can be written any more. */
  get failure(): Error | undefined {
    return this.#tail.failure
  }

  /** One listener: the partition. */
  onWritten(listener: WriteListener): void {
    this.#tail.listen(listener)
  }

  /** Never goes back by this, nor beyond the log end. */
  advanceHighWatermark(offset: number): void {
    const next = Math.min(offset, this.logEndOffset)
    if (next <= this.#highWatermark) return
    this.#highWatermark = next
    this.#producers.highWatermarkMoved(next)
  }

  /** Validates one batch, gives out its offsets, stages or writes it. `records` is changed in place and not needed afterwards. */
  appendAsLeader(records: Buffer, options: LeaderAppendOptions): AppendOutcome {
    const refusal = this.#refusal()
    if (refusal !== undefined) return refusal
    if (options.origin === 'client' && this.#options.isWritable?.() === false) return refuseByReserve(this)
    return this.#outcome(appendAsLeader(this.#appendInto(), records, options))
  }

  /**
   * Stores batches as the leader has them. `records` may end in a part of a batch, which is left out; so is everything from the
   * first batch on that is of a later epoch than `leaderEpoch`, the epoch in which the leader was asked.
   */
  appendAsFollower(records: Buffer, options: { readonly leaderEpoch?: number } = {}): AppendOutcome {
    const refusal = this.#refusal()
    if (refusal !== undefined) return refusal
    const into = {
      ...this.#appendInto(),
      isEmpty: this.sizeInBytes === 0,
      startBelowLogStart: (offset: number) => this.#startBelowLogStart(offset),
    }
    return this.#outcome(appendAsFollower(into, records, options.leaderEpoch ?? Number.POSITIVE_INFINITY))
  }

  /** Where the bytes are that begin with the batch that contains `offset`. Nothing is read of them yet. */
  read(options: ReadOptions): LogRead | { readonly error: 'OFFSET_OUT_OF_RANGE' | 'KAFKA_STORAGE_ERROR' } {
    if (options.offset < this.#logStartOffset || options.offset > this.logEndOffset) {
      return { error: 'OFFSET_OUT_OF_RANGE' }
    }
    this.#usedLately = true
    try {
      return readSegments(this.#readFrom, options)
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof DamagedTransactionIndex)) throw error
      // What had to be written was an index that was missing; it is tried again by the next reader.
      if (error instanceof DiskError && !isDiskFull(error)) this.#tail.fail(error)
      return { error: 'KAFKA_STORAGE_ERROR' }
    }
  }

  /** The first record with a time >= `timestamp`, also above the high watermark. */
  offsetForTimestamp(timestamp: number): Promise<RecordAtTime | undefined> {
    this.#tail.write()
    return findRecordAtTime(() => this.#lookedIn(), timestamp)
  }

  /** The first record with the largest time, also above the high watermark. */
  offsetOfMaxTimestamp(): Promise<RecordAtTime | undefined> {
    this.#tail.write()
    return findRecordOfMaxTime(() => this.#lookedIn())
  }

  /** Cuts the end off: `offset` becomes the log end, and batches that reach to it or beyond are gone. */
  truncateTo(offset: number): void {
    this.#tail.write()
    if (offset >= this.nextOffset) return
    if (offset < this.#segments.first.baseOffset) {
      this.truncateFullyAndStartAt(offset)
      return
    }
    this.cleaning.truncatedTo(offset)
    this.#tail.attemptOrFail(() => {
      // The last first: a crash in between must not leave a hole.
      for (const segment of this.#segments.removeAbove(offset).toReversed()) this.#removed.remove(segment)
      this.#segments.active.truncateTo(offset)
      this.#leaderEpochs.truncateFromEnd(offset)
      this.#logStartOffset = Math.min(this.#logStartOffset, offset)
      this.#highWatermark = Math.min(this.#highWatermark, offset)
      this.#tail.cutTo(offset)
      this.#producers = loadProducers(this.#options, {
        directory: this.#directory,
        segments: this.#segments.all,
        endOffset: offset,
      })
      this.#producers.highWatermarkMoved(this.#highWatermark)
    })
  }

  /** Drops everything and goes on at `offset`. */
  truncateFullyAndStartAt(offset: number): void {
    this.cleaning.startedAnew()
    this.#tail.attemptOrFail(() => {
      this.#tail.discard()
      const old = this.#segments.removeFirst(this.#segments.length)
      for (const segment of old) this.#removed.remove(segment)
      this.#segments.add(this.#removed.makeRoomFor(() => this.#createSegment(offset)))
      this.#leaderEpochs.clear()
      this.#logStartOffset = offset
      this.#highWatermark = offset
      this.#tail.cutTo(offset)
      removeProducerSnapshots(this.#options.disk, this.#directory)
      this.#producers = new ProducerState()
    })
  }

  /** Moves the log start, at most to the high watermark. Files go with the next `deleteOldSegments`. */
  deleteRecordsBefore(offset: number): void {
    this.#moveLogStart(Math.min(offset, this.#highWatermark))
  }

  /** Closes the active segment, if there is anything in it, and begins another. */
  roll(): void {
    this.#tail.attempt(() => this.#tail.roll(this.nextOffset))
  }

  /** Puts what compaction has written in the place of what it was made of. */
  swapIn(group: CleanedGroup): void {
    const to = { segments: this.#segments, removed: this.#removed, directory: this.#directory }
    this.#tail.attemptOrFail(() => swapSegments(this.#options, group, to))
  }

  /** Deletes what retention lets go, but not while it is compacted; `nowMs` is wall clock. Answers how many segments went. */
  deleteOldSegments(nowMs: number): number {
    if (this.#closed || this.cleaning.isUnderWay) return 0
    this.#tail.write()
    return this.#tail.attemptOrFail(() => this.#deleteOldSegments(nowMs)) ?? 0
  }

  /** Everything appended so far is on the device when it resolves. Callers share one sync at a time. */
  flush(): Promise<void> {
    return this.#tail.flush()
  }

  /** Begins a flush if the setting flush.ms says that it is time. To be called now and then. */
  flushIfDue(): void {
    if (!this.#closed) this.#tail.flushIfDue()
  }

  /** Gives back memory and descriptors if the log was not used since the last call. To be called now and then. */
  releaseIdle(): void {
    if (!this.#usedLately && !this.#tail.hasStaged) {
      this.#tail.release()
      this.#tail.attempt(() => this.#releaseSegments())
    }
    this.#usedLately = false
  }

  /** The disk has failed elsewhere: nothing is written to this log any more. */
  takeOffline(error: Error): void {
    this.cleaning.stop()
    this.#tail.fail(error)
  }

  /** The directory was given another name: deletion, or a future log taking its place. */
  directoryRenamed(directory: string): void {
    this.#directory = directory
    for (const segment of this.#segments.all) segment.directoryRenamed(directory)
    this.#removed.directoryRenamed(directory)
  }

  /**
   * Writes what is staged, the indexes and a snapshot of the producers; with `sync` (the default) the records are on the device
   * afterwards. A log that has failed is only let go. Rejects with DiskError.
   */
  async close(options: { readonly sync?: boolean } = {}): Promise<void> {
    if (this.#closed) return
    this.cleaning.stop()
    this.#tail.write()
    this.#closed = true
    this.#removed.close()
    try {
      if (this.failure !== undefined) return
      this.#segments.active.becomeInactive()
      writeProducerSnapshot(this.#options.disk, this.#directory, this.nextOffset, this.#producers)
      saveLeaderEpochs(this.#options.disk, this.#directory, this.#leaderEpochs)
      if (options.sync !== false) await this.#tail.flush()
    } finally {
      this.#releaseSegments()
    }
  }

  #refusal(): AppendRefused | undefined {
    const { failure, refused } = this.#tail
    if (failure !== undefined) return refuseFailed(this, failure)
    if (this.#closed) return refuseClosed(this)
    return refused === undefined ? undefined : refuseForRoom(this, refused)
  }

  #appendInto(): AppendInto {
    return {
      tail: this.#tail,
      leaderEpochs: this.#leaderEpochs,
      producers: this.#producers,
      settings: this.#options.settings(),
      nowMs: this.#options.clock.nowMs(),
    }
  }

  #outcome(outcome: AppendOutcome | undefined): AppendOutcome {
    if (outcome?.kind === 'appended') this.#usedLately = true
    return outcome ?? this.#refusal() ?? neverRefused()
  }

  /**
   * The leader's log may start in the middle of a batch. A follower that begins there gets the whole batch, whose first
   * offsets lie below its log start.
   */
  #startBelowLogStart(baseOffset: number): void {
    const logStartOffset = this.#logStartOffset
    this.truncateFullyAndStartAt(baseOffset)
    this.#logStartOffset = logStartOffset
    this.#highWatermark = logStartOffset
  }

  #lookedIn(): LookedIn {
    return {
      segments: this.#segments.all,
      logStartOffset: this.#logStartOffset,
      mostUnpackedBytes: mostUnpackedBytes(this.#options.settings()),
    }
  }

  #deleteOldSegments(nowMs: number): number {
    const log = {
      segments: this.#segments,
      logStartOffset: this.#logStartOffset,
      logEndOffset: this.logEndOffset,
      highWatermark: this.#highWatermark,
      removed: this.#removed,
      roll: () => {
        this.roll()
        return this.#segments.active.baseOffset === this.nextOffset
      },
      moveLogStart: (offset: number) => this.#moveLogStart(offset),
    }
    return deleteOldSegments(this.#options, log, nowMs)
  }

  #moveLogStart(offset: number): void {
    if (offset <= this.#logStartOffset) return
    this.#logStartOffset = offset
    this.#highWatermark = Math.max(this.#highWatermark, offset)
    this.#leaderEpochs.truncateFromStart(offset)
    this.#tail.startMoved()
  }

  #releaseSegments(): void {
    for (const segment of this.#segments.all) segment.release()
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}
