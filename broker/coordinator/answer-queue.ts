import type { ErrorName } from '../../protocol/index.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'

/**
 * Answers that wait until the write they rest on is replicated. They leave in the order in which they were decided; one
 * that waits for too long fails with REQUEST_TIMED_OUT, though what it asked for may still come true.
 */
export class AnswerQueue {
  readonly #clock: Clock
  readonly #timeoutMs: () => number
  #waiting: WaitingAnswer[] = []
  #head = 0
  #timer: Timer | undefined

  constructor(clock: Clock, timeoutMs: () => number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  get size(): number {
    return this.#waiting.length - this.#head
  }

  /** `sequence` is that of the newest write; it never falls. */
  add(sequence: number, answer: () => void, fail: (error: ErrorName) => void): void {
    const deadlineMs = this.#clock.monotonicMs() + this.#timeoutMs()
    this.#waiting.push({ sequence, deadlineMs, answer, fail })
    this.#timer ??= this.#arm(deadlineMs)
  }

  committed(sequence: number): void {
    while (this.size > 0 && this.#waiting[this.#head]!.sequence <= sequence) this.#take().answer()
  }

  failAll(error: ErrorName): void {
    while (this.size > 0) this.#take().fail(error)
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #take(): WaitingAnswer {
    const next = this.#waiting[this.#head++]!
    if (this.#head === this.#waiting.length) {
      this.#waiting = []
      this.#head = 0
    } else if (this.#head > 1024) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
    return next
  }

  #arm(deadlineMs: number): Timer {
    return this.#clock.after(Math.max(1, deadlineMs - this.#clock.monotonicMs()), () => this.#expire())
  }

  #expire(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    while (this.size > 0 && this.#waiting[this.#head]!.deadlineMs <= nowMs)
      this.#take().fail('REQUEST_TIMED_OUT')
    if (this.size > 0) this.#timer ??= this.#arm(this.#waiting[this.#head]!.deadlineMs)
  }
}

interface WaitingAnswer {
  readonly sequence: number
  readonly deadlineMs: number
  readonly answer: () => void
  readonly fail: (error: ErrorName) => void
}
