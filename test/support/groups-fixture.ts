import { ConsumerCommands } from '../../broker/groups/consumer-commands.ts'
import type { JoinRequested } from '../../broker/groups/classic-join.ts'
import type { JoinReply, SyncReply } from '../../broker/groups/classic-step.ts'
import type { CommitReply } from '../../broker/groups/commit-offsets.ts'
import type { GroupRecord } from '../../broker/groups/group-records.ts'
import type { GroupParts, GroupSettings } from '../../broker/groups/group-settings.ts'
import { groupShardKind } from '../../broker/groups/group-shard-kind.ts'
import type { GroupState } from '../../broker/groups/group-state.ts'
import { groupParts, Groups } from '../../broker/groups/groups.ts'
import { Shard } from '../../broker/coordinator/shard.ts'
import { type ErrorName, type Uuid, zeroUuid } from '../../protocol/index.ts'
import { EndOfTurn } from '../../runtime/end-of-turn.ts'
import { silentLogger } from '../../runtime/logger.ts'
import { seededRandom } from '../../runtime/random.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeShardLog } from './fake-shard-log.ts'
import { until } from './until.ts'

export const testGroupSettings: GroupSettings = {
  'group.min.session.timeout.ms': 6000,
  'group.max.session.timeout.ms': 1_800_000,
  'group.initial.rebalance.delay.ms': 3000,
  'group.max.size': 2 ** 31 - 1,
  'offset.metadata.max.bytes': 4096,
  'offsets.retention.minutes': 10_080,
  'offsets.retention.check.interval.ms': 600_000,
}

/** A group coordinator with one shard over a partition in memory. */
export class GroupsFixture {
  readonly clock: FakeClock
  readonly log: FakeShardLog
  readonly turn = new EndOfTurn(() => undefined)
  readonly shard: Shard<GroupState, GroupRecord>
  readonly groups: Groups
  settings: GroupSettings
  /** What forKey answers in the place of the shard. */
  elsewhere: ErrorName | undefined

  private constructor(log: FakeShardLog, clock: FakeClock, settings: GroupSettings) {
    this.log = log
    this.clock = clock
    this.settings = settings
    const consumers: ConsumerCommands = new ConsumerCommands({
      contextFor: () => {
        throw new Error('There are no consumer groups in this test.')
      },
      monotonicMs: () => clock.monotonicMs(),
      parts: () => parts,
    })
    const parts: GroupParts = groupParts(clock, () => this.settings, consumers)
    this.shard = new Shard({
      kind: groupShardKind(parts),
      log,
      epoch: 1,
      clock,
      turn: this.turn,
      logger: silentLogger,
      writeTimeoutMs: () => 5000,
      loadSliceBytes: () => 1_000_000,
      compression: () => 'none',
    })
    const shards = {
      forKey: (): Shard<GroupState, GroupRecord> | ErrorName => this.elsewhere ?? this.shard,
      all: () => [this.shard],
    }
    this.groups = new Groups({ shards, parts, random: seededRandom(1) })
  }

  static loading(
    log = new FakeShardLog(),
    clock = new FakeClock(),
    settings = testGroupSettings,
  ): GroupsFixture {
    return new GroupsFixture(log, clock, settings)
  }

  static async start(
    log = new FakeShardLog(),
    clock = new FakeClock(),
    settings = testGroupSettings,
  ): Promise<GroupsFixture> {
    const fixture = new GroupsFixture(log, clock, settings)
    await until(() => fixture.shard.status === 'active', 'the shard has loaded')
    return fixture
  }

  /** Another broker takes over what is in the log. Time goes on. */
  async restart(): Promise<GroupsFixture> {
    this.turn.flush()
    this.shard.close()
    return GroupsFixture.start(this.log.reopened(), this.clock, this.settings)
  }

  get state(): GroupState {
    const { state } = this.shard
    if (state === undefined) throw new Error('The shard has no state.')
    return state
  }

  join(groupId: string, given: Partial<JoinRequested> = {}): Later<JoinReply> {
    const later = new Later<JoinReply>()
    const event = {
      memberId: '',
      instanceId: null,
      clientId: 'app',
      clientHost: '/10.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: new Map([['range', Buffer.from('wants')]]),
      mustKnowItsId: false,
      maySkipAssignment: true,
      ...given,
    }
    this.groups.joinGroup(groupId, event, later.take)
    return later
  }

  sync(
    groupId: string,
    memberId: string,
    generation: number,
    assignments: Record<string, string> = {},
  ): Later<SyncReply> {
    const later = new Later<SyncReply>()
    this.groups.syncGroup(
      groupId,
      {
        memberId,
        instanceId: null,
        generation,
        protocolType: null,
        protocol: null,
        assignments: new Map(Object.entries(assignments).map(([id, text]) => [id, Buffer.from(text)])),
      },
      later.take,
    )
    return later
  }

  heartbeat(groupId: string, memberId: string, generation: number): Later<ErrorName> {
    const later = new Later<ErrorName>()
    this.groups.heartbeat(groupId, { memberId, instanceId: null, generation }, later.take)
    return later
  }

  leave(groupId: string, ...memberIds: readonly string[]): Later<unknown> {
    const later = new Later<unknown>()
    this.groups.leaveGroup(
      groupId,
      memberIds.map(memberId => ({ memberId, instanceId: null })),
      later.take,
    )
    return later
  }

  commit(
    groupId: string,
    offsets: readonly {
      topic: string
      partition: number
      offset: number
      metadata?: string
      topicId?: Uuid
    }[],
    given: {
      memberId?: string
      generation?: number
      apiVersion?: number
      retentionMs?: number
      producerId?: number
    } = {},
  ): Later<CommitReply> {
    const later = new Later<CommitReply>()
    const { memberId = '', generation = -1, apiVersion = 9, retentionMs = -1, producerId } = given
    this.groups.commitOffsets(
      {
        groupId,
        identity: {
          memberId,
          instanceId: null,
          generation,
          apiVersion,
          isTransactional: producerId !== undefined,
        },
        offsets: offsets.map(({ metadata = '', topicId = zeroUuid, ...rest }) => ({
          ...rest,
          metadata,
          topicId,
          leaderEpoch: 5,
        })),
        retentionMs,
        ...(producerId === undefined ? {} : { transaction: { producerId, producerEpoch: 0 } }),
      },
      later.take,
    )
    return later
  }

  /** `topic-partition` → offset of what readers see; an error in its place. */
  fetch(
    groupId: string,
    names: readonly string[] | null = null,
    requireStable = false,
  ): Record<string, number | string> {
    const topics =
      names?.map(name => {
        const [topic = '', partition] = name.split('-')
        return { name: topic, topicId: zeroUuid, partitions: [Number(partition)] }
      }) ?? null
    const found = this.groups.fetchOffsets({
      groupId,
      topics,
      requireStable,
      member: { id: null, epoch: -1 },
    })
    if (found.error !== 'NONE') return { error: found.error }
    return Object.fromEntries(
      found.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partition, offset, error }) => [
          `${name}-${partition}`,
          error === 'NONE' ? offset : error,
        ]),
      ),
    )
  }

  /** One member in a settled group. */
  settle(groupId: string, memberCount = 1, given: Partial<JoinRequested> = {}): readonly string[] {
    const joins = Array.from({ length: memberCount }, () => this.join(groupId, given))
    this.turn.flush()
    for (let rounds = 0; rounds < 100 && joins[0]?.now === undefined; rounds++) {
      this.clock.advance(3000)
      this.turn.flush()
    }
    const ids = joins.map(join => join.value.memberId)
    const [first] = joins
    const { generation = 0, leader = '' } = first?.value ?? {}
    const assignments = Object.fromEntries(ids.map((id, index) => [id, `part ${index}`]))
    for (const id of ids) if (id !== leader) this.sync(groupId, id, generation)
    this.sync(groupId, leader, generation, assignments)
    this.turn.flush()
    return ids
  }
}

/** An answer that may not have come yet. */
export class Later<Value> {
  readonly #values: Value[] = []
  readonly take = (value: Value): void => {
    if (this.#values.push(value) > 1) throw new Error('Answered twice.')
  }

  /** Undefined while there is none. */
  get now(): Value | undefined {
    return this.#values[0]
  }

  get value(): Value {
    if (this.#values.length === 0) throw new Error('There is no answer yet.')
    return this.#values[0]!
  }
}
