import type { Clock, Timer } from '../../runtime/clock.ts'

/** A clock that stands still until it is advanced; timers run in the order of their time. */
export class FakeClock implements Clock {
  #nowMs: number
  #monotonicMs = 0
  #sequence = 0
  readonly #timers = new Set<{ atMs: number; order: number; job: () => void }>()

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  after(delayMs: number, job: () => void): Timer {
    const timer = { atMs: this.#monotonicMs + delayMs, order: this.#sequence++, job }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Moves time forward, running every timer that falls due on the way. */
  advance(byMs: number): void {
    const endMs = this.#monotonicMs + byMs
    for (;;) {
      const due = [...this.#timers]
        .filter(timer => timer.atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0]
      if (due === undefined) break
      this.#timers.delete(due)
      this.#move(Math.max(0, due.atMs - this.#monotonicMs))
      due.job()
    }
    this.#move(endMs - this.#monotonicMs)
  }

  #move(byMs: number): void {
    this.#monotonicMs += byMs
    this.#nowMs += byMs
  }
}
