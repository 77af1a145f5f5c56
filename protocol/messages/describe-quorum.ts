import { arrayOf, int16, int32, int64, string, uint16, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

const replicaState = {
  replicaId: int32(),
  replicaDirectoryId: uuid('2+'),
  logEndOffset: int64(),
  lastFetchTimestamp: int64('1+', { default: -1, ignorable: true }),
  lastCaughtUpTimestamp: int64('1+', { default: -1, ignorable: true }),
}

/** State of the metadata quorum. v1 times of the replicas, v2 directory ids and endpoints. */
export const describeQuorum = defineApi({
  key: 55,
  name: 'DescribeQuorum',
  versions: '0-2',
  flexible: '0+',
  request: {
    topics: arrayOf({
      topicName: string(),
      partitions: arrayOf({
        partitionIndex: int32(),
      }),
    }),
  },
  response: {
    errorCode: int16(),
    errorMessage: string('2+', { nullable: '2+', ignorable: true }),
    topics: arrayOf({
      topicName: string(),
      partitions: arrayOf({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('2+', { nullable: '2+', ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: arrayOf(replicaState),
        observers: arrayOf(replicaState),
      }),
    }),
    nodes: arrayOf(
      {
        nodeId: int32(),
        listeners: arrayOf({
          name: string(),
          host: string(),
          port: uint16(),
        }),
      },
      '2+',
    ),
  },
})
