import { backoffMs } from '../../runtime/backoff.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { BrokerRegistration } from '../metadata/broker-registration.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import { keys } from '../metadata/keys.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
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
    if (epochInImage === undefined) this.#campaignSoon(0)
  }

  #campaignSoon(delayMs: number): void {
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(delayMs, () => this.#campaignNow())
  }

  #campaignNow(): void {
    const { registration, images, logger, random } = this.#options
    const isOpen = images.image.controller === null && this.#epoch === undefined
    if (this.#stopped || this.#campaign !== undefined || !isOpen || registration.epoch === undefined) return
    if (!registration.isValid) {
      this.#retry()
      return
    }
    this.#campaign = this.#claim().then(
      () => {
        this.#attempt = 0
        this.#campaign = undefined
        // The image may have changed while the claim was on its way.
        if (this.#epoch === undefined && images.image.controller === null) this.#retry()
      },
      (error: unknown) => {
        this.#campaign = undefined
        logger.warn({ err: error }, 'The broker could not stand for controller.')
        this.#campaignSoon(backoffMs(this.#attempt++, { firstMs: 100, mostMs: 5000 }, random))
      },
    )
  }

  #retry(): void {
    this.#campaignSoon(backoffMs(this.#attempt++, { firstMs: 100, mostMs: 5000 }, this.#options.random))
  }

  async #claim(): Promise<void> {
    const { store, registration, brokerId } = this.#options
    const { lease } = registration
    if (lease === undefined) return
    const value = encodeValue({ kind: 'controller', brokerId }) ?? ''
    let epoch: number | undefined
    try {
      const { ok, revision } = await store.commit({
        compare: [
          { key: keys.controller, createRevision: 0 },
          { key: keys.broker(brokerId), createRevision: registration.epoch ?? -1 },
        ],
        put: [{ key: keys.controller, value, lease: lease.id }],
      })
      if (ok) epoch = revision
    } catch (error) {
      const { entry } = await store.get(keys.controller)
      if (entry?.lease !== lease.id) throw error
      epoch = entry.createRevision
    }
    if (epoch === undefined || registration.lease !== lease || this.#stopped) return
    this.#epoch = epoch
    this.#options.logger.info({ brokerId, controllerEpoch: epoch }, 'This broker is the controller.')
    this.#options.onElected(epoch)
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
