import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { type Disk, isDiskFull } from './disk.ts'
import { deletedSuffix } from './file-names.ts'
import type { Segment } from './segment.ts'

/** However short file.delete.delay.ms is, files stay so long after a part of them was promised to a reader. */
const keptAfterReadMs = 30_000

export interface RemovedSegmentsParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  /** The setting file.delete.delay.ms. */
  readonly delayMs: () => number
}

/**
 * Segments that are no part of their log any more. Renamed at once, so that a start does not take them for data; their files are
 * removed later, for those who are still reading. What is left at a stop is removed at the next start.
 */
export class RemovedSegments {
  readonly #parts: RemovedSegmentsParts
  readonly #waiting = new Map<Segment, Timer>()

  constructor(parts: RemovedSegmentsParts) {
    this.#parts = parts
  }

  /** Throws DiskError. */
  remove(segment: Segment): void {
    this.#parts.disk.unlink(segment.path('snapshot'))
    segment.close()
    segment.changeSuffix(deletedSuffix)
    this.#removeAfter(segment, this.#parts.delayMs())
  }

  /** Does what needs room on the disk. Should there be none, what was removed goes at once, although somebody may be reading it. */
  makeRoomFor<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      if (!isDiskFull(error)) throw error
    }
    for (const [segment, timer] of this.#waiting) {
      timer.cancel()
      this.#waiting.delete(segment)
      segment.deleteFiles()
    }
    return work()
  }

  directoryRenamed(directory: string): void {
    for (const segment of this.#waiting.keys()) segment.directoryRenamed(directory)
  }

  close(): void {
    for (const timer of this.#waiting.values()) timer.cancel()
    this.#waiting.clear()
  }

  #removeAfter(segment: Segment, delayMs: number): void {
    const { clock, logger } = this.#parts
    this.#waiting.set(
      segment,
      clock.after(delayMs, () => {
        this.#waiting.delete(segment)
        const readAgoMs = clock.monotonicMs() - segment.lastReadAtMs
        if (readAgoMs < keptAfterReadMs) {
          this.#removeAfter(segment, keptAfterReadMs - readAgoMs)
          return
        }
        try {
          segment.deleteFiles()
        } catch (error) {
          // They hold up nothing but space, and the next start tries again.
          logger.warn(
            { file: segment.path('log'), err: error },
            'The files of a deleted segment could not be removed.',
          )
        }
      }),
    )
  }
}
