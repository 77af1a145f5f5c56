import { arrayOf, int16, int32, int64, string, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Start offsets of share groups; null topics mean all. v1 lag. */
export const describeShareGroupOffsets = defineApi({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  versions: '0-1',
  flexible: '0+',
  request: {
    groups: arrayOf({
      groupId: string(),
      topics: arrayOf(
        {
          topicName: string(),
          partitions: arrayOf(int32()),
        },
        { nullable: '0+' },
      ),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    groups: arrayOf({
      groupId: string(),
      topics: arrayOf({
        topicName: string(),
        topicId: uuid(),
        partitions: arrayOf({
          partitionIndex: int32(),
          startOffset: int64(),
          leaderEpoch: int32(),
          lag: int64('1+', { default: -1, ignorable: true }),
          errorCode: int16(),
          errorMessage: string({ nullable: '0+', default: null }),
        }),
      }),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
    }),
  },
})
