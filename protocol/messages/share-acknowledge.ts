import { arrayOf, bool, int16, int32, int64, int8, string, struct, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Acknowledges records that were acquired: 0 gap, 1 accept, 2 release, 3 reject, 4 renew (v2). */
export const shareAcknowledge = defineApi({
  key: 79,
  name: 'ShareAcknowledge',
  versions: '1-2',
  flexible: '1+',
  request: {
    groupId: string({ nullable: '1+', default: null }),
    memberId: string({ nullable: '1+' }),
    shareSessionEpoch: int32(),
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
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '1+', default: null }),
    acquisitionLockTimeoutMs: int32('2+', { ignorable: true }),
    responses: arrayOf({
      topicId: uuid(),
      partitions: arrayOf({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '1+', default: null }),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32(),
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
