import { assert } from '../../runtime/assert.ts'
import { type Clock, every, type Timer } from '../../runtime/clock.ts'

/**
 * How many bytes all connections together may hold: parts of frames, requests in work, answers not yet sent.
 *
 * Whoever wants to hold more than the free allowance charges it here, as the bytes arrive, not as they are announced.
 * When the limit is reached, connections that would need more stop reading and stand in line; they are woken when there is
 * room. Connections that hold nothing are served as ever.
 *
 * So that half-received frames cannot hold up each other for good, while the budget is exhausted
 * - the first in line may go over the limit, one at a time, and
 * - whoever holds bytes without having moved any for `stalledMs` is closed.
 */
export class MemoryBudget {
  readonly limit: number
  readonly #stalledMs: number
  readonly #clock: Clock
  readonly #holders = new Set<Holder>()
  readonly #line = new Set<Holder>()
  #used = 0
  #favoured: Holder | undefined
  /** The favoured one is done: the next need not wait for the timer. */
  #passOn = false
  #relief: Timer | undefined
  /** Connections closed to free memory, so far. */
  evictions = 0

  constructor(options: { readonly limit: number; readonly clock: Clock; readonly stalledMs?: number }) {
    this.limit = options.limit
    this.#clock = options.clock
    this.#stalledMs = options.stalledMs ?? 10_000
  }

  get used(): number {
    return this.#used
  }

  get waiting(): number {
    return this.#line.size
  }

  get exhausted(): boolean {
    return this.#used >= this.limit
  }

  /**
   * The last line: every connection may overstep by one chunk before it stops reading; when that has added up to several
   * times the limit, whoever adds more is closed.
   */
  get overrun(): boolean {
    return this.#used > overrunFactor * this.limit
  }

  /** Bytes left; 0 when exhausted. */
  get room(): number {
    return Math.max(0, this.limit - this.#used)
  }

  /** Whether `holder` may take on more now. */
  allows(holder: Holder): boolean {
    return this.#used < this.limit || holder === this.#favoured
  }

  /** Changes what `holder` holds to `bytes`; it is the caller who keeps the old figure in `holder.charged`. */
  charge(holder: Holder, bytes: number): void {
    this.#used += bytes - holder.charged
    holder.charged = bytes
    assert(this.#used >= 0, 'More bytes were given back than taken.')
    if (bytes > 0) this.#holders.add(holder)
    else this.#holders.delete(holder)
    if (!this.exhausted) {
      if (this.#line.size > 0) this.#wakeLine()
      return
    }
    this.#startRelief()
    if (this.#passOn) this.#favourNext()
  }

  /** `holder.roomAgain` is called when there is room, or when it is its turn to go over the limit. */
  standInLine(holder: Holder): void {
    this.#line.add(holder)
    this.#startRelief()
  }

  /** The favoured one has finished what it was let through for. */
  finished(holder: Holder): void {
    if (this.#favoured !== holder) return
    this.#favoured = undefined
    this.#passOn = true
  }

  /** The connection is gone. */
  leave(holder: Holder): void {
    this.finished(holder)
    this.#line.delete(holder)
    this.charge(holder, 0)
  }

  stop(): void {
    this.#relief?.cancel()
    this.#relief = undefined
  }

  #wakeLine(): void {
    for (const holder of this.#line) {
      if (this.exhausted) return
      this.#line.delete(holder)
      holder.roomAgain()
    }
  }

  #startRelief(): void {
    this.#relief ??= every(this.#clock, reliefPeriodMs, () => this.#relieve())
  }

  #relieve(): void {
    if (!this.exhausted) {
      this.#wakeLine()
      if (this.#line.size === 0) this.stop()
      return
    }
    const stalledSinceMs = this.#clock.monotonicMs() - this.#stalledMs
    for (const holder of this.#holders) {
      if (this.#line.has(holder) || holder.lastMovedMs > stalledSinceMs) continue
      this.evictions++
      holder.evict(
        `memory for requests and answers is short (${this.limit} bytes) and this connection, which holds ${holder.charged}, moved no byte for ${this.#stalledMs} ms`,
      )
      if (!this.exhausted) return
    }
    if (this.#favoured === undefined) this.#favourNext()
  }

  #favourNext(): void {
    for (const first of this.#line) {
      this.#passOn = false
      this.#line.delete(first)
      this.#favoured = first
      first.roomAgain()
      return
    }
  }
}

/** What holds bytes: a connection. */
export interface Holder {
  /** For the budget alone; begins as 0. */
  charged: number
  /** When it last received or sent a byte, or was let on, on the monotonic clock. */
  readonly lastMovedMs: number
  roomAgain(): void
  evict(reason: string): void
}

const reliefPeriodMs = 1000
const overrunFactor = 4
