import { arrayOf, int16, int32, string, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** By name up to v5, by name or id from v6 on, in a field of its own. v4 flexible, v5 error messages. */
export const deleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  versions: '1-6',
  flexible: '4+',
  request: {
    topics: arrayOf(
      {
        name: string({ nullable: '6+', default: null }),
        topicId: uuid(),
      },
      '6+',
    ),
    topicNames: arrayOf(string(), '1-5', { ignorable: true }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32(),
    responses: arrayOf({
      name: string({ nullable: '6+' }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16(),
      errorMessage: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
})
