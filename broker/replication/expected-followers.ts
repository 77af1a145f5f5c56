import type { Clock } from '../../runtime/clock.ts'

/**
 * Which brokers will ask for more partitions in a moment: those that have replicas of what this broker has just begun to
 * lead. A fetch of theirs that waits for records would keep them from asking, and acks=all with it. So it is answered at
 * once, and for a while their fetches wait for a moment only: they may hear of the new leader later than it does itself.
 */
export class ExpectedFollowers {
  readonly #clock: Clock
  readonly #untilMs = new Map<number, number>()
  readonly #waiting = new Map<number, Set<() => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  expect(brokerIds: Iterable<number>): void {
    const untilMs = this.#clock.monotonicMs() + expectedForMs
    for (const id of brokerIds) {
      this.#untilMs.set(id, untilMs)
      for (const answer of this.#waiting.get(id) ?? []) answer()
    }
  }

  /** How long a fetch of this broker may wait. */
  longestWaitMs(brokerId: number, askedMs: number): number {
    const untilMs = this.#untilMs.get(brokerId)
    if (untilMs === undefined) return askedMs
    if (this.#clock.monotonicMs() < untilMs) return Math.min(askedMs, momentMs)
    this.#untilMs.delete(brokerId)
    return askedMs
  }

  /** `answer` is called when the broker is expected to ask for more; the function that is returned ends that. */
  whileWaiting(brokerId: number, answer: () => void): () => void {
    const waiting = this.#waiting.get(brokerId) ?? new Set()
    this.#waiting.set(brokerId, waiting)
    waiting.add(answer)
    return () => {
      waiting.delete(answer)
      if (waiting.size === 0 && this.#waiting.get(brokerId) === waiting) this.#waiting.delete(brokerId)
    }
  }
}

/** News of a new leader reach every broker well within this time; after it a waiting fetch costs only patience. */
const expectedForMs = 2000
const momentMs = 20
