import { arrayOf, int16, int32, int8, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Elects the preferred leader, or from v1 on an unclean one; null means all partitions. */
export const electLeaders = defineApi({
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexible: '2+',
  request: {
    electionType: int8('1+'),
    topicPartitions: arrayOf(
      {
        topic: string(),
        partitions: arrayOf(int32()),
      },
      { nullable: '0+' },
    ),
    timeoutMs: int32({ default: 60_000 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16('1+'),
    replicaElectionResults: arrayOf({
      topic: string(),
      partitionResult: arrayOf({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
      }),
    }),
  },
})
