import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import type { ConfigResourceKey, MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import { balanceLeaders } from './balance-leaders.ts'
import type { BatchRunner } from './batch.ts'
import { decideLiveness } from './broker-liveness.ts'
import type { DecisionContext } from './decision.ts'
import { endOfGrant, grantEnds, leadersToReturn } from './restart-grants.ts'
import { RestartWatch } from './restart-watch.ts'

const settleRetryMs = 1000

/**
 * What the controller does unasked: it follows brokers that come and go, finishes operations that were begun, ends
 * restart grants, and moves leaders back to the replicas that are to lead: to a broker that was restarted at once. All of it
 * runs in the controller's queue, between commands.
 */
export class Upkeep {
  readonly #options: UpkeepOptions
  readonly #unsubscribe: () => void
  readonly #restarts: RestartWatch
  #unsettled = true
  #settleQueued = false
  #returnQueued = false
  #retry: Timer | undefined
  #balance: Timer | undefined
  #stopped = false

  constructor(options: UpkeepOptions) {
    this.#options = options
    this.#unsubscribe = options.images.onChange((next, previous, changed) => {
      const allowsElection = [...changed.configs].some(key => changesElection(next, previous, key))
      if (changed.brokers.size + changed.operations.size > 0 || allowsElection) this.#settleSoon()
    })
    this.#restarts = new RestartWatch({
      images: options.images,
      clock: options.clock,
      onDue: () => this.#settleSoon(),
    })
    this.#settleSoon()
    this.#balanceLater()
  }

  stop(): void {
    this.#stopped = true
    this.#unsubscribe()
    this.#restarts.stop()
    this.#retry?.cancel()
    this.#balance?.cancel()
  }

  /** How long this controller has known of the restart grant; 0 when there is none. */
  get grantHeldMs(): number {
    return this.#restarts.heldMs
  }

  /** Does what follows from registrations, open operations and the restart grant, until nothing more does. */
  async settle(): Promise<void> {
    while (this.#unsettled && !this.#stopped) {
      this.#unsettled = false
      const { batches } = this.#options
      const isDone =
        (await batches.finishOperations()) && (await this.#followBrokers()) && (await this.#endGrant())
      if (isDone) continue
      this.#unsettled = true
      this.#settleLater()
      return
    }
  }

  #settleLater(): void {
    this.#retry?.cancel()
    if (!this.#stopped) this.#retry = this.#options.clock.after(settleRetryMs, () => this.#settleSoon())
  }

  #settleSoon(): void {
    this.#unsettled = true
    if (this.#stopped || this.#settleQueued) return
    this.#settleQueued = true
    // When the queue is full that is no harm: every command settles first.
    this.#enqueue(
      () => {
        this.#settleQueued = false
        return this.settle()
      },
      () => {
        this.#settleQueued = false
      },
    )
  }

  /** False when not all of it could be committed now. */
  async #followBrokers(): Promise<boolean> {
    const { images, batches, context, clock, logger } = this.#options
    const { image } = images
    const { partitions, admissions } = decideLiveness(image, context)
    if (partitions.length + admissions.length === 0) return true
    const startedAtMs = clock.monotonicMs()
    if (!(await batches.commitEach(image, partitions, 'elections'))) return false
    if (!(await batches.commitEach(image, admissions, 'admissions'))) return false
    const fields = {
      partitions: partitions.length,
      brokers: admissions.length,
      tookMs: Math.round(clock.monotonicMs() - startedAtMs),
    }
    logger.info(fields, 'The controller followed a change of the registered brokers.')
    return true
  }

  async #endGrant(): Promise<boolean> {
    const { images, batches, context, logger } = this.#options
    const { image } = images
    const why = endOfGrant(image, { ...context, heldMs: this.grantHeldMs })
    if (why === null) {
      if (leadersToReturn(image, context).length > 0) this.#returnSoon()
      return true
    }
    const brokerId = image.restartGrant?.brokerId
    if (!(await batches.commitEach(image, [grantEnds], 'restart grant'))) return false
    logger.info({ brokerId, why }, "The broker's permission to restart has ended.")
    return true
  }

  /** In the queue, so that commands are not kept waiting until all are back. */
  #returnSoon(): void {
    if (this.#stopped || this.#returnQueued) return
    this.#returnQueued = true
    this.#enqueue(
      async () => {
        const isDone = await this.#returnNow()
        this.#returnQueued = false
        if (isDone) this.#settleSoon()
        else this.#settleLater()
      },
      () => {
        this.#returnQueued = false
        this.#unsettled = true
      },
    )
  }

  /** False when not all of it could be committed now. */
  async #returnNow(): Promise<boolean> {
    if (this.#stopped) return true
    const { images, batches, context, clock, logger } = this.#options
    const { image } = images
    const changes = leadersToReturn(image, context)
    if (changes.length === 0) return true
    const startedAtMs = clock.monotonicMs()
    const complete = await batches.commitInWaves(image, changes, 'leaders return')
    const fields = {
      brokerId: image.restartGrant?.brokerId,
      partitions: changes.length,
      complete,
      tookMs: Math.round(clock.monotonicMs() - startedAtMs),
    }
    logger.info(fields, 'Leaders went back to a broker that was restarted.')
    return complete
  }

  #balanceLater(): void {
    if (this.#stopped) return
    const { clock, context } = this.#options
    this.#balance = clock.after(context.rules.leaderBalanceIntervalMs(), () => {
      this.#enqueue(
        () => this.#balanceNow(),
        () => undefined,
      )
      this.#balanceLater()
    })
  }

  async #balanceNow(): Promise<void> {
    if (this.#stopped) return
    await this.settle()
    const { images, batches, context, logger } = this.#options
    const { image } = images
    const changes: readonly MetadataChange[] = balanceLeaders(image, context)
    if (changes.length === 0) return
    const complete = await batches.commitInWaves(image, changes, 'preferred leaders')
    logger.info({ partitions: changes.length, complete }, 'Leaders were moved to where they are to be.')
  }

  #enqueue(job: () => Promise<void>, refused: () => void): void {
    this.#options.enqueue(job).then(
      taken => {
        if (!taken) refused()
      },
      (error: unknown) => {
        refused()
        throw error
      },
    )
  }
}

interface UpkeepOptions {
  readonly images: ImageFollower
  readonly clock: Clock
  readonly logger: Logger
  readonly batches: BatchRunner
  readonly context: DecisionContext
  /** Puts work into the controller's queue; false when there is no room. */
  readonly enqueue: (job: () => Promise<void>) => Promise<boolean>
}

function changesElection(next: MetadataImage, previous: MetadataImage, key: ConfigResourceKey): boolean {
  const setting = 'unclean.leader.election.enable'
  return next.configs.get(key)?.get(setting) !== previous.configs.get(key)?.get(setting)
}
