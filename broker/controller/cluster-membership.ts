import type { Uuid } from '../../protocol/index.ts'
import { assert } from '../../runtime/assert.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import { deferred } from '../../runtime/deferred.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { uuidFromRandom } from '../../protocol/index.ts'
import { BrokerRegistration } from '../metadata/broker-registration.ts'
import { setUpCluster } from '../metadata/cluster-setup.ts'
import { endRegistration } from '../metadata/end-registration.ts'
import type { BrokerListener, ControlAddress, MetadataImage } from '../metadata/image.ts'
import { ImageFollower } from '../metadata/image-follower.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
import { supportedFeatures } from '../metadata/supported-features.ts'
import type { Pace } from './batch.ts'
import { Controller } from './controller.ts'
import type { ControllerClient } from './controller-client.ts'
import type { ControllerRules } from './decision.ts'
import { Election } from './election.ts'
import { Elections } from './elections.ts'
import { localController } from './local-controller.ts'

/**
 * This broker's part in the cluster: the image it follows, its registration, and the controller it may become.
 *
 *   const membership = await ClusterMembership.open({ store, clock, random, logger })   image and cluster id are there
 *   await membership.join({ brokerId, listeners, … })                                   registered and let in
 *   …
 *   await membership.leave({ clean: true })                                             registration taken back
 *   await store.close()
 *
 * The store belongs to the caller.
 */
export class ClusterMembership {
  readonly images: ImageFollower
  /** The controller in this process; NOT_CONTROLLER while there is none. */
  readonly localController: ControllerClient
  /** What this process decided while it was the controller. */
  readonly elections: Elections
  readonly #options: ClusterMembershipOptions
  #controllerElsewhere: ControllerClient | undefined
  #newPace: () => Pace = () => () => Promise.resolve()
  #brokerId: number | undefined
  #registration: BrokerRegistration | undefined
  #election: Election | undefined
  #active: Controller | undefined
  #stopping: Promise<unknown> = Promise.resolve()
  readonly #leaving = new AbortController()

  private constructor(options: ClusterMembershipOptions, images: ImageFollower) {
    this.#options = options
    this.images = images
    this.elections = new Elections(options.logger)
    this.localController = localController(() => this.#active)
  }

  /** Sets the cluster up if the store is empty, and loads the image. */
  static async open(options: ClusterMembershipOptions): Promise<ClusterMembership> {
    const { store, random, logger, clusterId = null } = options
    await setUpCluster(store, random, clusterId)
    const images = await ImageFollower.open(store, logger)
    const found = images.image.clusterId
    if (clusterId !== null && found !== clusterId) {
      images.close()
      throw new Error(
        `The metadata store belongs to cluster ${found}, but cluster.id=${clusterId}. Give the right cluster.id, or another store.`,
      )
    }
    return new ClusterMembership(options, images)
  }

  get clusterId(): Uuid {
    return this.images.image.clusterId
  }

  get image(): MetadataImage {
    return this.images.image
  }

  /** Epoch of the registration held now; undefined before it is made and after it was lost. */
  get brokerEpoch(): number | undefined {
    return this.#registration?.epoch
  }

  /** Whether this broker's lease is known to be valid: what it does in its own name is in force. */
  get isRegistered(): boolean {
    return this.#registration?.isValid ?? false
  }

  /** The last renewal of the registration was not answered. */
  get isStoreAway(): boolean {
    return this.#registration?.isFailing === true
  }

  /** The epoch in which this broker is the controller; undefined while it is not. */
  get controllerEpoch(): number | undefined {
    return this.#election?.epoch
  }

  /** Commands go here: to the controller wherever it is, if there is a way to others; else to the one in this process. */
  get controller(): ControllerClient {
    return this.#controllerElsewhere ?? this.localController
  }

  /** From now on commands take this way. */
  forwardCommands(way: ControllerClient): void {
    this.#controllerElsewhere = way
  }

  /** From now on changes that are made in waves go at this pace. */
  paceWaves(newPace: () => Pace): void {
    this.#newPace = newPace
  }

  /** The controller in this process, while this broker is it. */
  get activeController(): Controller | undefined {
    return this.#active
  }

  /**
   * Registers, stands for controller, and resolves when the controller has let this broker in and the own image
   * shows it: leaders are elected, leader epochs moved on. Goes on trying until then; the caller bounds the wait by
   * the signal. Rejects with a sentence when this release cannot work in the cluster.
   */
  async join(member: ClusterMember, signal?: AbortSignal): Promise<void> {
    assert(this.#registration === undefined, 'A broker joins once.')
    checkFeatures(this.image)
    const { store, clock, random, logger, onIdTaken } = this.#options
    const { images } = this
    const { brokerId } = member
    this.#brokerId = brokerId
    const incarnationId = uuidFromRandom(size => random.bytes(size))
    const { listeners, control = null, rack, previousEpoch = -1 } = member
    const { minInsyncReplicas = 1 } = member
    const isAdmitted = (image: MetadataImage): boolean => {
      const broker = image.brokers.get(brokerId)
      return broker?.fenced === false && broker.epoch === this.brokerEpoch
    }
    const leaving = this.#leaving.signal
    const ends = signal === undefined ? leaving : AbortSignal.any([leaving, signal])
    const admitted = untilImage(images, isAdmitted, ends)

    const registration = new BrokerRegistration({
      store,
      images,
      clock,
      random,
      logger,
      brokerId,
      sessionTimeoutMs: member.sessionTimeoutMs,
      heartbeatMs: member.heartbeatMs,
      record: () => ({
        incarnationId,
        listeners,
        control,
        rack,
        logDirectories: member.logDirectories(),
        cordoned: member.isCordoned?.() ?? false,
        previousEpoch,
        features: supportedFeatures,
        minInsyncReplicas,
      }),
      onRegistered: () => this.#election?.registrationChanged(),
      onLost: () => this.#election?.registrationChanged(),
      ...(onIdTaken === undefined ? {} : { onIdTaken }),
    })
    this.#registration = registration
    this.#election = new Election({
      store,
      images,
      clock,
      random,
      logger,
      brokerId,
      registration,
      onElected: epoch => {
        const isActive = (): boolean => registration.isValid
        this.#active = new Controller({
          store,
          images,
          clock,
          random,
          logger,
          epoch,
          isActive,
          rules: member.rules,
          elections: this.elections,
          newPace: () => this.#newPace(),
        })
      },
      onDeposed: () => this.#stopController(),
    })
    await admitted
  }

  /** The log directories, or which of them are cordoned, have changed. */
  registrationChanged(): void {
    this.#registration?.refresh()
  }

  /**
   * Asks the controller to let others take over what this broker leads, and resolves when the own image shows it; also
   * when nobody could take over, when the store is away, without which nobody can, or when no controller answered within
   * `withinMs`: the broker stops in any case.
   */
  async prepareToStop(withinMs: number): Promise<void> {
    const { clock, random, logger } = this.#options
    const deadlineMs = clock.monotonicMs() + withinMs
    for (let attempt = 0; ; attempt++) {
      const brokerId = this.#brokerId
      const { brokerEpoch } = this
      const timeoutMs = deadlineMs - clock.monotonicMs()
      const others = [...this.image.brokers.values()].some(({ id, fenced }) => id !== brokerId && !fenced)
      if (brokerId === undefined || brokerEpoch === undefined || !others) return
      if (timeoutMs <= 0) {
        logger.warn({ withinMs }, 'No controller moved the leaders off this broker; it stops all the same.')
        return
      }
      const { error, message, revision, remaining } = await this.controller.prepareToStop({
        brokerId,
        brokerEpoch,
        timeoutMs: Math.min(timeoutMs, longestAttemptMs),
      })
      if (error === 'NONE') {
        await this.#imageAt(revision, deadlineMs)
        logger.info({ remaining }, 'Others lead what this broker led.')
        return
      }
      if (error === 'STALE_BROKER_EPOCH' || error === 'BROKER_ID_NOT_REGISTERED') return
      if (this.isStoreAway) {
        logger.warn(
          'The metadata store does not answer, so nobody can take over; this broker stops all the same.',
        )
        return
      }
      logger.debug({ error, message }, 'The controller could not move the leaders off this broker yet.')
      await sleep(clock, backoffMs(attempt, { firstMs: 50, mostMs: 1000 }, random))
    }
  }

  /**
   * Nothing listens any more where this registration says: whoever notices first ends it, unless the broker is stopping
   * anyway. A store that cannot be reached ends it when the lease runs out.
   */
  endDeadRegistration({ id, epoch }: { readonly id: number; readonly epoch: number }): void {
    const { store, logger } = this.#options
    const broker = this.image.brokers.get(id)
    if (broker?.epoch !== epoch || broker.stopping || !this.isRegistered) return
    endRegistration(store, this.image, { id, epoch }).then(
      ended => {
        if (ended)
          logger.warn({ deadBroker: id, brokerEpoch: epoch }, 'A broker is dead; its registration is ended.')
      },
      (error: unknown) => {
        logger.debug({ err: error, deadBroker: id }, 'The registration of a dead broker could not be ended.')
      },
    )
  }

  /**
   * This broker hears from too few others, though it reaches the store: it gives up its registration, so that others take
   * over, and makes no new one before it hears from them again.
   */
  isolated(isIsolated: boolean): void {
    const { logger } = this.#options
    if (isIsolated)
      logger.warn('This broker hears from less than half of the others; it withdraws until it does.')
    else logger.info('This broker hears from the others again.')
    this.#registration?.withhold(isIsolated)
  }

  /**
   * The reverse of `join`. `clean`: all data is on disk; the next start may rely on it. A store that does not answer is
   * not waited for long: the registration runs out by itself.
   */
  async leave({ clean }: { readonly clean: boolean }): Promise<void> {
    this.#leaving.abort(new Error('The broker leaves the cluster.'))
    const { clock, logger } = this.#options
    const withinMs = this.isStoreAway ? shortestFarewellMs : longestFarewellMs
    const late = deferred<'late'>()
    const timer = clock.after(withinMs, () => late.resolve('late'))
    try {
      if ((await Promise.race([this.#takeLeave(clean), late.promise])) === 'late') {
        logger.warn({ withinMs }, 'The metadata store did not take note in time that this broker leaves.')
      }
    } finally {
      timer.cancel()
    }
    this.images.close()
  }

  async #takeLeave(clean: boolean): Promise<void> {
    await this.#election?.stop()
    await this.#stopping
    await this.#registration?.stop({ clean })
  }

  async #imageAt(revision: number, deadlineMs: number): Promise<void> {
    const { clock } = this.#options
    const abort = new AbortController()
    const timer = clock.after(deadlineMs - clock.monotonicMs(), () =>
      abort.abort(new Error('The image did not catch up.')),
    )
    await this.images.waitForRevision(revision, abort.signal).catch(() => undefined)
    timer.cancel()
  }

  #stopController(): void {
    const active = this.#active
    this.#active = undefined
    if (active !== undefined) this.#stopping = Promise.all([this.#stopping, active.stop()])
  }
}

/** The next question finds done what the one before has begun. */
const longestAttemptMs = 3000

const longestFarewellMs = 5000
/** When the store did not answer the last time either. */
const shortestFarewellMs = 1000

export interface ClusterMembershipOptions {
  /** The id that the cluster must have, and gets when it is new. */
  readonly clusterId?: string | null
  readonly store: MetadataStore
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Another process lives that is registered under this broker's id: one of them has to go. */
  readonly onIdTaken?: (error: Error) => void
}

export interface ClusterMember {
  readonly brokerId: number
  /** As clients and brokers reach them; ports must be the real ones. */
  readonly listeners: readonly BrokerListener[]
  /** Where its control service answers. */
  readonly control?: ControlAddress | null
  readonly rack: string | null
  /** Those that can be used. */
  readonly logDirectories: () => readonly Uuid[]
  /** Whether all of them are to take no new replicas. */
  readonly isCordoned?: () => boolean
  /** Epoch in which the log directories were last closed cleanly, -1 when they were not. */
  readonly previousEpoch?: number
  /** min.insync.replicas as this broker was started with. */
  readonly minInsyncReplicas?: number
  /** broker.session.timeout.ms */
  readonly sessionTimeoutMs: number
  /** broker.heartbeat.interval.ms */
  readonly heartbeatMs: number
  readonly rules: ControllerRules
}

/** Throws a sentence when the cluster uses what this release does not know. */
function checkFeatures({ features }: MetadataImage): void {
  for (const [name, level] of features.finalized) {
    const known = supportedFeatures.find(feature => feature.name === name)
    if (known !== undefined && level >= known.min && level <= known.max) continue
    const range = known === undefined ? 'does not know it' : `works with ${known.min} to ${known.max}`
    throw new Error(
      `The cluster has the feature ${name} at level ${level}; this release ${range}. Start the release that the cluster runs, or change the level with kafka-features.`,
    )
  }
}

/** Resolves at the first coming image for which the condition holds. */
function untilImage(
  images: ImageFollower,
  holds: (image: MetadataImage) => boolean,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      unsubscribe()
      signal.removeEventListener('abort', onAbort)
      settle()
    }
    const onAbort = (): void => finish(() => reject(signal.reason))
    const unsubscribe = images.onChange(image => {
      if (holds(image)) finish(resolve)
    })
    images.onEnd(reason => finish(() => reject(reason)))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}
