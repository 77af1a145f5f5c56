import { arrayOf, bool, int16, int32, int8, string, tagged, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * v4 lets the broker choose partitions and replicas (-1); v5 is flexible and describes what was made; v6
 * answers THROTTLING_QUOTA_EXCEEDED; v7 topic ids.
 */
export const createTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  versions: '2-7',
  flexible: '5+',
  request: {
    topics: arrayOf({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: arrayOf({
        partitionIndex: int32(),
        brokerIds: arrayOf(int32()),
      }),
      configs: arrayOf({
        name: string(),
        value: string({ nullable: '2+' }),
      }),
    }),
    timeoutMs: int32({ default: 60_000 }),
    validateOnly: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32(),
    topics: arrayOf({
      name: string(),
      topicId: uuid('7+', { ignorable: true }),
      errorCode: int16(),
      errorMessage: string({ nullable: '2+' }),
      topicConfigErrorCode: tagged(0, int16('5+', { ignorable: true })),
      numPartitions: int32('5+', { default: -1, ignorable: true }),
      replicationFactor: int16('5+', { default: -1, ignorable: true }),
      configs: arrayOf(
        {
          name: string(),
          value: string({ nullable: '5+' }),
          readOnly: bool(),
          configSource: int8({ default: -1, ignorable: true }),
          isSensitive: bool(),
        },
        '5+',
        { nullable: '5+', ignorable: true },
      ),
    }),
  },
})
