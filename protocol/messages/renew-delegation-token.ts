import { bytes, int16, int32, int64, int64Saturated } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Prolongs a delegation token, known by its HMAC. */
export const renewDelegationToken = defineApi({
  key: 39,
  name: 'RenewDelegationToken',
  versions: '1-2',
  flexible: '2+',
  request: {
    hmac: bytes(),
    renewPeriodMs: int64Saturated(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
})
