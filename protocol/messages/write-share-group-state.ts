import { arrayOf, int16, int32, int64, int8, string, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** From a partition leader to the share coordinator: batches that changed. v1 counts completed deliveries. */
export const writeShareGroupState = defineApi({
  key: 85,
  name: 'WriteShareGroupState',
  versions: '0-1',
  flexible: '0+',
  request: {
    groupId: string(),
    topics: arrayOf({
      topicId: uuid(),
      partitions: arrayOf({
        partition: int32(),
        stateEpoch: int32(),
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32('1+', { default: -1, ignorable: true }),
        stateBatches: arrayOf({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryState: int8(),
          deliveryCount: int16(),
        }),
      }),
    }),
  },
  response: {
    results: arrayOf({
      topicId: uuid(),
      partitions: arrayOf({
        partition: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
      }),
    }),
  },
})
