import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Log } from '../log/log.ts'
import type { PartitionImage } from '../metadata/image.ts'
import type { TopicSettings } from '../config/topic-settings.ts'
import type { ErrorName, Uuid } from '../../protocol/index.ts'
import { Acknowledgements, type Settle } from './acknowledgements.ts'
import type { FollowerProgress } from './follower-progress.ts'
import { isUnderMinInsyncReplicas } from './in-sync-replicas.ts'
import { type LeaderParts, Leadership } from './leadership.ts'

/**
 * This broker's replica of one partition: a log with a role. As leader it gives out offsets, moves the high
 * watermark and answers those who wait for it; as follower it stores what its leader sends and takes over the leader's
 * watermark and log start. What the role is comes from the metadata image alone.
 *
 * Everything here is synchronous: the check that this broker leads and the append happen without a pause between,
 * so nothing is ever written by a broker that has already learned that it no longer leads.
 */
export class Partition {
  readonly topic: string
  readonly index: number
  readonly topicId: Uuid
  readonly #brokerId: number
  readonly #clock: Clock
  readonly #leaderParts: LeaderParts
  readonly #turn: EndOfTurn
  readonly #settings: () => TopicSettings
  #log: Log
  readonly #written: Acknowledgements
  readonly #committed: Acknowledgements
  readonly #watchers = new Set<PartitionWatcher>()
  #state: PartitionImage
  /** Undefined on a follower. */
  #leadership: Leadership | undefined
  #epochStartOffset = 0
  /** What the leader said last, as far as this follower could not take it over yet. */
  #leaderHighWatermark = -1
  #leaderLogStartOffset = -1
  #failed = false
  #notifying = false

  constructor(options: {
    readonly topic: string
    readonly index: number
    readonly topicId: Uuid
    readonly brokerId: number
    readonly clock: Clock
    readonly turn: EndOfTurn
    readonly settings: () => TopicSettings
    readonly log: Log
    readonly state: PartitionImage
    readonly leaderParts: LeaderParts
  }) {
    this.topic = options.topic
    this.index = options.index
    this.topicId = options.topicId
    this.#brokerId = options.brokerId
    this.#clock = options.clock
    this.#leaderParts = options.leaderParts
    this.#turn = options.turn
    this.#settings = options.settings
    this.#log = options.log
    this.#written = new Acknowledgements(options.clock)
    this.#committed = new Acknowledgements(options.clock)
    this.#state = options.state
    this.#listen()
    this.apply(options.state)
  }

  get log(): Log {
    return this.#log
  }

  get state(): PartitionImage {
    return this.#state
  }

  get isLeader(): boolean {
    return this.#leadership !== undefined && !this.#failed
  }

  /** The replicas in sync, as far as this broker knows: a leader may know before its image does. */
  get isr(): readonly number[] {
    return this.#leadership?.isr ?? this.#state.isr
  }

  /** As their leader knows them; undefined on a follower. */
  get followers(): ReadonlyMap<number, FollowerProgress> | undefined {
    return this.#leadership?.followers
  }

  /** The log's directory failed: the replica serves nothing until the broker is restarted with the disk mended. */
  get isOffline(): boolean {
    return this.#failed
  }

  get settings(): TopicSettings {
    return this.#settings()
  }

  /**
   * Whether the high watermark has reached the point where this leader's epoch began. Before that, an answer about
   * the end of the partition could go back behind what an earlier leader said (KIP-207).
   */
  get hasCaughtUpWithEpoch(): boolean {
    return this.#log.highWatermark >= this.#epochStartOffset
  }

  get isUnderMinInsyncReplicas(): boolean {
    if (this.#leadership !== undefined) return this.#leadership.isUnderMinInsyncReplicas
    const { isr, replicas } = this.#state
    const minInsyncReplicas = this.#settings()['min.insync.replicas']
    return isUnderMinInsyncReplicas({ isr, replicaCount: replicas.length, minInsyncReplicas })
  }

  /** What DeleteRecords waits for: below it no replica that is alive has records any more. */
  get lowWatermark(): number {
    const { logStartOffset } = this.#log
    return this.#leadership?.lowWatermark(logStartOffset) ?? logStartOffset
  }

  /** Takes the role that the metadata gives this broker. */
  apply(state: PartitionImage): void {
    const leads = state.leader === this.#brokerId
    const isNewEpoch =
      state.leaderEpoch !== this.#state.leaderEpoch || leads !== (this.#leadership !== undefined)
    this.#state = state
    if (!isNewEpoch) {
      if (this.#leadership === undefined) return
      this.#leadership.adopt(state)
      this.#moveHighWatermark()
      return
    }
    this.#leadership?.end()
    this.#leaderHighWatermark = -1
    this.#leaderLogStartOffset = -1
    if (leads) {
      this.#beginEpochAt(this.#log.nextOffset)
      this.#leadership = this.#lead(state)
      this.#moveHighWatermark()
      this.notifyWatchers()
    } else {
      this.#loseLeadership()
    }
  }

  /** Writes as leader; NOT_LEADER_OR_FOLLOWER and the rest come as a refusal. `acks` is -1, 0 or 1. */
  append(
    records: Buffer,
    options: {
      readonly acks: number
      readonly origin: 'client' | 'coordinator'
      readonly apiVersion?: number
    },
  ): ReturnType<Log['appendAsLeader']> {
    if (this.#failed)
      return refused('KAFKA_STORAGE_ERROR', `The log directory of ${this.topic}-${this.index} has failed.`)
    if (this.#leadership === undefined) {
      return refused('NOT_LEADER_OR_FOLLOWER', `This broker does not lead ${this.topic}-${this.index}.`)
    }
    if (options.acks === -1 && this.#leadership.isUnderMinInsyncReplicas) {
      return refused(
        'NOT_ENOUGH_REPLICAS',
        `${this.topic}-${this.index} has ${this.#leadership.isr.length} replicas in sync, fewer than min.insync.replicas asks for.`,
      )
    }
    return this.#log.appendAsLeader(records, {
      leaderEpoch: this.#state.leaderEpoch,
      origin: options.origin,
      // Nobody here can ask a transaction coordinator yet: a transaction that no marker would end must not begin.
      mustBeVerified: options.origin === 'client',
      ...(options.apiVersion === undefined ? {} : { apiVersion: options.apiVersion }),
    })
  }

  /**
   * Calls `settle` once: when everything before `endOffset` is written here (acks=1) or is below the high
   * watermark (acks=all). Never in the middle of the caller: an append is settled at the end of the turn at the earliest.
   */
  acknowledge(acks: number, endOffset: number, timeoutMs: number, settle: Settle): void {
    if (acks === -1) {
      this.#committed.add(endOffset, timeoutMs, outcome =>
        settle(
          outcome === 'NONE' && this.isUnderMinInsyncReplicas ? 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' : outcome,
        ),
      )
    } else {
      this.#written.add(endOffset, timeoutMs, settle)
    }
    // A duplicate may wait for what happened long ago, when no write will follow.
    if (endOffset <= this.#log.logEndOffset) this.#turn.write(() => this.#settle())
  }

  /**
   * Whether a follower may fetch as such: it is a replica, and not an incarnation that has been replaced since. Reading
   * beyond the high watermark is for the other replicas alone.
   */
  isFollower(brokerId: number, brokerEpoch: number): boolean {
    if (this.#leadership?.followers.has(brokerId) !== true) return false
    return !this.#leadership.isOutdated(brokerId, brokerEpoch)
  }

  /** A follower asked for `fetchOffset`, which this log has, when it ended at `leaderEndOffset`. The watermark may move. */
  followerFetched(
    brokerId: number,
    fetch: {
      readonly brokerEpoch: number
      readonly fetchOffset: number
      readonly logStartOffset: number
      readonly leaderEndOffset: number
      readonly heartbeat: { readonly fetchedAtMs: number }
    },
  ): void {
    if (this.#leadership === undefined) return
    const nowMs = this.#clock.monotonicMs()
    if (this.#leadership.followers.get(brokerId)?.logStartOffset !== fetch.logStartOffset)
      this.notifyWatchers()
    this.#leadership.followerFetched(brokerId, { ...fetch, nowMs }, this.#log.highWatermark)
    this.#moveHighWatermark()
  }

  /** A follower fetches this partition no more, or in vain. */
  followerPaused(brokerId: number): void {
    this.#leadership?.followerPaused(brokerId)
  }

  /** Members of the in-sync set that have fallen behind are to leave it. To be called now and then. */
  dropLaggingMembers(): void {
    if (!this.#failed) this.#leadership?.dropLaggingMembers(this.#log.logEndOffset)
  }

  /** Stores batches that the leader of `leaderEpoch` has sent, as they are. Only on a follower in that epoch. */
  appendFromLeader(records: Buffer, leaderEpoch: number): ReturnType<Log['appendAsFollower']> {
    if (this.#failed || this.#leadership !== undefined || this.#state.leaderEpoch !== leaderEpoch) {
      return refused('NOT_LEADER_OR_FOLLOWER', `${this.topic}-${this.index} has another leader by now.`)
    }
    return this.#log.appendAsFollower(records, { leaderEpoch })
  }

  /** What the leader says of itself is taken over as far as the own log goes, now and when what it sent is written. */
  leaderSaid(highWatermark: number, logStartOffset: number): void {
    this.#leaderHighWatermark = highWatermark
    this.#leaderLogStartOffset = logStartOffset
    this.#followLeader()
  }

  /** A follower's log goes on at `offset` (truncated there, or emptied), because its leader has no such end. */
  cutTo(cut: {
    readonly kind: 'truncate' | 'startAnew'
    readonly offset: number
    readonly reason: string
  }): void {
    const { kind, offset, reason } = cut
    const { logger, counters } = this.#leaderParts
    const endOffset = this.#log.nextOffset
    const { highWatermark } = this.#log
    const facts = { topic: this.topic, partition: this.index, offset, endOffset, highWatermark, reason }
    if (kind === 'truncate' && offset < highWatermark) {
      counters.lostCommittedOffsets += highWatermark - offset
      logger.error(
        { ...facts, lost: { from: offset, to: highWatermark } },
        'A follower cuts off records that were committed: its leader, elected uncleanly, does not have them.',
      )
    } else {
      logger.info(facts, kind === 'truncate' ? 'A follower cuts its log.' : 'A follower starts its log anew.')
    }
    if (kind === 'truncate') this.#log.truncateTo(offset)
    else this.#log.truncateFullyAndStartAt(offset)
    this.notifyWatchers()
  }

  /** `watcher` is told at the end of a turn in which the log end, the watermark, the log start or the role moved. */
  watch(watcher: PartitionWatcher): void {
    this.#watchers.add(watcher)
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#watchers.delete(watcher)
  }

  /** The same records in another directory; what was written to the old log is in the new one. */
  replaceLog(log: Log): void {
    this.#log = log
    this.#listen()
    this.#onWritten()
  }

  /** Something a waiting fetch may care about has changed outside an append. */
  notifyWatchers(): void {
    if (this.#watchers.size === 0 || this.#notifying) return
    this.#notifying = true
    this.#turn.write(() => {
      this.#notifying = false
      for (const watcher of this.#watchers) watcher.partitionMoved()
    })
  }

  /** The replica leaves this broker: the topic is deleted or the partition moved away. */
  close(): void {
    this.#leadership?.end()
    this.#loseLeadership()
  }

  #listen(): void {
    const log = this.#log
    log.onWritten({
      written: () => {
        if (log === this.#log) this.#onWritten()
      },
      refused: endOffset => {
        if (log === this.#log) this.#onRefused(endOffset)
      },
      startMoved: () => {
        if (log === this.#log) this.notifyWatchers()
      },
      failed: () => {
        if (log === this.#log) this.#onFailed()
      },
    })
  }

  #onWritten(): void {
    if (this.#leadership === undefined) this.#followLeader()
    else this.#moveHighWatermark()
    this.#settle()
    this.notifyWatchers()
  }

  /** The disk was full: what was appended last is not there, and nobody was told that it is. Those who wait for it are told so. */
  #onRefused(endOffset: number): void {
    if (this.#leadership !== undefined) this.#beginEpochAt(Math.min(this.#epochStartOffset, endOffset))
    this.#written.failBeyond(endOffset, 'KAFKA_STORAGE_ERROR')
    this.#committed.failBeyond(endOffset, 'KAFKA_STORAGE_ERROR')
  }

  #beginEpochAt(offset: number): void {
    this.#epochStartOffset = offset
    this.#log.leaderEpochs.assign(this.#state.leaderEpoch, this.#log.nextOffset)
  }

  #onFailed(): void {
    this.#failed = true
    this.#written.failAll('KAFKA_STORAGE_ERROR')
    this.#committed.failAll('KAFKA_STORAGE_ERROR')
    this.notifyWatchers()
  }

  #lead(state: PartitionImage): Leadership {
    const of = {
      topic: this.topic,
      topicId: this.topicId,
      index: this.index,
      minInsyncReplicas: () => this.#settings()['min.insync.replicas'],
      epochStartOffset: () => this.#epochStartOffset,
      isLedIn: (leaderEpoch: number) => this.#leadership?.epoch === leaderEpoch && !this.#failed,
      inSyncSetChanged: () => this.#moveHighWatermark(),
    }
    return new Leadership(this.#leaderParts, of, state)
  }

  #loseLeadership(): void {
    this.#leadership = undefined
    // An epoch in which it wrote nothing is one that the next leader never heard of; asked for it, that one could only say no.
    this.#log.leaderEpochs.truncateFromEnd(this.#log.nextOffset)
    this.#written.failAll('NOT_LEADER_OR_FOLLOWER')
    this.#committed.failAll('NOT_LEADER_OR_FOLLOWER')
    this.notifyWatchers()
  }

  #moveHighWatermark(): void {
    const current = this.#log.highWatermark
    const endOffset = this.#log.logEndOffset
    if (this.#leadership === undefined || current >= endOffset) return
    const next = this.#leadership.nextHighWatermark(endOffset, current)
    if (next === current) return
    this.#log.advanceHighWatermark(next)
    this.#committed.reached(next)
    this.notifyWatchers()
  }

  #followLeader(): void {
    const log = this.#log
    const before = log.highWatermark
    log.advanceHighWatermark(this.#leaderHighWatermark)
    log.deleteRecordsBefore(this.#leaderLogStartOffset)
    if (log.highWatermark !== before) this.notifyWatchers()
  }

  #settle(): void {
    this.#written.reached(this.#log.logEndOffset)
    this.#committed.reached(this.#log.highWatermark)
  }
}

export interface PartitionWatcher {
  partitionMoved(): void
}

function refused(error: ErrorName, message: string): { kind: 'refused'; error: ErrorName; message: string } {
  return { kind: 'refused', error, message }
}
