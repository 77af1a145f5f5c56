import { arrayOf, int16, int32, string, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** From the group coordinator to the share coordinator: share partitions end. */
export const deleteShareGroupState = defineApi({
  key: 86,
  name: 'DeleteShareGroupState',
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string(),
    topics: arrayOf({
      topicId: uuid(),
      partitions: arrayOf({
        partition: int32(),
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
