import { arrayOf, bytes, int16, int32, int64, int64Saturated, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** v2 flexible, v3 a token for another owner. */
export const createDelegationToken = defineApi({
  key: 38,
  name: 'CreateDelegationToken',
  versions: '1-3',
  flexible: '2+',
  request: {
    ownerPrincipalType: string('3+', { nullable: '3+' }),
    ownerPrincipalName: string('3+', { nullable: '3+' }),
    renewers: arrayOf({
      principalType: string(),
      principalName: string(),
    }),
    maxLifetimeMs: int64Saturated(),
  },
  response: {
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string('3+'),
    tokenRequesterPrincipalName: string('3+'),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32(),
  },
})
