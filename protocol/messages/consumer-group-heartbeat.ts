import { arrayOf, int16, int32, string, struct, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

const topicPartitions = {
  topicId: uuid(),
  partitions: arrayOf(int32()),
}

/**
 * The only request of the newer consumer groups: joining, leaving and reconciling are all heartbeats. Null
 * fields mean: as before. v1 adds subscriptions by pattern, and clients make their own member ids.
 */
export const consumerGroupHeartbeat = defineApi({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: '0-1',
  flexible: '0+',
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: string({ nullable: '0+', default: null }),
    rackId: string({ nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    subscribedTopicNames: arrayOf(string(), { nullable: '0+', default: null }),
    subscribedTopicRegex: string('1+', { nullable: '1+', default: null }),
    serverAssignor: string({ nullable: '0+', default: null }),
    topicPartitions: arrayOf(
      {
        topicId: uuid(),
        partitions: arrayOf(int32()),
      },
      { nullable: '0+', default: null },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    memberId: string({ nullable: '0+', default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct(
      {
        topicPartitions: arrayOf(topicPartitions),
      },
      { nullable: '0+', default: null },
    ),
  },
})
