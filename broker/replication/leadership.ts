import type { ErrorName, Uuid } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { PartitionImage } from '../metadata/image.ts'
import {
  afterFetch,
  type FollowerFetch,
  type FollowerProgress,
  unknownProgress,
  withoutHeartbeat,
} from './follower-progress.ts'
import {
  type InSyncFacts,
  isUnderMinInsyncReplicas,
  mayJoin,
  membersToLeave,
  nextHighWatermark,
} from './in-sync-replicas.ts'
import type { InSyncSetAnswer, InSyncSetChanges } from './in-sync-set-changes.ts'
import type { ReplicationCounters } from './replication-counters.ts'

/**
 * One broker's leadership of one partition in one leader epoch: what it knows of its followers, the in-sync set, and the
 * change of it that is on its way. It decides and asks; the partition moves the watermark.
 *
 *   committed ── a member lags, a follower catches up ──► pending ── the controller's answer, or a newer image ──► committed
 *
 * One change is on its way at a time. While it is, both sets count (InSyncFacts.maximalIsr).
 */
export class Leadership {
  readonly epoch: number
  readonly #parts: LeaderParts
  readonly #of: LedPartition
  #state: PartitionImage
  readonly #followers = new Map<number, FollowerProgress>()
  #isr: readonly number[] = []
  #partitionEpoch = -1
  #recovering = false
  #replicaCount = 0
  #pending: { readonly newIsr: readonly number[]; readonly maximalIsr: readonly number[] } | undefined
  /** After a refusal; monotonic. */
  #askAgainAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: LeaderParts, of: LedPartition, state: PartitionImage) {
    this.epoch = state.leaderEpoch
    this.#parts = parts
    this.#of = of
    this.#state = state
    this.adopt(state)
  }

  /** The in-sync set in force, as far as this broker knows. */
  get isr(): readonly number[] {
    return this.#isr
  }

  get followers(): ReadonlyMap<number, FollowerProgress> {
    return this.#followers
  }

  get isUnderMinInsyncReplicas(): boolean {
    return isUnderMinInsyncReplicas({
      isr: this.#isr,
      replicaCount: this.#replicaCount,
      minInsyncReplicas: this.#of.minInsyncReplicas(),
    })
  }

  /** The state of the partition in this leader epoch as an image shows it. What is known of followers stays. */
  adopt(state: PartitionImage): void {
    this.#state = state
    const nowMs = this.#parts.clock.monotonicMs()
    for (const id of this.#followers.keys()) if (!state.replicas.includes(id)) this.#followers.delete(id)
    for (const id of state.replicas) {
      if (id === this.#parts.brokerId || this.#followers.has(id)) continue
      this.#followers.set(id, unknownProgress(state.isr.includes(id), nowMs))
    }
    this.#replicaCount = state.replicas.length
    // The answer to a change may have come before the image that shows it.
    if (state.partitionEpoch <= this.#partitionEpoch) return
    if (this.#pending !== undefined && isSameSet(state.isr, this.#pending.newIsr)) this.#count(state.isr)
    this.#commit(state.isr, state.partitionEpoch)
    this.#recovering = state.recovering
    if (state.recovering) this.#ask(state.isr)
  }

  /** Whether a fetch comes from an incarnation of the follower that has been replaced (KIP-903). */
  isOutdated(brokerId: number, brokerEpoch: number): boolean {
    const current = this.#parts.registeredEpoch(brokerId)
    return brokerEpoch !== -1 && current !== undefined && current > brokerEpoch
  }

  /** A follower has fetched, and everything it asked for was in range and of the same history. */
  followerFetched(brokerId: number, fetch: FollowerFetch, highWatermark: number): void {
    const before = this.#followers.get(brokerId)
    if (before === undefined) return
    const progress = afterFetch(before, fetch)
    this.#followers.set(brokerId, progress)
    if (this.#pending !== undefined || this.#isr.includes(brokerId)) return
    if (!mayJoin(progress, highWatermark, this.#of.epochStartOffset())) return
    if (!this.#isEligible(brokerId, progress) || fetch.nowMs < this.#askAgainAtMs) return
    this.#ask([...this.#isr, brokerId])
  }

  /** Below this offset no replica that is alive has records any more (KIP-107); -1 while one has not said. */
  lowWatermark(logStartOffset: number): number {
    let lowest = logStartOffset
    for (const [id, progress] of this.#followers) {
      if (this.#parts.mayJoin(id, this.#state)) lowest = Math.min(lowest, progress.logStartOffset)
    }
    return lowest
  }

  /** A follower fetches this partition no more, or in vain. */
  followerPaused(brokerId: number): void {
    const progress = this.#followers.get(brokerId)
    if (progress !== undefined) this.#followers.set(brokerId, withoutHeartbeat(progress))
  }

  nextHighWatermark(endOffset: number, current: number): number {
    // Alone in every set: what most partitions of small clusters are.
    if (this.#followers.size === 0)
      return this.isUnderMinInsyncReplicas ? current : Math.max(current, endOffset)
    return nextHighWatermark(this.#facts(endOffset), current)
  }

  /** Asks that members which have fallen behind leave. To be called now and then. */
  dropLaggingMembers(endOffset: number): void {
    if (this.#pending !== undefined || this.#isr.length <= 1) return
    const facts = this.#facts(endOffset)
    if (facts.nowMs < this.#askAgainAtMs) return
    const leaving = membersToLeave(facts)
    if (leaving.length === 0) return
    this.#parts.logger.warn(
      { topic: this.#of.topic, partition: this.#of.index, replicas: leaving, isr: this.#isr, endOffset },
      'Replicas have fallen behind and are to leave the in-sync set.',
    )
    this.#ask(this.#isr.filter(id => !leaving.includes(id)))
  }

  /** Nothing that was asked for counts any more. */
  end(): void {
    this.#pending = undefined
  }

  #facts(endOffset: number): InSyncFacts {
    return {
      endOffset,
      followers: this.#followers,
      isr: this.#isr,
      maximalIsr: this.#pending?.maximalIsr ?? this.#isr,
      replicaCount: this.#replicaCount,
      minInsyncReplicas: this.#of.minInsyncReplicas(),
      nowMs: this.#parts.clock.monotonicMs(),
      maxLagMs: this.#parts.maxLagMs(),
      isEligible: this.#isEligible,
    }
  }

  readonly #isEligible = (brokerId: number, progress: FollowerProgress): boolean => {
    if (progress.brokerEpoch === undefined || !this.#parts.mayJoin(brokerId, this.#state)) return false
    return progress.brokerEpoch === -1 || progress.brokerEpoch === this.#parts.registeredEpoch(brokerId)
  }

  #ask(newIsr: readonly number[]): void {
    const pending = { newIsr, maximalIsr: [...new Set([...this.#isr, ...newIsr])] }
    this.#pending = pending
    const { brokerId, changes } = this.#parts
    changes.submit({
      set: {
        topicId: this.#of.topicId,
        partitionIndex: this.#of.index,
        leaderEpoch: this.epoch,
        partitionEpoch: this.#partitionEpoch,
        newIsr: newIsr.map(id => ({
          brokerId: id,
          brokerEpoch:
            (id === brokerId ? this.#parts.registeredEpoch(id) : this.#followers.get(id)?.brokerEpoch) ?? -1,
        })),
        // Whatever a leader asks for, with it the recovery after an unclean election is over (KIP-704).
        recovering: false,
      },
      isCurrent: () => this.#pending === pending,
      settled: answer => {
        if (this.#pending === pending) this.#settle(answer)
      },
    })
  }

  #settle(answer: InSyncSetAnswer): void {
    const { topic, index } = this.#of
    const { counters, logger } = this.#parts
    const facts = { topic, partition: index, isr: answer.isr, before: this.#isr }
    if (answer.error === 'NONE') {
      if (answer.leaderEpoch !== this.epoch || answer.partitionEpoch < this.#partitionEpoch) return
      this.#count(answer.isr)
      this.#commit(answer.isr, answer.partitionEpoch)
      this.#recovering = false
      logger.info(facts, 'The in-sync set has changed.')
      this.#of.inSyncSetChanged()
      return
    }
    counters.failedIsrUpdates++
    // There is a newer state, perhaps this very change: until the image shows it both sets count.
    if (overtaken.has(answer.error)) return
    logger.warn(
      { ...facts, error: answer.error, reason: answer.message },
      'The controller refused to change the in-sync set.',
    )
    this.#pending = undefined
    this.#askAgainAtMs = this.#parts.clock.monotonicMs() + afterRefusalMs
    this.#of.inSyncSetChanged()
    // Nobody else would ask for it again.
    if (this.#recovering) this.#parts.clock.after(afterRefusalMs, () => this.#askToEndRecovery())
  }

  #askToEndRecovery(): void {
    if (this.#recovering && this.#pending === undefined && this.#of.isLedIn(this.epoch)) this.#ask(this.#isr)
  }

  /** What was asked for here has been done. */
  #count(isr: readonly number[]): void {
    if (isr.length < this.#isr.length) this.#parts.counters.isrShrinks++
    if (isr.length > this.#isr.length) this.#parts.counters.isrExpands++
  }

  #commit(isr: readonly number[], partitionEpoch: number): void {
    this.#isr = isr
    this.#partitionEpoch = partitionEpoch
    this.#pending = undefined
  }
}

function isSameSet(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every(id => others.includes(id))
}

const afterRefusalMs = 500

const overtaken: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'FENCED_LEADER_EPOCH',
  'INVALID_UPDATE_VERSION',
  'NEW_LEADER_ELECTED',
])

/** What all leaderships of a broker share. */
export interface LeaderParts {
  readonly brokerId: number
  readonly clock: Clock
  /** Epoch of a broker that is registered; undefined for any other. */
  readonly registeredEpoch: (brokerId: number) => number | undefined
  /** Let in by the controller, not about to stop (KIP-841), and with the directory in which its replica is (KIP-858). */
  readonly mayJoin: (brokerId: number, partition: PartitionImage) => boolean
  /** The setting replica.lag.time.max.ms. */
  readonly maxLagMs: () => number
  readonly changes: Pick<InSyncSetChanges, 'submit'>
  readonly counters: ReplicationCounters
  readonly logger: Logger
}

/** The partition, as far as its leadership knows it. */
export interface LedPartition {
  readonly topic: string
  readonly topicId: Uuid
  readonly index: number
  readonly minInsyncReplicas: () => number
  /** Where this leader's epoch began. */
  readonly epochStartOffset: () => number
  readonly isLedIn: (leaderEpoch: number) => boolean
  /** The watermark may move. */
  readonly inSyncSetChanged: () => void
}
