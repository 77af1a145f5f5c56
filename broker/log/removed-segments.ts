import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { deletedSuffix } from './file-names.ts'
import type { Segment } from './segment.ts'

/** However short file.delete.delay.ms is, files stay so long after a part of them was promised to a reader. */
const keptAfterReadMs = 30_000

/**
 * Segments that are no part of their log any more. Renamed at once, so that a start does not take them for data; their files are
 * removed later, for those who are still reading. What is left at a stop is removed at the next start.
 */
export class RemovedSegments {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #waiting = new Map<Segment, Timer>()

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  remove(segment: Segment, delayMs: number): void {
    segment.release()
    segment.changeSuffix(deletedSuffix)
    this.#removeAfter(segment, delayMs)
  }

  directoryRenamed(directory: string): void {
    for (const segment of this.#waiting.keys()) segment.directoryRenamed(directory)
  }

  close(): void {
    for (const timer of this.#waiting.values()) timer.cancel()
    this.#waiting.clear()
  }

  #removeAfter(segment: Segment, delayMs: number): void {
    this.#waiting.set(
      segment,
      this.#clock.after(delayMs, () => {
        this.#waiting.delete(segment)
        const readAgoMs = this.#clock.monotonicMs() - segment.lastReadAtMs
        if (readAgoMs < keptAfterReadMs) {
          this.#removeAfter(segment, keptAfterReadMs - readAgoMs)
          return
        }
        try {
          segment.deleteFiles()
        } catch (error) {
          // They hold up nothing but space, and the next start tries again.
          this.#logger.warn(
            { file: segment.path('log'), err: error },
            'The files of a deleted segment could not be removed.',
          )
        }
      }),
    )
  }
}
