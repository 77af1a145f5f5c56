import type { ErrorName } from '../../protocol/index.ts'
import { errorCode, uuidFromRandom } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { BrokerSettings } from '../config/broker-settings.ts'
import type { Shards } from '../coordinator/shards.ts'
import { configsOf, type MetadataImage } from '../metadata/image.ts'
import type { HeartbeatRequest } from './check-consumer-heartbeat.ts'
import { ConsumerCommands } from './consumer-commands.ts'
import type { ClientIdentity, HeartbeatResponse } from './consumer-heartbeat.ts'
import { consumerSettingsFor } from './consumer-settings.ts'
import { type DescribedGroup, describeConsumerGroup, undescribedGroup } from './describe-consumer-group.ts'
import type { GroupRecord } from './group-records.ts'
import type { GroupParts } from './group-settings.ts'
import type { GroupState } from './group-state.ts'
import { ImageTopics } from './image-topics.ts'

export interface ConsumerGroupsOptions {
  readonly image: () => MetadataImage
  readonly settings: () => BrokerSettings
  readonly clock: Clock
  readonly random: Random
  /** Asked late: the parts know the commands that are made here. */
  readonly parts: () => GroupParts
}

/** The machine of consumer groups with the world around it: the cluster's topics and settings, time and chance. */
export function consumerCommands(options: ConsumerGroupsOptions): ConsumerCommands {
  const { image, settings, clock, random, parts } = options
  const topics = new ImageTopics(image)
  return new ConsumerCommands({
    contextFor: groupId => ({
      nowMs: clock.nowMs(),
      topics: topics.current,
      settings: consumerSettingsFor(configsOf(image(), 'group', groupId), settings()),
      newId: () => uuidFromRandom(size => random.bytes(size)),
    }),
    monotonicMs: () => clock.monotonicMs(),
    parts,
  })
}

/** ConsumerGroupHeartbeat and ConsumerGroupDescribe as their handlers see them. */
export class ConsumerGroups {
  readonly #shards: Pick<Shards<GroupState, GroupRecord>, 'forKey'>
  readonly #options: ConsumerGroupsOptions
  readonly #commands: ConsumerCommands
  readonly #topics: ImageTopics

  constructor(
    shards: Pick<Shards<GroupState, GroupRecord>, 'forKey'>,
    commands: ConsumerCommands,
    options: ConsumerGroupsOptions,
  ) {
    this.#shards = shards
    this.#commands = commands
    this.#options = options
    this.#topics = new ImageTopics(options.image)
  }

  heartbeat(
    request: HeartbeatRequest,
    apiVersion: number,
    client: ClientIdentity,
    answer: (response: HeartbeatResponse) => void,
  ): void {
    const fail = (error: ErrorName): void => answer(failedHeartbeat(error))
    if (!this.#isOn()) return fail('UNSUPPORTED_VERSION')
    const shard = this.#shards.forKey(request.groupId)
    if (typeof shard === 'string') fail(shard)
    else
      shard.run<HeartbeatResponse>({
        decide: state => this.#commands.heartbeat(state, request, apiVersion, client),
        answer,
        fail,
      })
  }

  /** Answers when what it tells is replicated. */
  describe(groupId: string, answer: (group: DescribedGroup) => void): void {
    const fail = (error: ErrorName): void => answer(undescribedGroup(groupId, error))
    const shard = this.#shards.forKey(groupId)
    if (!this.#isOn()) fail('UNSUPPORTED_VERSION')
    else if (groupId === '') fail('INVALID_GROUP_ID')
    else if (typeof shard === 'string') fail(shard)
    else
      shard.run<DescribedGroup>({
        decide: state => ({ response: this.#describe(state, groupId) }),
        answer,
        fail,
      })
  }

  /** The cluster has finalized the protocol, and this broker's settings do not leave it out. */
  #isOn(): boolean {
    const { image, settings } = this.#options
    const isFinalized = (image().features.finalized.get('group.version') ?? 0) >= 1
    return isFinalized && settings()['group.coordinator.rebalance.protocols'].includes('consumer')
  }

  #describe(state: GroupState, groupId: string): DescribedGroup {
    const group = state.groups.get(groupId)
    if (group === undefined)
      return undescribedGroup(groupId, 'GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    if (group.kind !== 'consumer')
      return undescribedGroup(groupId, 'GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`)
    const assignors = this.#options.settings()['group.consumer.assignors']
    return describeConsumerGroup(group, this.#topics.current, assignors)
  }
}

function failedHeartbeat(error: ErrorName): HeartbeatResponse {
  return {
    throttleTimeMs: 0,
    errorCode: errorCode(error),
    errorMessage: null,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
    assignment: null,
  }
}
