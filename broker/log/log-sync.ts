import type { Clock } from '../../runtime/clock.ts'
import { type Disk, isDiskFull } from './disk.ts'
import { GroupCommit } from './group-commit.ts'
import { saveLeaderEpochs } from './leader-epoch-file.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

/** The end of some part of a log: an offset, and where that is in which file. */
export interface Mark {
  readonly offset: number
  readonly segment: Segment
  readonly position: number
}

export interface LogSyncParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly segments: SegmentList
  readonly leaderEpochs: LeaderEpochs
  readonly directory: () => string
  readonly recoveryPoint: number
  /** The end of what is in the files. */
  readonly endOfWritten: () => Mark
  readonly failure: () => Error | undefined
  /** Closes the log; answers why it is closed. */
  readonly fail: (error: unknown) => Error
  /** Everything before the mark is on the device. */
  readonly onSynced: (mark: Mark) => void
}

/**
 * Brings a log to the device, one sync at a time: epochs, segments, the directory. Afterwards the recovery point is where
 * the written part ended when the sync began.
 *
 * What a failed sync leaves of the bytes nobody knows: the log is closed. Only when the disk is too full for the file of
 * the leader epochs, which is written first, nothing has happened yet, and a later sync may succeed.
 */
export class LogSync {
  readonly #parts: LogSyncParts
  readonly #group = new GroupCommit(() => this.#syncFiles())
  #recoveryPoint: number
  /** Smallest offset that the log was cut to since the sync under way began. */
  #cutDuringSync = Number.POSITIVE_INFINITY
  #lastSyncMs: number
  /** Also at first: files of a process that was killed may not be on the device yet. */
  #hasNewFiles = true
  /** The next sync is to include the active segment. */
  #isActiveDue = false

  constructor(parts: LogSyncParts) {
    this.#parts = parts
    this.#recoveryPoint = parts.recoveryPoint
    this.#lastSyncMs = parts.clock.monotonicMs()
  }

  /** Everything below is on the device. */
  get recoveryPoint(): number {
    return this.#recoveryPoint
  }

  get isRunning(): boolean {
    return this.#group.isRunning
  }

  /** How long ago the last sync began. */
  get agoMs(): number {
    return this.#parts.clock.monotonicMs() - this.#lastSyncMs
  }

  /** Everything written is on the device when it resolves. Callers share one sync at a time. */
  all(): Promise<void> {
    this.#isActiveDue = true
    return this.#group.run()
  }

  /** Everything in this turn or later; a failure is told by closing the log. */
  allInBackground(): void {
    this.all().catch(() => undefined)
  }

  /** Only closed segments: the one that is being written is synced when somebody asks. */
  closedInBackground(): void {
    this.#group.run().catch(() => undefined)
  }

  /** Files were made or renamed: the directory may lose them in a power cut. */
  hasNewFiles(): void {
    this.#hasNewFiles = true
  }

  /** The log ends at `offset` now. */
  cutTo(offset: number): void {
    this.#recoveryPoint = Math.min(this.#recoveryPoint, offset)
    this.#cutDuringSync = Math.min(this.#cutDuringSync, offset)
  }

  /**
   * At once, before a segment begins at `baseOffset` behind a gap: after a crash a gap that is not known to be flushed is
   * taken for the lost end of a segment. Throws DiskError, after the log was closed unless the disk was full.
   */
  nowUpTo(baseOffset: number): void {
    const { disk, directory, leaderEpochs } = this.#parts
    saveLeaderEpochs(disk, directory(), leaderEpochs)
    try {
      for (const segment of this.#unsynced()) segment.syncNow()
      disk.syncDirectory(directory())
    } catch (error) {
      throw this.#parts.fail(error)
    }
    this.#recoveryPoint = baseOffset
  }

  async #syncFiles(): Promise<void> {
    const { disk, clock, segments, leaderEpochs, directory, failure, fail } = this.#parts
    const isAll = this.#isActiveDue
    this.#isActiveDue = false
    const { active } = segments
    const mark = isAll
      ? this.#parts.endOfWritten()
      : { offset: active.baseOffset, segment: active, position: 0 }
    this.#cutDuringSync = Number.POSITIVE_INFINITY
    this.#lastSyncMs = clock.monotonicMs()
    const closed = failure()
    if (closed !== undefined) throw closed
    try {
      // Epochs first: what is above the recovery point would give them again, what is below would not.
      saveLeaderEpochs(disk, directory(), leaderEpochs)
    } catch (error) {
      throw isDiskFull(error) ? error : fail(error)
    }
    try {
      for (const segment of this.#unsynced()) {
        if (segment === active && !isAll) continue
        if (!segments.all.includes(segment)) continue // deleted meanwhile
        await (segment === segments.active ? segment.sync() : segment.syncAll())
      }
      if (this.#hasNewFiles) {
        this.#hasNewFiles = false
        await disk.directorySynced(directory())
      }
    } catch (error) {
      throw fail(error)
    }
    this.#recoveryPoint = Math.max(this.#recoveryPoint, Math.min(mark.offset, this.#cutDuringSync))
    if (isAll) this.#parts.onSynced(mark)
  }

  #unsynced(): Segment[] {
    const { all } = this.#parts.segments
    return all.filter(
      (_, index) => (all[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY) > this.#recoveryPoint,
    )
  }
}
