import { arrayOf, int16, int32, int64, string, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** From the group coordinator to the share coordinator: start offsets only. v1 counts completed deliveries. */
export const readShareGroupStateSummary = defineApi({
  key: 87,
  name: 'ReadShareGroupStateSummary',
  versions: '0-1',
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
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32('1+', { default: -1, ignorable: true }),
      }),
    }),
  },
})
