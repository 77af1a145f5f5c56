import { arrayOf, int16, int32, int64, records, string, struct, tagged, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Appends record batches. v7 allows zstd; v8 tells which records were refused and why; v9 is flexible; v10
 * sends the new leader along with NOT_LEADER_OR_FOLLOWER; v12 adds partitions to the transaction by itself;
 * v13 names topics by id. With `acks` 0 there is no response at all.
 */
export const produce = defineApi({
  key: 0,
  name: 'Produce',
  versions: '3-13',
  flexible: '9+',
  request: {
    transactionalId: string({ nullable: '3+', default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: arrayOf({
      name: string('3-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionData: arrayOf({
        index: int32(),
        records: records({ nullable: '3+' }),
      }),
    }),
  },
  response: {
    responses: arrayOf({
      name: string('3-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionResponses: arrayOf({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ default: -1 }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        recordErrors: arrayOf(
          {
            batchIndex: int32(),
            batchIndexErrorMessage: string({ nullable: '8+', default: null }),
          },
          '8+',
          { ignorable: true },
        ),
        errorMessage: string('8+', { nullable: '8+', default: null, ignorable: true }),
        currentLeader: tagged(
          0,
          struct(
            {
              leaderId: int32({ default: -1 }),
              leaderEpoch: int32({ default: -1 }),
            },
            '10+',
          ),
        ),
      }),
    }),
    throttleTimeMs: int32({ default: 0 }),
    nodeEndpoints: tagged(
      0,
      arrayOf(
        {
          nodeId: int32(),
          host: string(),
          port: int32(),
          rack: string({ nullable: '10+', default: null }),
        },
        '10+',
      ),
    ),
  },
})
