import type { Clock, Timer } from '../../runtime/clock.ts'

/**
 * Appends that wait for an offset of one partition to be written (acks=1) or committed (acks=all).
 *
 * They are settled in the order they came: offsets of one log only grow, so the head is always the next one due
 * (a duplicate of an older batch may be answered a moment later than it could be, never earlier). In the usual
 * case an append is settled at the end of the very turn it came in; a timer exists only while somebody waits longer.
 */
export class Acknowledgements {
  readonly #clock: Clock
  #head = 0
  #waiting: Waiting[] = []
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#waiting.length - this.#head
  }

  /** `settle` is called exactly once: 'NONE' when `reached` gets to `requiredOffset`, or the error of the failure. */
  add(requiredOffset: number, timeoutMs: number, settle: Settle): void {
    this.#waiting.push({ requiredOffset, deadlineMs: this.#clock.monotonicMs() + timeoutMs, settle })
  }

  /** All before `offset` (exclusive end) has now happened. Also watches the deadlines of those who wait on. */
  reached(offset: number): void {
    while (this.#head < this.#waiting.length) {
      const next = this.#waiting[this.#head]!
      if (next.requiredOffset > offset) break
      this.#head++
      next.settle('NONE')
    }
    this.#dropSettled()
    this.#watchDeadlines()
  }

  /** Leadership or the disk is lost: everybody still waiting is told so. */
  failAll(error: AcknowledgementError): void {
    const failed = this.#waiting.slice(this.#head)
    this.#waiting = []
    this.#head = 0
    this.#watchDeadlines()
    for (const waiting of failed) waiting.settle(error)
  }

  /** What was appended from `offset` on is not there any more: those who wait for some of it are told so. */
  failBeyond(offset: number, error: AcknowledgementError): void {
    const waiting = this.#waiting.slice(this.#head)
    const failed = waiting.filter(({ requiredOffset }) => requiredOffset > offset)
    if (failed.length === 0) return
    this.#waiting = waiting.filter(({ requiredOffset }) => requiredOffset <= offset)
    this.#head = 0
    this.#watchDeadlines()
    for (const { settle } of failed) settle(error)
  }

  #dropSettled(): void {
    if (this.#head === this.#waiting.length) {
      if (this.#head > 0) this.#waiting = []
      this.#head = 0
    } else if (this.#head > 1024) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
  }

  #watchDeadlines(): void {
    if (this.size === 0) {
      this.#timer?.cancel()
      this.#timer = undefined
      return
    }
    if (this.#timer !== undefined) return
    let earliestMs = Number.POSITIVE_INFINITY
    for (let at = this.#head; at < this.#waiting.length; at++) {
      earliestMs = Math.min(earliestMs, this.#waiting[at]!.deadlineMs)
    }
    const delayMs = Math.max(1, earliestMs - this.#clock.monotonicMs())
    this.#timer = this.#clock.after(delayMs, () => this.#expire())
  }

  #expire(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    const expired: Waiting[] = []
    const remaining: Waiting[] = []
    for (const waiting of this.#waiting.slice(this.#head)) {
      if (waiting.deadlineMs <= nowMs) expired.push(waiting)
      else remaining.push(waiting)
    }
    this.#waiting = remaining
    this.#head = 0
    for (const waiting of expired) waiting.settle('REQUEST_TIMED_OUT')
    this.#watchDeadlines()
  }
}

export type AcknowledgementError =
  | 'NOT_LEADER_OR_FOLLOWER'
  | 'KAFKA_STORAGE_ERROR'
  | 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'
  | 'REQUEST_TIMED_OUT'

export type Settle = (outcome: 'NONE' | AcknowledgementError) => void

interface Waiting {
  readonly requiredOffset: number
  readonly deadlineMs: number
  readonly settle: Settle
}
