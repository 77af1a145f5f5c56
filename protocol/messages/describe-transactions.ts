import { arrayOf, int16, int32, int64, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** State of transactions at their coordinator. */
export const describeTransactions = defineApi({
  key: 65,
  name: 'DescribeTransactions',
  versions: '0',
  flexible: '0+',
  request: {
    transactionalIds: arrayOf(string()),
  },
  response: {
    throttleTimeMs: int32(),
    transactionStates: arrayOf({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: arrayOf({
        topic: string(),
        partitions: arrayOf(int32()),
      }),
    }),
  },
})
