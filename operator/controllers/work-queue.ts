/**
 * Keys to be worked on: each at most once in the queue, never on two workers at a time, in the order they came. A key
 * that comes while it is worked on is worked on once more afterwards. Failures wait longer and longer, per key.
 */
import { backoffMs } from '../../runtime/backoff.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'

export interface QueueObserver {
  added(): void
  depth(depth: number): void
  waited(ms: number): void
  retried(): void
}

export interface QueueOptions {
  readonly firstRetryMs?: number
  readonly longestRetryMs?: number
  readonly observer?: QueueObserver
}

const unobserved: QueueObserver = { added() {}, depth() {}, waited() {}, retried() {} }

export class WorkQueue {
  readonly #clock: Clock
  readonly #random: Random
  readonly #options: QueueOptions
  readonly #observer: QueueObserver
  /** Key → when it was added; insertion order is the order of work. */
  readonly #waiting = new Map<string, number>()
  readonly #working = new Set<string>()
  /** Came again while worked on. */
  readonly #again = new Set<string>()
  readonly #delayed = new Map<string, { readonly atMs: number; readonly timer: Timer }>()
  readonly #failures = new Map<string, number>()
  #takers: ((key: string | undefined) => void)[] = []
  #isClosed = false

  constructor(clock: Clock, random: Random, options: QueueOptions = {}) {
    this.#clock = clock
    this.#random = random
    this.#options = options
    this.#observer = options.observer ?? unobserved
  }

  get depth(): number {
    return this.#waiting.size
  }

  add(key: string): void {
    if (this.#isClosed) return
    this.#undelay(key)
    if (this.#working.has(key)) {
      this.#again.add(key)
      return
    }
    if (this.#waiting.has(key)) return
    this.#waiting.set(key, this.#clock.monotonicMs())
    this.#observer.added()
    this.#hand()
    this.#observer.depth(this.#waiting.size)
  }

  /** Earlier of two delays wins. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isClosed) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    const atMs = this.#clock.monotonicMs() + delayMs
    const before = this.#delayed.get(key)
    if (before !== undefined && before.atMs <= atMs) return
    before?.timer.cancel()
    const timer = this.#clock.after(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { atMs, timer })
  }

  /** After a failure: again, later and later, but not before `leastMs`. */
  retry(key: string, leastMs = 0): number {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    this.#observer.retried()
    const { firstRetryMs = 100, longestRetryMs = 60_000 } = this.#options
    const delayMs = Math.max(
      leastMs,
      backoffMs(failures, { firstMs: firstRetryMs, mostMs: longestRetryMs }, this.#random),
    )
    this.addAfter(key, delayMs)
    return delayMs
  }

  /** It went well: the next failure is a first one. */
  forgive(key: string): void {
    this.#failures.delete(key)
  }

  /** The next key, which nobody else gets before done(); undefined when the queue is closed. */
  take(): Promise<string | undefined> {
    return new Promise(resolve => {
      if (this.#isClosed) {
        resolve(undefined)
        return
      }
      this.#takers.push(resolve)
      this.#hand()
    })
  }

  done(key: string): void {
    this.#working.delete(key)
    if (this.#again.delete(key)) this.add(key)
  }

  close(): void {
    this.#isClosed = true
    for (const { timer } of this.#delayed.values()) timer.cancel()
    this.#delayed.clear()
    this.#waiting.clear()
    for (const take of this.#takers) take(undefined)
    this.#takers = []
  }

  #hand(): void {
    const [next] = this.#waiting
    if (next === undefined) return
    const taker = this.#takers.shift()
    if (taker === undefined) return
    const [key, addedAtMs] = next
    this.#waiting.delete(key)
    this.#working.add(key)
    this.#observer.waited(this.#clock.monotonicMs() - addedAtMs)
    this.#observer.depth(this.#waiting.size)
    taker(key)
  }

  #undelay(key: string): void {
    this.#delayed.get(key)?.timer.cancel()
    this.#delayed.delete(key)
  }
}
