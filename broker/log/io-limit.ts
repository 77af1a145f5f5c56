import { type Clock, sleep } from '../../runtime/clock.ts'

/** Waits shorter than this are gathered: a timer is no more exact. */
const leastWaitMs = 10

/** Spreads reading and writing over time. Who has spent bytes waits until the limit has caught up. */
export class IoLimit {
  readonly #clock: Clock
  readonly #bytesPerSecond: () => number
  #freeAtMs = 0

  /** The limit may change while it is in use. */
  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Undefined when there is nothing to wait for, so that the unlimited need not wait at all. */
  spend(bytes: number): Promise<void> | undefined {
    const nowMs = this.#clock.monotonicMs()
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (bytes / this.#bytesPerSecond()) * 1000
    const waitMs = this.#freeAtMs - nowMs
    return waitMs < leastWaitMs ? undefined : sleep(this.#clock, waitMs)
  }
}
