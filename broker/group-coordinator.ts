import { compressionTypes, type Uuid } from '../protocol/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { EndOfTurn } from '../runtime/end-of-turn.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Random } from '../runtime/random.ts'
import { InternalTopicCreation } from './api/internal-topic-creation.ts'
import type { BrokerSettings } from './config/broker-settings.ts'
import type { ControllerClient, NewTopic } from './controller/controller-client.ts'
import { Shards } from './coordinator/shards.ts'
import { type ConsumerGroupsOptions, consumerCommands, ConsumerGroups } from './groups/consumer-groups.ts'
import { groupMetrics, positionsOf } from './groups/group-metrics.ts'
import type { GroupRecord } from './groups/group-records.ts'
import type { GroupParts } from './groups/group-settings.ts'
import { groupShardKind } from './groups/group-shard-kind.ts'
import type { GroupState } from './groups/group-state.ts'
import { groupParts, Groups } from './groups/groups.ts'
import { LagElsewhere, type LagElsewhereOptions, type PlacedPosition } from './groups/lag-elsewhere.ts'
import type { Log } from './log/log.ts'
import { RecordTimes } from './log/record-times.ts'
import type { MetadataImage } from './metadata/image.ts'
import type { Metric } from './metrics/metrics.ts'
import type { Partitions } from './replication/partitions.ts'

/** A larger read would hold up the loop with its copying alone. */
const mostSliceBytes = 1024 * 1024

export const groupsTopic = '__consumer_offsets'

/** The coordinator of groups on this broker: its shards follow the metadata image, its handlers find them. */
export class GroupCoordinator {
  readonly groups: Groups
  readonly consumerGroups: ConsumerGroups
  readonly #shards: Shards<GroupState, GroupRecord>
  readonly #partitions: Partitions
  readonly #clock: Clock
  /** Undefined in a broker alone: it leads everything. */
  readonly #lagElsewhere: LagElsewhere | undefined

  constructor(options: GroupCoordinatorOptions) {
    const { image, settings, clock, random, partitions } = options
    const machine: ConsumerGroupsOptions = { image, settings, clock, random, parts: () => parts }
    const consumers = consumerCommands(machine)
    const parts: GroupParts = groupParts(clock, settings, consumers)
    this.#partitions = partitions
    this.#clock = clock
    this.#shards = new Shards({
      ...options,
      topic: groupsTopic,
      kind: groupShardKind(parts),
      writeTimeoutMs: () => settings()['offsets.commit.timeout.ms'],
      loadSliceBytes: () => Math.min(settings()['offsets.load.buffer.size'], mostSliceBytes),
      compression: () => compressionTypes[settings()['offsets.topic.compression.codec']] ?? 'none',
    })
    this.groups = new Groups({ shards: this.#shards, parts, random })
    this.consumerGroups = new ConsumerGroups(this.#shards, consumers, machine)
    this.#shards.apply(image())
    const { brokerId, askLeader } = options
    if (askLeader === undefined) return
    this.#lagElsewhere = new LagElsewhere({
      positions: () => this.#positions(),
      leaderElsewhere: (topic, partition) => {
        const leader = image().topicsByName.get(topic)?.partitions[partition]?.leader ?? -1
        return leader < 0 || leader === brokerId ? undefined : leader
      },
      ask: askLeader,
      clock,
    })
  }

  /** Called with every image, after the replicas have taken their roles from it. */
  apply(next: MetadataImage, previous: MetadataImage, changedTopics: Iterable<Uuid>): void {
    this.#shards.apply(next)
    const gone: { readonly name: string; readonly id: Uuid }[] = []
    for (const id of changedTopics) {
      const topic = previous.topicsById.get(id)
      if (topic !== undefined && !next.topicsById.has(id)) gone.push({ name: topic.name, id })
    }
    this.groups.topicsDeleted(gone)
  }

  metrics(): Metric[] {
    const times = new RecordTimes()
    const led = (topic: string, partition: number): Log | undefined => {
      const replica = this.#partitions.get(topic, partition)
      return replica?.isLeader === true ? replica.log : undefined
    }
    return groupMetrics({
      shards: () => this.#shards.all(),
      highWatermark: (topic, partition) => led(topic, partition)?.highWatermark,
      timeOfRecord: (topic, partition, offset) => {
        const log = led(topic, partition)
        return log && times.timeOf(log, offset)
      },
      lagElsewhere: (group, topic, partition) => this.#lagElsewhere?.of(group, topic, partition),
      nowMs: () => this.#clock.nowMs(),
    })
  }

  *#positions(): Generator<PlacedPosition, void, undefined> {
    for (const { labels, offset } of positionsOf({ shards: () => this.#shards.all() })) {
      const { consumergroup: group, topic, partition } = labels
      yield { group, topic, partition, offset }
    }
  }

  /** Before the replicas close: everybody who waits is told to look for another coordinator. */
  close(): void {
    this.#lagElsewhere?.stop()
    this.#shards.close()
  }
}

export interface GroupCoordinatorOptions {
  readonly brokerId: number
  readonly image: () => MetadataImage
  readonly settings: () => BrokerSettings
  readonly partitions: Partitions
  readonly clock: Clock
  readonly random: Random
  readonly turn: EndOfTurn
  readonly logger: Logger
  /** Asks another broker of positions in partitions that it leads; undefined: there is no other broker. */
  readonly askLeader: LagElsewhereOptions['ask'] | undefined
}

/** Makes the internal topics that coordinators of this broker need. */
export function internalTopicCreation(options: {
  readonly controller: ControllerClient
  readonly settings: () => BrokerSettings
  readonly clock: Clock
  readonly logger: Logger
}): InternalTopicCreation {
  const { controller, settings, clock, logger } = options
  return new InternalTopicCreation({
    controller,
    clock,
    logger,
    topics: new Map([[groupsTopic, () => shapeOfGroupsTopic(settings())]]),
  })
}

function shapeOfGroupsTopic(settings: BrokerSettings): Omit<NewTopic, 'name' | 'assignments'> {
  return {
    numPartitions: settings['offsets.topic.num.partitions'],
    replicationFactor: settings['offsets.topic.replication.factor'],
    configs: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'producer' },
      { name: 'segment.bytes', value: String(settings['offsets.topic.segment.bytes']) },
    ],
  }
}
