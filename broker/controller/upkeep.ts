import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import type { ConfigResourceKey, MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import { balanceLeaders } from './balance-leaders.ts'
import type { BatchRunner } from './batch.ts'
import { decideLiveness } from './broker-liveness.ts'
import type { DecisionContext } from './decision.ts'

const settleRetryMs = 1000

/**
 * What the controller does unasked: it follows brokers that come and go, finishes operations that were begun, and moves
 * leaders back to the replicas that are to lead. All of it runs in the controller's queue, between commands.
 */
export class Upkeep {
  readonly #options: UpkeepOptions
  readonly #unsubscribe: () => void
  #unsettled = true
  #settleQueued = false
  #retry: Timer | undefined
  #balance: Timer | undefined
  #stopped = false

  constructor(options: UpkeepOptions) {
    this.#options = options
    this.#unsubscribe = options.images.onChange((next, previous, changed) => {
      const allowsElection = [...changed.configs].some(key => changesElection(next, previous, key))
      if (changed.brokers.size + changed.operations.size > 0 || allowsElection) this.#settleSoon()
    })
    this.#settleSoon()
    this.#balanceLater()
  }

  stop(): void {
    this.#stopped = true
    this.#unsubscribe()
    this.#retry?.cancel()
    this.#balance?.cancel()
  }

  /** Does what follows from registrations and open operations, until nothing more does. */
  async settle(): Promise<void> {
    while (this.#unsettled && !this.#stopped) {
      this.#unsettled = false
      if ((await this.#options.batches.finishOperations()) && (await this.#followBrokers())) continue
      this.#unsettled = true
      this.#retry?.cancel()
      if (!this.#stopped) this.#retry = this.#options.clock.after(settleRetryMs, () => this.#settleSoon())
      return
    }
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
    const complete = await batches.commitEach(image, changes, 'preferred leaders')
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
