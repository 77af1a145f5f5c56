import { arrayOf, int16, int32, int64, int64Saturated, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Transactions of this coordinator. v1 filters by duration, v2 by a pattern of transactional ids. */
export const listTransactions = defineApi({
  key: 66,
  name: 'ListTransactions',
  versions: '0-2',
  flexible: '0+',
  request: {
    stateFilters: arrayOf(string()),
    producerIdFilters: arrayOf(int64()),
    durationFilter: int64Saturated('1+', { default: -1 }),
    transactionalIdPattern: string('2+', { nullable: '2+', default: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: arrayOf(string()),
    transactionStates: arrayOf({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  },
})
