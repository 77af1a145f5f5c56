import { backoffMs } from '../../runtime/backoff.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { endRegistration } from './end-registration.ts'
import type { ImageFollower } from './image-follower.ts'
import type { BrokerStateImage } from './image.ts'
import {
  type BrokerRegistration as RegistrationRecord,
  type BrokerState,
  keyOf,
  keys,
  type MetadataChange,
} from './keys.ts'
import { type Lease, LeaseLost, type MetadataStore } from './metadata-store.ts'
import { decodeEntry, encodeValue } from './values.ts'

/**
 * This broker's lease and the record bound to it, `brokers/<id>`. Keeps the lease alive from the main loop, so a
 * loop that hangs loses it; when it is lost, for whatever reason, registers anew with a new lease and epoch.
 *
 * Its own validity is judged on the monotonic clock, from the moment the last successful renewal was *sent*: the
 * store cannot have let the lease run out before that.
 */
export class BrokerRegistration {
  readonly #options: BrokerRegistrationOptions
  readonly #unsubscribe: () => void
  #current: HeldRegistration | undefined
  #validUntilMs = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined
  #work: Promise<void> | undefined
  #attempt = 0
  #isStale = false
  /** A registration of somebody else under this id, and when it was seen first. */
  #inTheWay: { readonly epoch: number; readonly sinceMs: number } | undefined
  #isWithheld = false
  #stopped = false

  constructor(options: BrokerRegistrationOptions) {
    this.#options = options
    this.#unsubscribe = options.images.onChange((image, _, changed) => {
      if (!changed.brokers.has(options.brokerId)) return
      const held = this.#current
      const inImage = image.brokers.get(options.brokerId)
      if (held === undefined) {
        // Who was in the way is gone.
        if (inImage === undefined && this.#work === undefined) this.#again(0)
      } else if (image.revision >= held.epoch && inImage?.epoch !== held.epoch) {
        this.#lose('its record is gone from the store')
      }
    })
    this.#step()
  }

  /** Create revision of the record; undefined while there is none. */
  get epoch(): number | undefined {
    return this.#current?.epoch
  }

  /** The lease that the record is bound to; undefined while there is none. */
  get lease(): Lease | undefined {
    return this.#current?.lease
  }

  /** False as soon as the store may have let the lease run out: nothing may be done in this broker's name then. */
  get isValid(): boolean {
    return this.#current !== undefined && this.#options.clock.monotonicMs() < this.#validUntilMs
  }

  /** The last attempt to register or to renew failed: the store may be away. */
  get isFailing(): boolean {
    return this.#attempt > 0
  }

  /** What `record` says has changed: it is written again, in the same registration. */
  refresh(): void {
    this.#isStale = true
    if (this.#current !== undefined && this.#work === undefined) this.#again(0)
  }

  /** While withheld there is no registration: the one that is held is given up, and no new one made. */
  withhold(isWithheld: boolean): void {
    this.#isWithheld = isWithheld
    if (isWithheld) this.#lose('it is withheld')
    else if (this.#work === undefined) this.#again(0)
  }

  /**
   * Ends the registration and everything bound to the lease. With `clean`, first leaves a mark that this incarnation
   * stopped with all its data on disk. A store that cannot be reached is told in the log only: the lease runs out.
   */
  async stop({ clean }: { readonly clean: boolean }): Promise<void> {
    this.#stopped = true
    this.#unsubscribe()
    this.#timer?.cancel()
    await this.#work
    const held = this.#current
    if (held === undefined) return
    this.#current = undefined
    const { logger } = this.#options
    if (clean) {
      await this.#markCleanStop(held.epoch).catch((error: unknown) => {
        logger.warn({ err: error }, 'The broker could not leave the mark of its clean stop.')
      })
    }
    await held.lease.revoke().catch((error: unknown) => {
      logger.warn({ err: error }, 'The broker could not take back its registration; it will run out.')
    })
  }

  #step(): void {
    if (this.#stopped || this.#work !== undefined) return
    if (this.#isWithheld) {
      this.#lose('it is withheld')
      return
    }
    const work = this.#current === undefined ? this.#register() : this.#keepAlive(this.#current)
    this.#work = work.then(
      () => {
        this.#attempt = 0
        // An answer that took too long is renewed before anything is done with it.
        this.#again(this.isValid && !this.#isStale ? this.#options.heartbeatMs : 0)
      },
      (error: unknown) => {
        // The first times, then ever more rarely: a store may be away for long.
        if (this.#attempt < 3 || this.#attempt % 20 === 0) {
          this.#options.logger.warn(
            { err: error },
            'The broker could not register or renew its registration; it tries again.',
          )
        }
        this.#retry()
      },
    )
  }

  #retry(): void {
    const { heartbeatMs, random } = this.#options
    this.#again(backoffMs(this.#attempt++, { firstMs: 100, mostMs: heartbeatMs }, random))
  }

  #again(delayMs: number): void {
    this.#work = undefined
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(delayMs, () => this.#step())
  }

  async #register(): Promise<void> {
    const { store, brokerId, sessionTimeoutMs, clock } = this.#options
    this.#isStale = false
    const change: MetadataChange = {
      kind: 'broker',
      id: brokerId,
      registration: this.#options.record(),
    }
    const key = keyOf(change)
    const sentAtMs = clock.monotonicMs()
    const lease = await store.lease(sessionTimeoutMs)
    const revision = await this.#claim(key, encodeValue(change) ?? '', lease).catch((error: unknown) => {
      // Should the claim have been written, it goes with its lease.
      lease.revoke().catch(() => undefined)
      throw error
    })
    if (revision === undefined) {
      lease.revoke().catch(() => undefined)
      if (await this.#endOwnBefore()) return
      await this.#judgeOther(key)
      throw new Error(`Broker ${brokerId} is still registered, by another process or by the one before this.`)
    }
    this.#inTheWay = undefined
    this.#validUntilMs = sentAtMs + sessionTimeoutMs
    this.#current = { lease, epoch: revision }
    this.#options.logger.info({ brokerId, brokerEpoch: revision }, 'The broker is registered.')
    this.#options.onRegistered?.(revision)
  }

  /** The epoch, or undefined when the record is somebody else's. An unknown outcome is read back. */
  async #claim(key: string, value: string, lease: Lease): Promise<number | undefined> {
    const { store } = this.#options
    try {
      const { ok, revision } = await store.commit({
        compare: [{ key, createRevision: 0 }],
        put: [{ key, value, lease: lease.id }],
      })
      return ok ? revision : undefined
    } catch (error) {
      const { entry } = await store.get(key)
      if (entry?.lease === lease.id) return entry.createRevision
      throw error
    }
  }

  /**
   * Ends the registration of the process before this one: this process has locked the very directories that it tells
   * of, so the other is dead. Another registration under this id, with directories of its own, is left alone.
   */
  async #endOwnBefore(): Promise<boolean> {
    const { store, brokerId, images, logger } = this.#options
    const own = this.#options.record()
    const before = images.image.brokers.get(brokerId)
    if (before === undefined || before.incarnationId === own.incarnationId) return false
    const mine = new Set(own.logDirectories)
    if (before.logDirectories.length === 0 || !before.logDirectories.every(id => mine.has(id))) return false
    const ended = await endRegistration(store, images.image, before)
    if (ended)
      logger.info({ brokerEpoch: before.epoch }, 'The registration of the process before this is ended.')
    return ended
  }

  /** A registration that outlives its lease time is renewed by somebody: there are two brokers with one id. */
  async #judgeOther(key: string): Promise<void> {
    const { store, brokerId, clock, sessionTimeoutMs, onIdTaken } = this.#options
    const { entry } = await store.get(key)
    const epoch = entry?.createRevision
    if (entry === undefined || epoch === undefined) {
      this.#inTheWay = undefined
    } else if (this.#inTheWay?.epoch !== epoch) {
      this.#inTheWay = { epoch, sinceMs: clock.monotonicMs() }
    } else if (clock.monotonicMs() - this.#inTheWay.sinceMs > 2 * sessionTimeoutMs) {
      onIdTaken?.(
        new Error(
          `Another process is running as broker ${brokerId} of this cluster${addressesIn(key, entry.value)}. Each broker needs a node.id of its own: change it here, or stop the other one.`,
        ),
      )
    }
  }

  async #keepAlive(held: HeldRegistration): Promise<void> {
    const { clock, sessionTimeoutMs } = this.#options
    const sentAtMs = clock.monotonicMs()
    try {
      await held.lease.keepAlive()
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error
      if (this.#current === held) this.#lose(error.message)
      return
    }
    if (this.#current !== held) return
    this.#validUntilMs = sentAtMs + sessionTimeoutMs
    if (this.#isStale) await this.#rewrite(held)
  }

  async #rewrite({ epoch, lease }: HeldRegistration): Promise<void> {
    const { store, brokerId } = this.#options
    this.#isStale = false
    const change: MetadataChange = { kind: 'broker', id: brokerId, registration: this.#options.record() }
    const key = keyOf(change)
    try {
      // Where it is not ours any more nothing is to be done: the image tells that it is lost.
      await store.commit({
        compare: [{ key, createRevision: epoch }],
        put: [{ key, value: encodeValue(change) ?? '', lease: lease.id }],
      })
    } catch (error) {
      this.#isStale = true
      throw error
    }
  }

  /** Stops acting now; a new registration follows. */
  #lose(reason: string): void {
    const held = this.#current
    if (held === undefined) return
    this.#current = undefined
    this.#validUntilMs = Number.NEGATIVE_INFINITY
    this.#options.logger.warn({ brokerEpoch: held.epoch, reason }, 'The broker lost its registration.')
    this.#options.onLost?.(held.epoch)
    // What else is bound to the old lease must not live on beside the new one.
    held.lease.revoke().catch(() => undefined)
    if (this.#work === undefined) this.#again(0)
  }

  async #markCleanStop(epoch: number): Promise<void> {
    const { store, images, brokerId } = this.#options
    const before = images.image.brokerStates.get(brokerId)
    const change: MetadataChange = {
      kind: 'brokerState',
      id: brokerId,
      state: { ...(before === undefined ? unknownBroker : stateOf(before)), cleanStopEpoch: epoch },
    }
    const key = keyOf(change)
    const { ok } = await store.commit({
      compare: [
        { key: keys.broker(brokerId), createRevision: epoch },
        { key, modRevision: before?.modRevision ?? 0 },
      ],
      put: [{ key, value: encodeValue(change) ?? '' }],
    })
    if (!ok) throw new Error('The mark of a clean stop collided with another change.')
  }
}

const unknownBroker: BrokerState = {
  admittedEpoch: -1,
  incarnationId: null,
  cleanStopEpoch: -1,
  stoppingEpoch: -1,
  rack: null,
  listeners: [],
  cordoned: false,
}

function stateOf(image: BrokerStateImage): BrokerState {
  const { id: _, modRevision: __, ...state } = image
  return state
}

export interface BrokerRegistrationOptions {
  readonly store: MetadataStore
  readonly images: ImageFollower
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly brokerId: number
  /** What to register; asked for at each registration and refresh. */
  readonly record: () => RegistrationRecord
  /** broker.session.timeout.ms: the lease's time to live. */
  readonly sessionTimeoutMs: number
  /** broker.heartbeat.interval.ms: how often it is renewed. */
  readonly heartbeatMs: number
  readonly onRegistered?: (epoch: number) => void
  readonly onLost?: (epoch: number) => void
  /** Another process that lives is registered under this id. */
  readonly onIdTaken?: (error: Error) => void
}

function addressesIn(key: string, value: string): string {
  try {
    const change = decodeEntry(key, value)
    if (change?.kind !== 'broker' || change.registration === null) return ''
    const addresses = change.registration.listeners.map(({ host, port }) => `${host}:${port}`)
    return addresses.length === 0 ? '' : `, reached at ${addresses.join(', ')}`
  } catch {
    return ''
  }
}

interface HeldRegistration {
  readonly lease: Lease
  readonly epoch: number
}
