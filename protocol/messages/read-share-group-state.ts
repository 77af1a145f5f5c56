import { arrayOf, int16, int32, int64, int8, string, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** From a partition leader to the share coordinator: state of share partitions. */
export const readShareGroupState = defineApi({
  key: 84,
  name: 'ReadShareGroupState',
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string(),
    topics: arrayOf({
      topicId: uuid(),
      partitions: arrayOf({
        partition: int32(),
        leaderEpoch: int32(),
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
        stateEpoch: int32(),
        startOffset: int64(),
        stateBatches: arrayOf({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryState: int8(),
          deliveryCount: int16(),
        }),
      }),
    }),
  },
})
