import { type Clock, sleep } from '../../runtime/clock.ts'

/** Waits shorter than this are gathered: a timer is no more exact. */
const leastWaitMs = 10
/** So often a waiting one looks whether the limit has changed or it is to stop. */
const longestSleepMs = 500

/** Spreads reading and writing over time: who has spent more bytes than time allows waits until time has caught up. */
export class IoLimit {
  readonly #clock: Clock
  readonly #bytesPerSecond: () => number
  readonly #isStopped: () => boolean
  /** Bytes that time has not paid for yet. */
  #debt = 0
  #paidAtMs: number

  /** The limit may change while it is in use; nobody waits any more once `isStopped`. */
  constructor(clock: Clock, bytesPerSecond: () => number, isStopped: () => boolean) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#isStopped = isStopped
    this.#paidAtMs = clock.monotonicMs()
  }

  /** Undefined when there is nothing to wait for, so that the unlimited need not wait at all. */
  spend(bytes: number): Promise<void> | undefined {
    this.#pay()
    this.#debt += bytes
    return this.#waitMs() < leastWaitMs ? undefined : this.#wait()
  }

  async #wait(): Promise<void> {
    for (;;) {
      const waitMs = this.#waitMs()
      if (waitMs < leastWaitMs || this.#isStopped()) return
      await sleep(this.#clock, Math.min(waitMs, longestSleepMs))
      this.#pay()
    }
  }

  #waitMs(): number {
    return (this.#debt / this.#bytesPerSecond()) * 1000
  }

  #pay(): void {
    const nowMs = this.#clock.monotonicMs()
    const paid = ((nowMs - this.#paidAtMs) / 1000) * this.#bytesPerSecond()
    this.#debt = Math.max(0, this.#debt - paid)
    this.#paidAtMs = nowMs
  }
}
