// Consumer groups in a shard without a log: decisions are carried out as a shard does it, every record goes through its
// bytes, and after each decision the whole of the records is replayed into a second state that must be the same.

import type { Uuid } from '../../protocol/index.ts'
import { assert } from '../../runtime/assert.ts'
import type { Decision, Effect } from '../../broker/coordinator/shard-kind.ts'
import { outsideTransactions } from '../../broker/coordinator/shard-kind.ts'
import { ShardTimers } from '../../broker/coordinator/shard-timers.ts'
import { Timeline } from '../../broker/coordinator/timeline.ts'
import { applyGroupRecord } from '../../broker/groups/apply-records.ts'
import { ConsumerCommands } from '../../broker/groups/consumer-commands.ts'
import type { ConsumerGroup } from '../../broker/groups/consumer-group.ts'
import type { ConsumerSettings } from '../../broker/groups/consumer-settings.ts'
import { describeConsumerGroup } from '../../broker/groups/describe-consumer-group.ts'
import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from '../../broker/groups/group-records.ts'
import type { GroupParts } from '../../broker/groups/group-settings.ts'
import { GroupState } from '../../broker/groups/group-state.ts'
import type { GroupTopic, GroupTopics } from '../../broker/groups/group-topics.ts'
import { FakeClock } from './fake-clock.ts'

export class FakeTopics implements GroupTopics {
  readonly revision: number
  readonly namesRevision: number
  readonly #byName: ReadonlyMap<string, GroupTopic>

  constructor(byName: ReadonlyMap<string, GroupTopic> = new Map(), revision = 1, namesRevision = 1) {
    this.#byName = byName
    this.revision = revision
    this.namesRevision = namesRevision
  }

  with(name: string, partitionCount: number, racks: readonly (readonly string[])[] = []): FakeTopics {
    const byName = new Map(this.#byName).set(name, { id: idOfTopic(name), name, partitionCount, racks })
    const revision = this.revision + 1
    return new FakeTopics(byName, revision, this.#byName.has(name) ? this.namesRevision : revision)
  }

  without(name: string): FakeTopics {
    const byName = new Map(this.#byName)
    byName.delete(name)
    return new FakeTopics(byName, this.revision + 1, this.revision + 1)
  }

  byName(name: string): GroupTopic | undefined {
    return this.#byName.get(name)
  }

  byId(id: Uuid): GroupTopic | undefined {
    return [...this.#byName.values()].find(topic => topic.id === id)
  }

  names(): Iterable<string> {
    return this.#byName.keys()
  }
}

/** Topics of one name have one id; at most 15 letters. */
export function idOfTopic(name: string): Uuid {
  const bytes = Buffer.alloc(16)
  bytes.write(name)
  return bytes.toString('base64url')
}

export function nameOfTopic(id: Uuid): string {
  return Buffer.from(id, 'base64url').toString().replace(/\0+$/, '')
}

export const usualConsumerSettings: ConsumerSettings = {
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 5000,
  assignmentIntervalMs: 0,
  maxSize: 100,
  classicMaxSize: 100,
  assignors: ['uniform', 'range'],
  upgrades: true,
  downgrades: true,
}

export class ConsumerGroupBench {
  readonly clock = new FakeClock()
  readonly commands: ConsumerCommands
  readonly parts: GroupParts
  settings: ConsumerSettings = usualConsumerSettings
  topics = new FakeTopics()
  state = new GroupState(new Timeline())
  /** What was written since this was last emptied. */
  written: GroupRecord[] = []
  /** Answers to calls that were parked. */
  readonly answered: { readonly call: string; readonly response: unknown }[] = []
  readonly #everything: { key: Buffer; value: Buffer | null }[] = []
  #timers = new ShardTimers(this.clock)
  #ids = 0

  constructor() {
    this.commands = new ConsumerCommands({
      contextFor: () => ({
        nowMs: this.clock.nowMs(),
        topics: this.topics,
        settings: this.settings,
        newId: () => `new-${++this.#ids}`,
      }),
      monotonicMs: () => this.clock.monotonicMs(),
      parts: () => this.parts,
    })
    this.parts = {
      now: () => ({
        nowMs: this.clock.nowMs(),
        settings: {
          'group.min.session.timeout.ms': 6000,
          'group.max.session.timeout.ms': 1_800_000,
          'group.initial.rebalance.delay.ms': 3000,
          'group.max.size': 100,
          'offset.metadata.max.bytes': 4096,
          'offsets.retention.minutes': 10_080,
          'offsets.retention.check.interval.ms': 600_000,
        },
      }),
      consumers: this.commands,
    }
  }

  run<Response>(decision: Decision<GroupState, GroupRecord, Response>): Response | undefined {
    const { records = [], effects = [], volatile, response } = decision
    volatile?.(this.state)
    for (const record of records) {
      const bytes = encodeGroupRecord(record)
      this.#everything.push(bytes)
      this.written.push(record)
      applyGroupRecord(this.state, record, outsideTransactions)
    }
    for (const effect of effects) this.#perform(effect)
    if (records.length > 0) this.#check()
    return response
  }

  /** As after a restart of the coordinator. */
  reload(): void {
    this.#timers.cancelAll()
    this.#timers = new ShardTimers(this.clock)
    this.state = this.#replayed()
    for (const group of this.state.groups.values())
      if (group.kind === 'consumer') this.run(this.commands.loaded(group))
  }

  advance(ms: number): void {
    this.clock.advance(ms)
  }

  group(groupId = 'g'): ConsumerGroup | undefined {
    const group = this.state.groups.get(groupId)
    return group?.kind === 'consumer' ? group : undefined
  }

  hasTimer(name: string): boolean {
    return this.#timers.has(name)
  }

  get timerCount(): number {
    return this.#timers.size
  }

  #perform(effect: Effect<GroupState, GroupRecord>): void {
    switch (effect.kind) {
      case 'schedule':
        if (effect.ifAbsent === true && this.#timers.has(effect.timer)) return
        this.#timers.schedule(effect.timer, effect.afterMs, () => {
          this.run(effect.event(this.state))
        })
        return
      case 'cancel':
        this.#timers.cancel(effect.timer)
        return
      case 'answer':
        this.answered.push({ call: effect.call, response: effect.response })
        return
      case 'park':
        throw new Error('Nobody is parked here.')
    }
  }

  #replayed(): GroupState {
    const state = new GroupState(new Timeline())
    for (const { key, value } of this.#everything) {
      const record = decodeGroupRecord(key, value)
      if (record !== null) applyGroupRecord(state, record, outsideTransactions)
    }
    return state
  }

  #check(): void {
    const replayed = this.#replayed()
    assert(
      portrait(this.state, this.topics) === portrait(replayed, this.topics),
      'The state is not what its records say.',
      { state: portrait(this.state, this.topics), replayed: portrait(replayed, this.topics) },
    )
    for (const group of this.state.groups.values()) if (group.kind === 'consumer') checkOwners(group)
  }
}

function portrait(state: GroupState, topics: GroupTopics): string {
  // A classic group that nobody is in yet needs no record.
  const groups = [...state.groups.values()].filter(
    ({ kind, members }) => kind === 'consumer' || members.size > 0,
  )
  return JSON.stringify(
    groups.map(group =>
      group.kind === 'consumer'
        ? [
            describeConsumerGroup(group, topics, ['uniform', 'range']),
            group.metadataHash.toString(),
            group.targetTimestampMs,
            [...group.members.values()].map(({ assigned, pendingRevocation, ...rest }) => [
              rest,
              entries(assigned),
              entries(pendingRevocation),
            ]),
            [...group.expressions],
            [...group.subscribedExpressions],
            [...group.subscribedTopicNames()].sort((a, b) => a.localeCompare(b)),
            group.classicMemberCount,
          ]
        : [group.groupId, group.generation, [...group.members.keys()]],
    ),
  )
}

function entries(owned: ReadonlyMap<Uuid, ReadonlyMap<number, number>>): unknown {
  return [...owned].map(([topicId, epochs]) => [topicId, [...epochs]])
}

/** The one thing that must never happen: two members that may read a partition. */
function checkOwners(group: ConsumerGroup): void {
  const owners = new Map<string, string>()
  for (const member of group.members.values()) {
    for (const owned of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, epochs] of owned) {
        for (const partition of epochs.keys()) {
          const key = `${nameOfTopic(topicId)}-${partition}`
          assert(!owners.has(key), 'A partition has two owners.', {
            key,
            one: owners.get(key),
            other: member.memberId,
          })
          owners.set(key, member.memberId)
          assert(group.ownerEpoch(topicId, partition) === member.memberEpoch, 'An owner is not on record.', {
            key,
          })
        }
      }
    }
  }
}
