import { arrayOf, bool, int16, int32, int64, string, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Reads positions of a group; null topics (v2) mean all of them. v5 leader epoch; v6 flexible; v7 waits for
 * open transactions on request; v8 asks for several groups at once, in fields of their own; v9 member id and
 * epoch; v10 names topics by id.
 */
export const offsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  versions: '1-10',
  flexible: '6+',
  request: {
    groupId: string('1-7'),
    topics: arrayOf(
      {
        name: string(),
        partitionIndexes: arrayOf(int32()),
      },
      '1-7',
      { nullable: '2-7' },
    ),
    groups: arrayOf(
      {
        groupId: string(),
        memberId: string('9+', { nullable: '9+', default: null, ignorable: true }),
        memberEpoch: int32('9+', { default: -1, ignorable: true }),
        topics: arrayOf(
          {
            name: string('8-9', { ignorable: true }),
            topicId: uuid('10+', { ignorable: true }),
            partitionIndexes: arrayOf(int32()),
          },
          { nullable: '8+' },
        ),
      },
      '8+',
    ),
    requireStable: bool('7+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: arrayOf(
      {
        name: string(),
        partitions: arrayOf({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32('5-7', { default: -1, ignorable: true }),
          metadata: string({ nullable: '1-7' }),
          errorCode: int16(),
        }),
      },
      '1-7',
    ),
    errorCode: int16('2-7', { default: 0, ignorable: true }),
    groups: arrayOf(
      {
        groupId: string(),
        topics: arrayOf({
          name: string('8-9', { ignorable: true }),
          topicId: uuid('10+', { ignorable: true }),
          partitions: arrayOf({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1, ignorable: true }),
            metadata: string({ nullable: '8+' }),
            errorCode: int16(),
          }),
        }),
        errorCode: int16({ default: 0 }),
      },
      '8+',
    ),
  },
})
