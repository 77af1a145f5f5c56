// One thing that happens to a consumer group: what it is told of the world, and what comes of it. Everything is decided
// on a fork of the group, record by record; the shard writes the records and applies them to the group itself.

import type { ErrorName } from '../../protocol/index.ts'
import type { ConsumerGroup, ConsumerGroupNotes } from './consumer-group.ts'
import { type ConsumerGroupRecord, groupEpochRecord } from './consumer-group-records.ts'
import type { ConsumerSettings } from './consumer-settings.ts'
import type { GroupRecord } from './group-records.ts'
import { type GroupTopics, hashOfTopics } from './group-topics.ts'

export interface ConsumerContext {
  /** Wall clock: it goes into records. */
  readonly nowMs: number
  readonly topics: GroupTopics
  /** As they are for this group. */
  readonly settings: ConsumerSettings
  /** A new member id. */
  readonly newId: () => string
}

/**
 * - session: since the last sign of life;
 * - rebalance: since a revocation was asked for;
 * - join, sync: since a classic member was told to join again, or was answered its join.
 */
export const memberTimers = ['session', 'rebalance', 'join', 'sync'] as const
export type MemberTimer = (typeof memberTimers)[number]

export type ConsumerEffect =
  | {
      readonly kind: 'schedule'
      readonly timer: MemberTimer
      readonly memberId: string
      readonly afterMs: number
      /** A timer that runs already is left as it is. */
      readonly ifAbsent?: boolean
      /** rebalance: the member's epoch; a member that got further is left alone. */
      readonly memberEpoch?: number
    }
  | { readonly kind: 'cancel'; readonly timer: MemberTimer; readonly memberId: string }
  /** A target is due by then; a timer that runs already is left as it is. */
  | { readonly kind: 'assignLater'; readonly afterMs: number }
  /** Find the topics of these expressions, in the background. */
  | { readonly kind: 'resolve'; readonly expressions: readonly string[] }
  /** The group is a classic one from now on, and its members have to join again. */
  | { readonly kind: 'downgraded' }

export interface Refusal {
  readonly error: ErrorName
  readonly message: string
}

export function isRefusal(value: object): value is Refusal {
  return 'error' in value
}

export class ConsumerStep {
  readonly groupId: string
  readonly context: ConsumerContext
  readonly records: GroupRecord[] = []
  readonly effects: ConsumerEffect[] = []
  readonly notes: Partial<ConsumerGroupNotes> = {}
  readonly #group: ConsumerGroup
  #last: ConsumerGroupRecord | undefined

  constructor(group: ConsumerGroup, context: ConsumerContext) {
    this.groupId = group.groupId
    this.#group = group.fork()
    this.context = context
  }

  /** The group as it will be. */
  get group(): ConsumerGroup {
    if (this.#last !== undefined) this.#group.apply(this.#last)
    this.#last = undefined
    return this.#group
  }

  emit(...records: readonly ConsumerGroupRecord[]): void {
    const { group } = this
    for (const record of records) {
      this.records.push(record)
      group.apply(record)
    }
  }

  /**
   * For the record that ends most steps: it is applied to the fork only when somebody asks for the group again, because
   * that costs copies. Who holds the group from before does not see it.
   */
  emitLast(record: ConsumerGroupRecord): void {
    void this.group
    this.records.push(record)
    this.#last = record
  }

  /** To be called when the step comes true: a fork shares its notes with the group. */
  takeNotes(): void {
    Object.assign(this.#group.notes, this.notes)
  }

  schedule(
    timer: MemberTimer,
    memberId: string,
    afterMs: number,
    more: { readonly ifAbsent?: boolean; readonly memberEpoch?: number } = {},
  ): void {
    this.effects.push({ kind: 'schedule', timer, memberId, afterMs, ...more })
  }

  cancel(memberId: string, timers: readonly MemberTimer[] = memberTimers): void {
    for (const timer of timers) this.effects.push({ kind: 'cancel', timer, memberId })
  }

  /** The group moves on, with the topics as they are now. */
  bumpEpoch(): void {
    const { topics } = this.context
    const { groupId, epoch } = this.group
    this.emit(groupEpochRecord(groupId, epoch + 1, hashOfTopics(this.group.subscribedTopicNames(), topics)))
    this.notes.checkedTopics = topics
  }

  /** Whether topics that members subscribe to came, went or grew since the group last looked. */
  topicsChanged(): boolean {
    const { topics } = this.context
    if ((this.notes.checkedTopics ?? this.group.notes.checkedTopics) === topics) return false
    this.notes.checkedTopics = topics
    return hashOfTopics(this.group.subscribedTopicNames(), topics) !== this.group.metadataHash
  }
}
