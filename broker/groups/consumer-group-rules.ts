import { checkConsumerCommit, checkConsumerFetch } from './check-consumer-commit.ts'
import { consumerProtocolType } from './classic-group.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { groupTombstones } from './consumer-group-records.ts'
import type { GroupRules } from './group-rules.ts'

export const consumerGroupRules: GroupRules<ConsumerGroup> = {
  type: 'consumer',
  stateName: group => group.state,
  protocolType: () => consumerProtocolType,
  memberCount: group => group.members.size,
  checkCommit: (group, { memberId, generation, apiVersion, isTransactional }) =>
    checkConsumerCommit(group, { memberId, memberEpoch: generation, apiVersion, isTransactional }),
  // Only heartbeats keep its members alive.
  effectsOfCommit: () => [],
  checkOffsetFetch: checkConsumerFetch,
  isSubscribedTo: (group, topic) => group.isSubscribedTo(topic),
  checkOffsetDelete: () => 'NONE',
  checkDelete: group => (group.members.size === 0 ? 'NONE' : 'NON_EMPTY_GROUP'),
  offsetsExpireSince: () => 'commit',
  tombstones: groupTombstones,
  loaded: (group, parts) => parts.consumers.loaded(group),
}
