import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Log } from '../log/log.ts'
import type { PartitionImage } from '../metadata/image.ts'
import type { TopicSettings } from '../config/topic-settings.ts'
import type { ErrorName, Uuid } from '../../protocol/index.ts'
import { Acknowledgements, type Settle } from './acknowledgements.ts'
import { isUnderMinInsyncReplicas, nextHighWatermark } from './in-sync-replicas.ts'

/**
 * This broker's replica of one partition: a log with a role. As leader it gives out offsets, moves the high
 * watermark and answers those who wait for it. What the role is comes from the metadata image alone.
 *
 * Everything here is synchronous: the check that this broker leads and the append happen without a pause between,
 * so nothing is ever written by a broker that has already learned that it no longer leads.
 */
export class Partition {
  readonly topic: string
  readonly index: number
  readonly topicId: Uuid
  readonly #brokerId: number
  readonly #turn: EndOfTurn
  readonly #settings: () => TopicSettings
  #log: Log
  readonly #written: Acknowledgements
  readonly #committed: Acknowledgements
  readonly #watchers = new Set<PartitionWatcher>()
  #state: PartitionImage
  #isLeader = false
  #epochStartOffset = 0
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
  }) {
    this.topic = options.topic
    this.index = options.index
    this.topicId = options.topicId
    this.#brokerId = options.brokerId
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
    return this.#isLeader && !this.#failed
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
    return isUnderMinInsyncReplicas(this.#inSyncFacts())
  }

  /** Takes the role that the metadata gives this broker. */
  apply(state: PartitionImage): void {
    const previous = this.#state
    this.#state = state
    const leads = state.leader === this.#brokerId
    const newEpoch = state.leaderEpoch !== previous.leaderEpoch || leads !== this.#isLeader
    this.#isLeader = leads
    if (!newEpoch) {
      if (leads) this.#moveHighWatermark()
      return
    }
    if (leads) {
      this.#beginEpochAt(this.#log.nextOffset)
      this.#moveHighWatermark()
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
    if (!this.#isLeader) {
      return refused('NOT_LEADER_OR_FOLLOWER', `This broker does not lead ${this.topic}-${this.index}.`)
    }
    if (options.acks === -1 && isUnderMinInsyncReplicas(this.#inSyncFacts())) {
      return refused(
        'NOT_ENOUGH_REPLICAS',
        `${this.topic}-${this.index} has ${this.#state.isr.length} replicas in sync, fewer than min.insync.replicas asks for.`,
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

  /** Something a waiting fetch may care about has changed outside an append (DeleteRecords, deletion). */
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
    this.#isLeader = false
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
      failed: () => {
        if (log === this.#log) this.#onFailed()
      },
    })
  }

  #onWritten(): void {
    if (this.#isLeader) this.#moveHighWatermark()
    this.#settle()
    this.notifyWatchers()
  }

  /** The disk was full: what was appended last is not there, and nobody was told that it is. Those who wait for it are told so. */
  #onRefused(endOffset: number): void {
    if (this.#isLeader) this.#beginEpochAt(Math.min(this.#epochStartOffset, endOffset))
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

  #loseLeadership(): void {
    this.#written.failAll('NOT_LEADER_OR_FOLLOWER')
    this.#committed.failAll('NOT_LEADER_OR_FOLLOWER')
    this.notifyWatchers()
  }

  #moveHighWatermark(): void {
    const current = this.#log.highWatermark
    const next = nextHighWatermark(this.#inSyncFacts(), current)
    if (next === current) return
    this.#log.advanceHighWatermark(next)
    this.#committed.reached(next)
    this.notifyWatchers()
  }

  #settle(): void {
    this.#written.reached(this.#log.logEndOffset)
    this.#committed.reached(this.#log.highWatermark)
  }

  #inSyncFacts() {
    return {
      selfId: this.#brokerId,
      localEndOffset: this.#log.logEndOffset,
      followerEndOffsets: noFollowers,
      isr: this.#state.isr,
      replicas: this.#state.replicas,
      minInsyncReplicas: this.#settings()['min.insync.replicas'],
    }
  }
}

export interface PartitionWatcher {
  partitionMoved(): void
}

/** Followers report their progress by fetching; nobody does before replication between brokers is there. */
const noFollowers: ReadonlyMap<number, number> = new Map()

function refused(error: ErrorName, message: string): { kind: 'refused'; error: ErrorName; message: string } {
  return { kind: 'refused', error, message }
}
