import { arrayOf, int16, int32, int64, int64Saturated, string, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Stores positions of a group. Up to v4 with a retention time; v6 leader epoch; v7 static members; v8
 * flexible; v9 also for the newer consumer groups, whose member epoch travels as the generation; v10 names
 * topics by id.
 */
export const offsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  versions: '2-10',
  flexible: '8+',
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1 }),
    memberId: string(),
    groupInstanceId: string('7+', { nullable: '7+', default: null }),
    retentionTimeMs: int64Saturated('2-4', { default: -1, ignorable: true }),
    topics: arrayOf({
      name: string('2-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: arrayOf({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32('6+', { default: -1, ignorable: true }),
        committedMetadata: string({ nullable: '2+' }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: arrayOf({
      name: string('2-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: arrayOf({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
})
