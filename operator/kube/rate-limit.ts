import { type Clock, sleep } from '../../runtime/clock.ts'

/**
 * Kindness towards the API server: so many requests a second, so many at once. Those that wait go in the order they came;
 * a server that says "slower" (429) is obeyed by all.
 */
export class RateLimit {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #filledAtMs: number
  #closedUntilMs = 0
  #tail: Promise<void> = Promise.resolve()

  constructor(clock: Clock, { perSecond, burst }: { readonly perSecond: number; readonly burst: number }) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
    this.#filledAtMs = clock.monotonicMs()
  }

  /** Resolves when it is this caller's turn; rejects when the signal is aborted. */
  take(signal?: AbortSignal): Promise<void> {
    const turn = this.#tail.then(() => this.#wait(signal))
    this.#tail = turn.catch(() => {})
    return turn
  }

  /** Nobody is let through for so long. */
  closeFor(ms: number): void {
    this.#closedUntilMs = Math.max(this.#closedUntilMs, this.#clock.monotonicMs() + ms)
  }

  async #wait(signal?: AbortSignal): Promise<void> {
    for (;;) {
      const nowMs = this.#clock.monotonicMs()
      this.#tokens = Math.min(
        this.#burst,
        this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * this.#perSecond,
      )
      this.#filledAtMs = nowMs
      const closedMs = this.#closedUntilMs - nowMs
      if (closedMs <= 0 && this.#tokens >= 1) {
        this.#tokens -= 1
        return
      }
      await sleep(
        this.#clock,
        Math.max(closedMs, Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000), 1),
        signal,
      )
    }
  }
}
