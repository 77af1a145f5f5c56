import { bytes, int16, int32, int64, int64Saturated } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Ends a delegation token: at once if the period is negative. */
export const expireDelegationToken = defineApi({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: '1-2',
  flexible: '2+',
  request: {
    hmac: bytes(),
    expiryTimePeriodMs: int64Saturated(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
})
