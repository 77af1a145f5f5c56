/**
 * Which of several operators works: the one that holds a Lease. Others take it over when its holder has not renewed it
 * for its whole duration as seen on our own monotonic clock, whatever the clocks of others say. The holder gives up
 * before that time is over, so there are never two.
 */
import { type Clock, sleep } from '../../runtime/clock.ts'
import { deferred } from '../../runtime/deferred.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import { classOf } from './api-error.ts'
import type { ApiServer } from './api-server.ts'

export interface LeaderLeaseParts {
  readonly api: Pick<ApiServer, 'get' | 'create' | 'replace'>
  readonly clock: Clock
  readonly logger: Logger
  readonly namespace: string
  readonly name: string
  /** Different for every process. */
  readonly identity: string
}

interface LeaseSpec {
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly acquireTime?: string
  readonly renewTime?: string
  readonly leaseTransitions?: number
}

const durationMs = 15_000
/** Own validity ends earlier than others may take over. */
const giveUpMs = 10_000
const renewMs = 2000
/** Of one that waits for its turn. */
const retryMs = 1000

export class LeaderLease {
  readonly #parts: LeaderLeaseParts
  readonly #acquired = deferred<void>()
  readonly #lost = deferred<void>()
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #seen: { readonly resourceVersion: string; readonly atMs: number } | undefined
  #isHeld = false

  constructor(parts: LeaderLeaseParts) {
    this.#parts = parts
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when we hold it. */
  acquired(): Promise<void> {
    return this.#acquired.promise
  }

  /** Resolves when we do not hold it any more: all work must end. */
  lost(): Promise<void> {
    return this.#lost.promise
  }

  /** Gives it back, so that another need not wait. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('The lease is not wanted any more.'))
    await this.#running
    if (!this.#isHeld) return
    this.#isHeld = false
    try {
      const lease = await this.#read()
      if (lease !== undefined && specOf(lease).holderIdentity === this.#parts.identity) {
        await this.#parts.api.replace({
          ...lease,
          spec: { ...specOf(lease), holderIdentity: '', leaseDurationSeconds: 1 },
        })
      }
    } catch (error) {
      this.#parts.logger.warn(
        { err: error },
        'The leader lease was not given back; another waits until it ends.',
      )
    }
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#parts
    const { signal } = this.#stop
    let renewedAtMs = 0
    while (!signal.aborted) {
      const askedAtMs = clock.monotonicMs()
      try {
        if (await this.#acquireOrRenew()) {
          renewedAtMs = askedAtMs
          if (!this.#isHeld) {
            this.#isHeld = true
            logger.info({ identity: this.#parts.identity }, 'This operator leads.')
            this.#acquired.resolve()
          }
        } else if (this.#isHeld) {
          return this.#lose('another holds it')
        }
      } catch (error) {
        logger.warn({ err: error }, 'The leader lease could not be asked for.')
      }
      if (this.#isHeld && clock.monotonicMs() - renewedAtMs >= giveUpMs) {
        return this.#lose('it could not be renewed in time')
      }
      await sleep(clock, this.#isHeld ? renewMs : retryMs, signal).catch(() => {})
    }
  }

  #lose(why: string): void {
    this.#isHeld = false
    this.#parts.logger.error({ why }, 'This operator does not lead any more.')
    this.#lost.resolve()
  }

  #read(): Promise<KubeObject | undefined> {
    const { api, namespace, name } = this.#parts
    return api.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name })
  }

  async #acquireOrRenew(): Promise<boolean> {
    const { api, clock, identity, namespace, name } = this.#parts
    const lease = await this.#read()
    const now = new Date(clock.nowMs()).toISOString().replace('Z', '000Z')
    try {
      if (lease === undefined) {
        await api.create({
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { namespace, name },
          spec: leaseSpec(identity, { acquireTime: now, now, transitions: 0 }),
        })
        return true
      }
      const spec = specOf(lease)
      if (spec.holderIdentity !== identity && !this.#isOver(lease)) return false
      const isOurs = spec.holderIdentity === identity
      await api.replace({
        ...lease,
        spec: leaseSpec(identity, {
          acquireTime: isOurs ? (spec.acquireTime ?? now) : now,
          now,
          transitions: (spec.leaseTransitions ?? 0) + (isOurs ? 0 : 1),
        }),
      })
      return true
    } catch (error) {
      // Somebody else was faster; whether it is ours is seen next time.
      if (classOf(error) === 'conflict') return false
      throw error
    }
  }

  /** Nobody holds it, or its holder has not written for its whole duration since we first saw this version of it. */
  #isOver(lease: KubeObject): boolean {
    const { holderIdentity = '', leaseDurationSeconds } = specOf(lease)
    if (holderIdentity === '') return true
    const nowMs = this.#parts.clock.monotonicMs()
    const resourceVersion = lease.metadata.resourceVersion ?? ''
    if (this.#seen?.resourceVersion !== resourceVersion) this.#seen = { resourceVersion, atMs: nowMs }
    return nowMs - this.#seen.atMs >= (leaseDurationSeconds ?? durationMs / 1000) * 1000
  }
}

function specOf(lease: KubeObject): LeaseSpec {
  return (lease.spec ?? {}) as LeaseSpec
}

function leaseSpec(
  holderIdentity: string,
  {
    acquireTime,
    now,
    transitions,
  }: { readonly acquireTime: string; readonly now: string; readonly transitions: number },
): LeaseSpec {
  return {
    holderIdentity,
    leaseDurationSeconds: durationMs / 1000,
    acquireTime,
    renewTime: now,
    leaseTransitions: transitions,
  }
}
