import { backoffMs } from '../../runtime/backoff.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { BrokerRegistration } from '../metadata/broker-registration.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import { keys } from '../metadata/keys.ts'
import { type LeaseId, type MetadataStore, OutcomeUnknown } from '../metadata/metadata-store.ts'
import { encodeValue } from '../metadata/values.ts'

/**
 * Makes this broker the controller whenever there is none: whoever creates the key `controller`, bound to its lease,
 * is it, and the key's create revision is the controller's epoch.
 *
 * It ends at once when the key is gone or another's, or when the registration (and so the lease) is lost. That the
 * lease may have run out unnoticed is for whoever acts to ask: `registration.isValid`.
 */
export class Election {
  readonly #options: ElectionOptions
  readonly #unsubscribe: () => void
  #epoch: number | undefined
  #campaign: Promise<void> | undefined
  #timer: Timer | undefined
  #attempt = 0
  #stopped = false

  constructor(options: ElectionOptions) {
    this.#options = options
    this.#unsubscribe = options.images.onChange((image, _, changed) => {
      if (changed.controller) this.#follow(image.controller?.epoch, image.revision)
    })
    this.#campaignSoon(0)
  }

  /** The epoch in which this broker is the controller. */
  get epoch(): number | undefined {
    return this.#epoch
  }

  /** To be called when the registration was won or lost: the key is bound to its lease. */
  registrationChanged(): void {
    if (this.#options.registration.epoch === undefined) this.#depose('the registration is lost')
    else this.#campaignSoon(0)
  }

  /** Campaigns no more. The key goes with the lease. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unsubscribe()
    this.#timer?.cancel()
    await this.#campaign
    this.#depose('the broker stops')
  }

  #follow(epochInImage: number | undefined, revision: number): void {
    if (this.#epoch !== undefined && revision >= this.#epoch && epochInImage !== this.#epoch) {
      this.#depose('its key is gone from the store')
    }
    if (this.#isOpen()) this.#campaignSoon(0)
  }

  #campaignSoon(delayMs: number): void {
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(delayMs, () => this.#campaignNow())
  }

  #campaignNow(): void {
    const { registration, logger, random } = this.#options
    if (this.#stopped || this.#campaign !== undefined || !this.#isOpen() || registration.epoch === undefined)
      return
    if (!registration.isValid) {
      this.#retry()
      return
    }
    this.#campaign = this.#claim().then(
      () => {
        this.#attempt = 0
        this.#campaign = undefined
        // The image may be behind; or the key is ours, and only the answer was lost.
        if (this.#epoch === undefined && this.#isOpen()) this.#retry()
      },
      (error: unknown) => {
        this.#campaign = undefined
        logger.warn({ err: error }, 'The broker could not stand for controller.')
        this.#campaignSoon(backoffMs(this.#attempt++, { firstMs: 100, mostMs: 5000 }, random))
      },
    )
  }

  /** Nobody is the controller, or this broker is without knowing it. */
  #isOpen(): boolean {
    const { images, brokerId } = this.#options
    const { controller } = images.image
    return this.#epoch === undefined && (controller === null || controller.id === brokerId)
  }

  #retry(): void {
    this.#campaignSoon(backoffMs(this.#attempt++, { firstMs: 100, mostMs: 5000 }, this.#options.random))
  }

  async #claim(): Promise<void> {
    const { registration, brokerId } = this.#options
    const { lease, epoch: brokerEpoch } = registration
    if (lease === undefined || brokerEpoch === undefined) return
    const epoch = (await this.#create(lease.id, brokerEpoch)) ?? (await this.#createdBefore(lease.id))
    if (epoch === undefined || registration.lease !== lease || this.#stopped) return
    this.#epoch = epoch
    this.#options.logger.info({ brokerId, controllerEpoch: epoch }, 'This broker is the controller.')
    this.#options.onElected(epoch)
  }

  /** Undefined when the key is there already, or when the answer was lost. */
  async #create(lease: LeaseId, brokerEpoch: number): Promise<number | undefined> {
    const { store, brokerId } = this.#options
    const value = encodeValue({ kind: 'controller', brokerId }) ?? ''
    try {
      const { ok, revision } = await store.commit({
        compare: [
          { key: keys.controller, createRevision: 0 },
          { key: keys.broker(brokerId), createRevision: brokerEpoch },
        ],
        put: [{ key: keys.controller, value, lease }],
      })
      return ok ? revision : undefined
    } catch (error) {
      if (error instanceof OutcomeUnknown) return undefined
      throw error
    }
  }

  /** The key may be ours from a claim whose answer was lost, this one or one before. */
  async #createdBefore(lease: LeaseId): Promise<number | undefined> {
    const { entry } = await this.#options.store.get(keys.controller)
    return entry?.lease === lease ? entry.createRevision : undefined
  }

  #depose(reason: string): void {
    const epoch = this.#epoch
    if (epoch === undefined) return
    this.#epoch = undefined
    this.#options.logger.info({ controllerEpoch: epoch, reason }, 'This broker is no longer the controller.')
    this.#options.onDeposed(epoch)
  }
}

export interface ElectionOptions {
  readonly store: MetadataStore
  readonly images: ImageFollower
  readonly registration: BrokerRegistration
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly brokerId: number
  readonly onElected: (epoch: number) => void
  readonly onDeposed: (epoch: number) => void
}
