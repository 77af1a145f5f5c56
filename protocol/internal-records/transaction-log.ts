// Transactions in __transaction_state.

import { arrayOf, int16, int32, int64, int8, string, tagged } from '../schema/fields.ts'
import { defineCoordinatorRecord } from './coordinator-record.ts'

/**
 * A transactional id: producer, partitions, where its transaction stands. A null list of partitions is none.
 * v1 is flexible and knows the ids before and after.
 */
export const transactionLogRecord = defineCoordinatorRecord({
  type: 0,
  name: 'TransactionLog',
  versions: '0-1',
  flexible: '1+',
  key: {
    transactionalId: string(),
  },
  value: {
    producerId: int64(),
    previousProducerId: tagged(0, int64('1+', { default: -1 })),
    nextProducerId: tagged(1, int64('1+', { default: -1 })),
    producerEpoch: int16(),
    nextProducerEpoch: tagged(3, int16('1+', { default: -1 })),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: arrayOf(
      {
        topic: string(),
        partitionIds: arrayOf(int32()),
      },
      { nullable: '0+' },
    ),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: tagged(2, int16('1+', { default: 0 })),
  },
})
