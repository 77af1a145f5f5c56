import { arrayOf, int16, int32, int64, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Where a leader epoch ends in the leader's log: how followers and consumers notice a truncation. */
export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: '2-4',
  flexible: '4+',
  request: {
    replicaId: int32('3+', { default: -2, ignorable: true }),
    topics: arrayOf({
      topic: string(),
      partitions: arrayOf({
        partition: int32(),
        currentLeaderEpoch: int32({ default: -1 }),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    topics: arrayOf({
      topic: string(),
      partitions: arrayOf({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ default: -1 }),
        endOffset: int64({ default: -1 }),
      }),
    }),
  },
})
