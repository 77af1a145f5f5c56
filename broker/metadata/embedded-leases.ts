import type { Clock, Timer } from '../../runtime/clock.ts'
import { type Lease, type LeaseId, LeaseLost } from './metadata-store.ts'

/** The leases of one open embedded store. Ending one, by its time or by its holder, deletes the keys bound to it. */
export class EmbeddedLeases {
  readonly #clock: Clock
  readonly #prefix: string
  readonly #deleteBoundTo: (lease: LeaseId) => Promise<void>
  readonly #timers = new Map<LeaseId, Timer>()
  #granted = 0

  constructor(clock: Clock, prefix: string, deleteBoundTo: (lease: LeaseId) => Promise<void>) {
    this.#clock = clock
    this.#prefix = prefix
    this.#deleteBoundTo = deleteBoundTo
  }

  has(lease: LeaseId): boolean {
    return this.#timers.has(lease)
  }

  grant(ttlMs: number): Lease {
    const id = `${this.#prefix}.${++this.#granted}`
    this.#arm(id, ttlMs)
    return {
      id,
      ttlMs,
      keepAlive: () => this.#keepAlive(id, ttlMs),
      revoke: () => this.#end(id),
    }
  }

  /** Ends all of them; keys that the store can no longer delete are deleted when it is opened again. */
  async close(): Promise<void> {
    await Promise.allSettled(Array.from(this.#timers.keys(), lease => this.#end(lease)))
  }

  #keepAlive(id: LeaseId, ttlMs: number): Promise<void> {
    const timer = this.#timers.get(id)
    if (timer === undefined) return Promise.reject(new LeaseLost(`The lease ${id} is gone.`))
    timer.cancel()
    this.#arm(id, ttlMs)
    return Promise.resolve()
  }

  #arm(id: LeaseId, ttlMs: number): void {
    // A store that cannot delete the keys has stopped and says so by itself.
    const expire = (): void => void this.#end(id).catch(() => undefined)
    this.#timers.set(id, this.#clock.after(ttlMs, expire))
  }

  async #end(id: LeaseId): Promise<void> {
    const timer = this.#timers.get(id)
    if (timer === undefined) return
    timer.cancel()
    this.#timers.delete(id)
    await this.#deleteBoundTo(id)
  }
}
