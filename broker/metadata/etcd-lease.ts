import { assert } from '../../runtime/assert.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EtcdClient, EtcdStream } from './etcd-client.ts'
import { isGrpcError, storeError, understandFailure } from './etcd-failures.ts'
import type { LeaseAnswer } from './etcd-messages.ts'
import type { EtcdStats } from './etcd-stats.ts'
import { type Lease, LeaseLost, StoreUnavailable } from './metadata-store.ts'

/** The leases of one open store: granted, renewed one by one whenever their holder asks, revoked. */
export class EtcdLeases {
  readonly #options: EtcdLeasesOptions
  readonly #held = new Set<Lease>()

  constructor(options: EtcdLeasesOptions) {
    this.#options = options
  }

  /** etcd counts whole seconds and has a least time of its own: a lease lives `ttlMs` or somewhat longer. */
  async grant(ttlMs: number): Promise<Lease> {
    assert(ttlMs > 0, 'A lease lives for some time.', { ttlMs })
    // Doing it twice leaves a lease without keys behind, which runs out.
    const call = { operation: 'lease-grant', service: 'Lease', method: 'leaseGrant' } as const
    const request = { ID: '0', TTL: Math.ceil(ttlMs / 1000) }
    const { ID: id } = await this.#options.client.call<LeaseAnswer>(
      { ...call, repeatable: true, judged: 'as told' },
      request,
    )
    const lease: Lease = {
      id,
      ttlMs,
      keepAlive: () => this.#keepAlive(lease),
      revoke: () => this.#revoke(lease),
    }
    this.#held.add(lease)
    return lease
  }

  /** Revokes what is held still, as far as etcd can be reached. */
  async close(): Promise<void> {
    await Promise.allSettled(Array.from(this.#held, lease => this.#revoke(lease, longestFarewellMs)))
  }

  /**
   * A member that was cut off may go on as leader for a moment and renew leases that the others let run out. So a
   * renewal counts only when the members agree on a read after it.
   */
  async #keepAlive(lease: Lease): Promise<void> {
    const { client, clock, stats, confirm, requestTimeoutMs } = this.#options
    const sentAtMs = clock.monotonicMs()
    // Two more attempts fit in the lease's time.
    const timeoutMs = Math.min(requestTimeoutMs, Math.ceil(lease.ttlMs / 3))
    try {
      const opened = await client.stream<object, LeaseAnswer>('Lease', 'leaseKeepAlive', timeoutMs)
      const ttlSeconds = await renewal(opened, lease.id).catch((error: unknown) => {
        throw this.#understood(error, opened)
      })
      if (ttlSeconds <= 0) {
        this.#held.delete(lease)
        throw new LeaseLost(`etcd does not know the lease ${lease.id}: it ran out.`)
      }
      await confirm(timeoutMs)
    } catch (error) {
      stats.failed('lease-renew', error)
      throw error
    }
    stats.answered('lease-renew', clock.monotonicMs() - sentAtMs)
  }

  #understood(error: unknown, { member }: EtcdStream<object, LeaseAnswer>): unknown {
    const { client } = this.#options
    if (!isGrpcError(error)) return error
    const failure = understandFailure(error)
    if (failure.remedy === 'other member') client.suspect(member)
    if (failure.remedy === 'new token') client.forgetToken()
    return storeError(failure, member.endpoint, true, error)
  }

  async #revoke(lease: Lease, timeoutMs = this.#options.requestTimeoutMs): Promise<void> {
    this.#held.delete(lease)
    try {
      await this.#options.client.call(
        {
          operation: 'lease-revoke',
          service: 'Lease',
          method: 'leaseRevoke',
          repeatable: true,
          judged: 'as told',
          timeoutMs,
        },
        { ID: lease.id },
      )
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error
    }
  }
}

const longestFarewellMs = 2000

/** The time to live in seconds that one keep-alive was answered with. */
function renewal({ stream }: EtcdStream<object, LeaseAnswer>, id: string): Promise<number> {
  return new Promise((resolve, reject) => {
    stream.on('data', (answer: LeaseAnswer) => {
      resolve(Number(answer.TTL))
      stream.end()
    })
    stream.on('error', reject)
    stream.on('end', () => reject(new StoreUnavailable('etcd ended the stream of lease renewals.')))
    stream.write({ ID: id })
  })
}

export interface EtcdLeasesOptions {
  readonly client: EtcdClient
  readonly stats: EtcdStats
  readonly clock: Clock
  readonly requestTimeoutMs: number
  /** A read that the members agree on. */
  readonly confirm: (timeoutMs: number) => Promise<unknown>
}
