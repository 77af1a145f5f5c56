import type { Clock, Timer } from '../../runtime/clock.ts'

/**
 * Named timers of one shard. Most are pushed back again and again (sessions, with every heartbeat), so pushing one back
 * only notes the new deadline; the clock's timer looks at it when it goes off.
 */
export class ShardTimers {
  readonly #clock: Clock
  readonly #timers = new Map<string, NamedTimer>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#timers.size
  }

  has(name: string): boolean {
    return this.#timers.has(name)
  }

  /** `job` runs once, after `delayMs`; a timer of that name is replaced. */
  schedule(name: string, delayMs: number, job: () => void): void {
    const deadlineMs = this.#clock.monotonicMs() + delayMs
    const existing = this.#timers.get(name)
    if (existing !== undefined && existing.armedForMs <= deadlineMs) {
      existing.deadlineMs = deadlineMs
      existing.job = job
      return
    }
    existing?.timer?.cancel()
    const timer: NamedTimer = { deadlineMs, armedForMs: deadlineMs, job, timer: undefined }
    this.#timers.set(name, timer)
    this.#arm(name, timer, delayMs)
  }

  cancel(name: string): void {
    this.#timers.get(name)?.timer?.cancel()
    this.#timers.delete(name)
  }

  cancelAll(): void {
    for (const { timer } of this.#timers.values()) timer?.cancel()
    this.#timers.clear()
  }

  #arm(name: string, timer: NamedTimer, delayMs: number): void {
    timer.armedForMs = this.#clock.monotonicMs() + delayMs
    timer.timer = this.#clock.after(delayMs, () => {
      const remainingMs = timer.deadlineMs - this.#clock.monotonicMs()
      if (remainingMs > 0) {
        this.#arm(name, timer, remainingMs)
        return
      }
      this.#timers.delete(name)
      timer.job()
    })
  }
}

interface NamedTimer {
  deadlineMs: number
  armedForMs: number
  job: () => void
  timer: Timer | undefined
}
