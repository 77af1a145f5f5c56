import type { RecordBatchView } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import { type Disk, DiskError } from './disk.ts'
import { GroupCommit } from './group-commit.ts'
import { saveLeaderEpochs } from './leader-epoch-file.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { type LogSettings, segmentMs } from './log-settings.ts'
import type { EndedTransaction } from './producer-state.ts'
import { RecentPositions } from './recent-positions.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import { StagedWrites } from './staged-writes.ts'

export interface WriteListener {
  /** Readers may see everything below this offset. At the end of a turn, never inside an append. */
  written(logEndOffset: number): void
  /** The disk failed; the log accepts nothing any more. */
  failed(error: Error): void
}

export interface LogTailParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly turn: EndOfTurn
  readonly settings: () => LogSettings
  readonly segments: SegmentList
  readonly leaderEpochs: LeaderEpochs
  /** A new segment in the log's directory. */
  readonly createSegment: (baseOffset: number) => Segment
  /** Writes what is known of producers after all records below `offset`. */
  readonly writeSnapshot: (offset: number) => void
  readonly directory: () => string
  readonly endOffset: number
  readonly recoveryPoint: number
  /** Files were made that the directory may lose in a power cut. */
  readonly onFailed: (error: Error) => void
  /** The checkpoint must say the recovery point before this turn ends. */
  readonly onRecoveryPointDue: () => void
}

/** Up to where readers may see, and where that is in which file. */
interface Mark {
  readonly offset: number
  readonly segment: Segment
  readonly position: number
}

/**
 * The end of a log, where it grows: from an offset being given out, over bytes in the file and on the device, to the
 * offset being readable. Three ends, each at most the one before: `nextOffset` (given out), `writtenOffset` (in the
 * file), `logEndOffset` (readable).
 *
 * Readable is what is written, except where flush.messages asks for a sync: what must be on the device before it is
 * acknowledged must be there before it is seen.
 *
 * When the disk fails the tail is closed for good (`failure`).
 */
export class LogTail {
  readonly #parts: LogTailParts
  readonly #segments: SegmentList
  readonly #staged = new StagedWrites()
  readonly #sync = new GroupCommit(() => this.#syncFiles())
  readonly #atEndOfTurn = (): void => this.#endTurn()
  #listener: WriteListener | undefined
  #nextOffset: number
  #writtenOffset: number
  #logEndOffset: number
  #notifiedOffset: number
  #recoveryPoint: number
  /** Smallest offset that the log was cut to since the sync under way began. */
  #cutDuringSync = Number.POSITIVE_INFINITY
  #lastSyncMs: number
  /** Also at first: files of a process that was killed may not be on the device yet. */
  #hasNewFiles = true
  #waitsForSync = false
  /** The next sync is to include the active segment. */
  #isActiveDue = false
  /** Aborted transactions whose markers are not written yet. */
  #aborted: EndedTransaction[] = []
  #recent: RecentPositions | undefined
  #turnQueued = false
  #failure: Error | undefined

  constructor(parts: LogTailParts) {
    this.#parts = parts
    this.#segments = parts.segments
    this.#nextOffset = parts.endOffset
    this.#writtenOffset = parts.endOffset
    this.#logEndOffset = parts.endOffset
    this.#notifiedOffset = parts.endOffset
    this.#recoveryPoint = parts.recoveryPoint
    this.#lastSyncMs = parts.clock.monotonicMs()
  }

  get nextOffset(): number {
    return this.#nextOffset
  }

  get logEndOffset(): number {
    return this.#logEndOffset
  }

  /** Everything below is on the device. */
  get recoveryPoint(): number {
    return this.#recoveryPoint
  }

  get failure(): Error | undefined {
    return this.#failure
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

  /** Whether the batch has to go to a new segment. */
  mustRoll(settings: LogSettings, batch: RecordBatchView): boolean {
    const { active } = this.#segments
    if (active.sizeInBytes === 0) return !active.fits(batch.lastOffset)
    if (active.sizeInBytes > settings['segment.bytes'] - batch.sizeInBytes) return true
    const { firstTimestamp } = active
    const waitedMs =
      firstTimestamp >= 0
        ? batch.maxTimestamp - firstTimestamp
        : this.#parts.clock.nowMs() - active.createdAtMs
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
    if (baseOffset > this.#nextOffset) this.#flushBeforeGap(baseOffset)
    active.becomeInactive()
    this.#parts.writeSnapshot(baseOffset)
    this.#segments.add(this.#parts.createSegment(baseOffset))
    this.#hasNewFiles = true
    this.#recent = undefined
    // Only what is closed: a segment that is being written is synced when somebody asks.
    this.#inBackground(this.#sync.run())
  }

  /** After a crash a gap that is not known to be flushed is taken for the lost end of a segment. */
  #flushBeforeGap(baseOffset: number): void {
    saveLeaderEpochs(this.#parts.disk, this.#parts.directory(), this.#parts.leaderEpochs)
    for (const segment of this.#unsynced()) segment.syncNow()
    this.#parts.disk.syncDirectory(this.#parts.directory())
    this.#recoveryPoint = baseOffset
    this.#parts.onRecoveryPointDue()
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
    if (this.#failure !== undefined) throw this.#failure
    if (this.#writtenOffset <= this.#recoveryPoint && !this.#parts.leaderEpochs.isDirty) return
    await this.#syncAll()
  }

  /** Begins a sync if the setting flush.ms says that it is time. */
  flushIfDue(): void {
    if (this.#failure !== undefined || this.#writtenOffset <= this.#recoveryPoint || this.#sync.isRunning)
      return
    const waitedMs = this.#parts.clock.monotonicMs() - this.#lastSyncMs
    if (waitedMs >= this.#parts.settings()['flush.ms']) this.#inBackground(this.#syncAll())
  }

  /** The log ends at `offset` now: everything above has been cut off. */
  cutTo(offset: number): void {
    this.#nextOffset = offset
    this.#writtenOffset = offset
    this.#logEndOffset = offset
    this.#recoveryPoint = Math.min(this.#recoveryPoint, offset)
    this.#cutDuringSync = Math.min(this.#cutDuringSync, offset)
    this.#waitsForSync = false
    this.#recent = undefined
    this.#hasNewFiles = true
    this.#queueTurn()
  }

  /** What was given and not written is not to be written. */
  discard(): void {
    this.#staged.discard()
    this.#aborted = []
  }

  /** Forgets what only speeds up a busy log. */
  release(): void {
    this.#recent = undefined
  }

  /** Runs what uses the disk; undefined when the disk fails, which closes the log. */
  attempt<T>(work: () => T): T | undefined {
    if (this.#failure !== undefined) return undefined
    try {
      return work()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.fail(error)
      return undefined
    }
  }

  /** Closes the log for good. Part of what was being written may be in the file; it is cut off if the disk still lets us. */
  fail(error: unknown): Error {
    if (this.#failure !== undefined) return this.#failure
    const failure = error instanceof Error ? error : new Error('The disk failed.', { cause: error })
    this.#failure = failure
    this.discard()
    try {
      this.#segments.active.cutUnwritten()
    } catch {
      // Recovery will find the torn end.
    }
    this.#parts.turn.write(() => this.#listener?.failed(failure))
    this.#parts.onFailed(failure)
    return failure
  }

  #queueTurn(): void {
    if (this.#turnQueued) return
    this.#turnQueued = true
    this.#parts.turn.write(this.#atEndOfTurn)
  }

  #endTurn(): void {
    this.write()
    this.#turnQueued = false
    if (this.#failure !== undefined || this.#notifiedOffset === this.#logEndOffset) return
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
    if (this.#mayBeSeenUnsynced()) {
      if (!this.#waitsForSync) this.#publish(this.#endOfWritten())
    } else if (!this.#waitsForSync) {
      this.#waitsForSync = true
      this.#inBackground(this.#syncAll())
    }
  }

  #mayBeSeenUnsynced(): boolean {
    return this.#writtenOffset - this.#recoveryPoint < this.#parts.settings()['flush.messages']
  }

  #endOfWritten(): Mark {
    const segment = this.#segments.active
    return { offset: this.#writtenOffset, segment, position: segment.writtenBytes }
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

  #syncAll(): Promise<void> {
    this.#isActiveDue = true
    return this.#sync.run()
  }

  #inBackground(sync: Promise<void>): void {
    // A failure has been told by `fail` already.
    sync.catch(() => undefined)
  }

  async #syncFiles(): Promise<void> {
    const isAll = this.#isActiveDue
    this.#isActiveDue = false
    const { active } = this.#segments
    const mark = isAll ? this.#endOfWritten() : { offset: active.baseOffset, segment: active, position: 0 }
    this.#cutDuringSync = Number.POSITIVE_INFINITY
    this.#lastSyncMs = this.#parts.clock.monotonicMs()
    try {
      if (this.#failure !== undefined) throw this.#failure
      // Epochs first: what is above the recovery point would give them again, what is below would not.
      saveLeaderEpochs(this.#parts.disk, this.#parts.directory(), this.#parts.leaderEpochs)
      for (const segment of this.#unsynced()) {
        if (segment === active && !isAll) continue
        if (!this.#segments.all.includes(segment)) continue // deleted meanwhile
        await (segment === this.#segments.active ? segment.sync() : segment.syncAll())
      }
      if (this.#hasNewFiles) {
        this.#hasNewFiles = false
        await this.#parts.disk.directorySynced(this.#parts.directory())
      }
    } catch (error) {
      throw this.fail(error)
    }
    this.#recoveryPoint = Math.max(this.#recoveryPoint, Math.min(mark.offset, this.#cutDuringSync))
    if (isAll && this.#waitsForSync) this.#publishSynced(mark)
  }

  #unsynced(): Segment[] {
    const { all } = this.#segments
    return all.filter(
      (_, index) => (all[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY) > this.#recoveryPoint,
    )
  }

  #publishSynced(mark: Mark): void {
    if (this.#mayBeSeenUnsynced()) {
      this.#waitsForSync = false
      this.#publish(this.#endOfWritten())
    } else {
      this.#publish(mark)
      this.#inBackground(this.#syncAll())
    }
  }
}
