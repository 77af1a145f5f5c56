import type { ErrorName, Uuid } from '../../protocol/index.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'

/**
 * Asks the controller to change in-sync sets: everything that leaders here wish for within a turn goes in one request, one
 * request is in flight, and what the controller could not deal with is asked again until it is dealt with or nobody wants it
 * any more.
 */
export class InSyncSetChanges {
  readonly #options: InSyncSetChangesOptions
  /** The newest wish of each partition. */
  readonly #wanted = new Map<string, InSyncSetChange>()
  #isAsking = false
  #isQueued = false
  #pause: Timer | undefined
  #attempt = 0
  #closed = false

  constructor(options: InSyncSetChangesOptions) {
    this.#options = options
  }

  /** Wishes without an answer. */
  get size(): number {
    return this.#wanted.size
  }

  submit(change: InSyncSetChange): void {
    if (this.#closed) return
    this.#wanted.set(`${change.set.topicId}/${change.set.partitionIndex}`, change)
    this.#queue()
  }

  close(): void {
    this.#closed = true
    this.#pause?.cancel()
    this.#wanted.clear()
  }

  #queue(): void {
    if (this.#closed || this.#isQueued || this.#isAsking || this.#pause !== undefined) return
    if (this.#wanted.size === 0) return
    this.#isQueued = true
    this.#options.turn.write(() => {
      this.#isQueued = false
      this.#ask().catch((error: unknown) => {
        this.#options.logger.error({ err: error }, 'Asking the controller to change in-sync sets failed.')
        this.#rest()
      })
    })
  }

  async #ask(): Promise<void> {
    const { authority, brokerId, brokerEpoch, timeoutMs, logger } = this.#options
    const asked: [string, InSyncSetChange][] = []
    for (const [key, change] of this.#wanted) {
      if (!change.isCurrent()) this.#wanted.delete(key)
      else if (asked.length < mostInOneRequest) asked.push([key, change])
    }
    const epoch = brokerEpoch()
    if (asked.length === 0 || this.#closed) return
    if (epoch === undefined) {
      this.#rest()
      return
    }
    this.#isAsking = true
    const result = await authority
      .alterPartition({
        brokerId,
        brokerEpoch: epoch,
        timeoutMs: timeoutMs(),
        partitions: asked.map(([, { set }]) => set),
      })
      .finally(() => {
        this.#isAsking = false
      })
    if (this.#closed) return
    if (result.error !== 'NONE' || result.partitions.length !== asked.length) {
      logger.warn(
        { error: result.error, reason: result.message, partitions: asked.length },
        'The controller did not change in-sync sets; it is asked again.',
      )
      this.#rest()
      return
    }
    let isAgain = false
    for (const [at, [key, change]] of asked.entries()) {
      const answer = result.partitions[at]!
      if (!finalAnswers.has(answer.error)) {
        isAgain = true
        continue
      }
      if (this.#wanted.get(key) === change) this.#wanted.delete(key)
      change.settled(answer)
    }
    if (isAgain) {
      this.#rest()
      return
    }
    this.#attempt = 0
    this.#queue()
  }

  #rest(): void {
    if (this.#closed) return
    const { clock, random } = this.#options
    this.#pause = clock.after(backoffMs(this.#attempt++, { firstMs: 50, mostMs: 1000 }, random), () => {
      this.#pause = undefined
      this.#queue()
    })
  }
}

/** A bound for one request; the rest goes with the next. */
const mostInOneRequest = 1000

/** Answers after which asking the same again would be of no use. */
const finalAnswers: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'NONE',
  'UNKNOWN_TOPIC_ID',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'INVALID_REQUEST',
  'INVALID_UPDATE_VERSION',
  'INELIGIBLE_REPLICA',
  'NEW_LEADER_ELECTED',
  'OPERATION_NOT_ATTEMPTED',
])

export interface InSyncSetChangesOptions {
  readonly authority: InSyncSetAuthority
  readonly brokerId: number
  /** Undefined while this broker is not registered. */
  readonly brokerEpoch: () => number | undefined
  readonly timeoutMs: () => number
  readonly clock: Clock
  readonly turn: EndOfTurn
  readonly random: Random
  readonly logger: Logger
}

/** The controller, as far as leaders ask it. */
export interface InSyncSetAuthority {
  alterPartition(command: {
    readonly brokerId: number
    readonly brokerEpoch: number
    readonly timeoutMs: number
    readonly partitions: readonly RequestedInSyncSet[]
  }): Promise<{
    readonly error: ErrorName
    readonly message: string | null
    /** One per partition, in order; empty when `error` is not NONE. */
    readonly partitions: readonly InSyncSetAnswer[]
  }>
}

export interface RequestedInSyncSet {
  readonly topicId: Uuid
  readonly partitionIndex: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  /** `brokerEpoch` -1: not known here (KIP-903). */
  readonly newIsr: readonly { readonly brokerId: number; readonly brokerEpoch: number }[]
  readonly recovering: boolean
}

export interface InSyncSetAnswer {
  readonly error: ErrorName
  readonly message: string | null
  readonly leaderEpoch: number
  readonly isr: readonly number[]
  readonly partitionEpoch: number
}

export interface InSyncSetChange {
  readonly set: RequestedInSyncSet
  /** False as soon as the partition has another leader, another epoch, or a newer wish. */
  isCurrent(): boolean
  /** Called once with a final answer, also when nobody wants the change any more. */
  settled(answer: InSyncSetAnswer): void
}
