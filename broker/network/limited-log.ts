import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'

/**
 * Logs what strangers can cause at any rate, but only so many lines in ten seconds; the next line then says how many were
 * left out.
 */
export class LimitedLog {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #most: number
  #periodStartMs = Number.NEGATIVE_INFINITY
  #written = 0
  #leftOut = 0

  constructor(logger: Logger, clock: Clock, mostLines = 20) {
    this.#logger = logger
    this.#clock = clock
    this.#most = mostLines
  }

  /** What is only told on request needs no limit. */
  debug(fields: Readonly<Record<string, unknown>>, sentence: string): void {
    this.#logger.debug(fields, sentence)
  }

  info(fields: Readonly<Record<string, unknown>>, sentence: string): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#periodStartMs >= periodMs) {
      this.#periodStartMs = nowMs
      this.#written = 0
    }
    if (this.#written >= this.#most) {
      this.#leftOut++
      return
    }
    this.#written++
    this.#logger.info(this.#leftOut > 0 ? { ...fields, leftOut: this.#leftOut } : fields, sentence)
    this.#leftOut = 0
  }
}

const periodMs = 10_000
