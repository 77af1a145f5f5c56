import { arrayOf, bool, int16, int32, int64, int8, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * From the transaction coordinator to partition leaders: write commit or abort markers. v2 tells the version
 * of the transaction protocol.
 */
export const writeTxnMarkers = defineApi({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: '1-2',
  flexible: '1+',
  request: {
    markers: arrayOf({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: arrayOf({
        name: string(),
        partitionIndexes: arrayOf(int32()),
      }),
      coordinatorEpoch: int32(),
      transactionVersion: int8('2+', { default: 0, ignorable: true }),
    }),
  },
  response: {
    markers: arrayOf({
      producerId: int64(),
      topics: arrayOf({
        name: string(),
        partitions: arrayOf({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    }),
  },
})
