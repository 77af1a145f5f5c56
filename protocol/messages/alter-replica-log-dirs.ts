import { arrayOf, int16, int32, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Moves replicas of this broker to another of its log directories. */
export const alterReplicaLogDirs = defineApi({
  key: 34,
  name: 'AlterReplicaLogDirs',
  versions: '1-2',
  flexible: '2+',
  request: {
    dirs: arrayOf({
      path: string(),
      topics: arrayOf({
        name: string(),
        partitions: arrayOf(int32()),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    results: arrayOf({
      topicName: string(),
      partitions: arrayOf({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
})
