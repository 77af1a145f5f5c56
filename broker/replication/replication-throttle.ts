import type { Clock } from '../../runtime/clock.ts'

/**
 * Bounds what replicas that catch up take from the rest of the cluster: a token bucket that may run into debt by one read
 * and is paid back with time. For replicas named in leader. or follower.replication.throttled.replicas alone, and never for
 * one that has everything.
 */
export class ReplicationThrottle {
  readonly #clock: Clock
  readonly #bytesPerSecond: () => number
  #bytes = 0
  #countedAtMs: number

  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#countedAtMs = clock.monotonicMs()
  }

  take(bytes: number): void {
    this.#refill()
    this.#bytes -= bytes
  }

  /** How long nothing is to be copied before it is asked again; 0: copy on. A second at most: the rate may be changed meanwhile. */
  pauseMs(): number {
    this.#refill()
    if (this.#bytes >= 0) return 0
    return Math.min(1000, Math.ceil((-this.#bytes * 1000) / this.#bytesPerSecond()))
  }

  /** What was not used is kept for a second at most. */
  #refill(): void {
    const nowMs = this.#clock.monotonicMs()
    const rate = this.#bytesPerSecond()
    this.#bytes = Math.min(rate, this.#bytes + ((nowMs - this.#countedAtMs) * rate) / 1000)
    this.#countedAtMs = nowMs
  }
}

/** Whether a list of `partition:broker` pairs, or `*`, names this replica. */
export function isThrottled(replicas: readonly string[], index: number, brokerId: number): boolean {
  if (replicas.length === 0) return false
  return replicas[0] === '*' || replicas.includes(`${index}:${brokerId}`)
}
