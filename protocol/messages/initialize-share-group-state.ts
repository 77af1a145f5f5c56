import { arrayOf, int16, int32, int64, string, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** From the group coordinator to the share coordinator: a share partition begins. */
export const initializeShareGroupState = defineApi({
  key: 83,
  name: 'InitializeShareGroupState',
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string(),
    topics: arrayOf({
      topicId: uuid(),
      partitions: arrayOf({
        partition: int32(),
        stateEpoch: int32(),
        startOffset: int64(),
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
