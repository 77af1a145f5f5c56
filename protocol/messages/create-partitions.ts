import { arrayOf, bool, int16, int32, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Raises a topic's number of partitions. v3 answers THROTTLING_QUOTA_EXCEEDED. */
export const createPartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  request: {
    topics: arrayOf({
      name: string(),
      count: int32(),
      assignments: arrayOf(
        {
          brokerIds: arrayOf(int32()),
        },
        { nullable: '0+' },
      ),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    results: arrayOf({
      name: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
    }),
  },
})
