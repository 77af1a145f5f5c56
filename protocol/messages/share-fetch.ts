import { arrayOf, bool, int16, int32, int64, int8, records, string, struct, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Acquires records for a share group's member, and acknowledges earlier ones on the way. v2 acquire modes and
 * renewals.
 */
export const shareFetch = defineApi({
  key: 78,
  name: 'ShareFetch',
  versions: '1-2',
  flexible: '1+',
  request: {
    groupId: string({ nullable: '1+', default: null }),
    memberId: string({ nullable: '1+' }),
    shareSessionEpoch: int32(),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 2_147_483_647 }),
    maxRecords: int32(),
    batchSize: int32(),
    shareAcquireMode: int8('2+', { default: 0, ignorable: true }),
    isRenewAck: bool('2+', { default: false }),
    topics: arrayOf({
      topicId: uuid(),
      partitions: arrayOf({
        partitionIndex: int32(),
        acknowledgementBatches: arrayOf({
          firstOffset: int64(),
          lastOffset: int64(),
          acknowledgeTypes: arrayOf(int8()),
        }),
      }),
    }),
    forgottenTopicsData: arrayOf({
      topicId: uuid(),
      partitions: arrayOf(int32()),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '1+', default: null }),
    acquisitionLockTimeoutMs: int32(),
    responses: arrayOf({
      topicId: uuid(),
      partitions: arrayOf({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '1+', default: null }),
        acknowledgeErrorCode: int16(),
        acknowledgeErrorMessage: string({ nullable: '1+', default: null }),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32(),
        }),
        records: records(),
        acquiredRecords: arrayOf({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryCount: int16(),
        }),
      }),
    }),
    nodeEndpoints: arrayOf({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: '1+', default: null }),
    }),
  },
})
