import { arrayOf, int16, int32, int64, int64Saturated, int8, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Finds offsets by time: -1 latest, -2 earliest, -3 the largest timestamp (v7), -4 earliest local (v8), -5
 * latest tiered (v9), -6 earliest pending upload (v11). v2 isolation level, v4 leader epoch, v6 flexible, v10
 * timeout.
 */
export const listOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  versions: '1-11',
  flexible: '6+',
  request: {
    replicaId: int32(),
    isolationLevel: int8('2+'),
    topics: arrayOf({
      name: string(),
      partitions: arrayOf({
        partitionIndex: int32(),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: int64Saturated(),
      }),
    }),
    timeoutMs: int32('10+', { ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: arrayOf({
      name: string(),
      partitions: arrayOf({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ default: -1 }),
        offset: int64({ default: -1 }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
})
