import { arrayOf, int16, int32, string, struct, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

const topicPartitions = {
  topicId: uuid(),
  partitions: arrayOf(int32()),
}

/** Joining, leaving and reconciling in share groups. Null fields mean: as before. */
export const shareGroupHeartbeat = defineApi({
  key: 76,
  name: 'ShareGroupHeartbeat',
  versions: '1',
  flexible: '1+',
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    rackId: string({ nullable: '1+', default: null }),
    subscribedTopicNames: arrayOf(string(), { nullable: '1+', default: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '1+', default: null }),
    memberId: string({ nullable: '1+', default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct(
      {
        topicPartitions: arrayOf(topicPartitions),
      },
      { nullable: '1+', default: null },
    ),
  },
})
