import {
  arrayOf,
  int16,
  int32,
  int64,
  int64Big,
  int8,
  records,
  string,
  struct,
  tagged,
  uuid,
} from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Reads record batches, for consumers and followers alike. v5 log start offset; v7 sessions; v9 leader epoch;
 * v10 zstd; v11 rack and preferred replica; v12 is flexible and tells where logs diverge; v13 names topics by
 * id; v15 puts who the follower is into a tag; v16 sends new leaders along; v17 directory id; v18 the
 * follower's high watermark.
 */
export const fetch = defineApi({
  key: 1,
  name: 'Fetch',
  versions: '4-18',
  flexible: '12+',
  request: {
    clusterId: tagged(0, string('12+', { nullable: '12+', default: null, ignorable: true })),
    replicaId: int32('4-14', { default: -1 }),
    replicaState: tagged(
      1,
      struct(
        {
          replicaId: int32({ default: -1 }),
          replicaEpoch: int64({ default: -1 }),
        },
        '15+',
      ),
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 2_147_483_647 }),
    isolationLevel: int8({ default: 0 }),
    sessionId: int32('7+', { default: 0, ignorable: true }),
    sessionEpoch: int32('7+', { default: -1, ignorable: true }),
    topics: arrayOf({
      topic: string('4-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: arrayOf({
        partition: int32(),
        currentLeaderEpoch: int32('9+', { default: -1, ignorable: true }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32('12+', { default: -1 }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: tagged(0, uuid('17+', { ignorable: true })),
        highWatermark: tagged(1, int64Big('18+', { default: 9_223_372_036_854_775_807n, ignorable: true })),
      }),
    }),
    forgottenTopicsData: arrayOf(
      {
        topic: string('7-12', { ignorable: true }),
        topicId: uuid('13+', { ignorable: true }),
        partitions: arrayOf(int32()),
      },
      '7+',
    ),
    rackId: string('11+', { default: '', ignorable: true }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16('7+', { ignorable: true }),
    sessionId: int32('7+', { default: 0 }),
    responses: arrayOf({
      topic: string('4-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: arrayOf({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ default: -1 }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        divergingEpoch: tagged(
          0,
          struct(
            {
              epoch: int32({ default: -1 }),
              endOffset: int64({ default: -1 }),
            },
            '12+',
          ),
        ),
        currentLeader: tagged(
          1,
          struct(
            {
              leaderId: int32({ default: -1 }),
              leaderEpoch: int32({ default: -1 }),
            },
            '12+',
          ),
        ),
        snapshotId: tagged(
          2,
          struct(
            {
              endOffset: int64({ default: -1 }),
              epoch: int32({ default: -1 }),
            },
            '12+',
          ),
        ),
        abortedTransactions: arrayOf(
          {
            producerId: int64(),
            firstOffset: int64(),
          },
          { nullable: '4+' },
        ),
        preferredReadReplica: int32('11+', { default: -1 }),
        records: records({ nullable: '4+' }),
      }),
    }),
    nodeEndpoints: tagged(
      0,
      arrayOf(
        {
          nodeId: int32(),
          host: string(),
          port: int32(),
          rack: string({ nullable: '16+', default: null }),
        },
        '16+',
      ),
    ),
  },
})
