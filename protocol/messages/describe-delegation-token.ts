import { arrayOf, bytes, int16, int32, int64, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Delegation tokens of the owners named, or all that the caller may see. v3 who asked for the token. */
export const describeDelegationToken = defineApi({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: '1-3',
  flexible: '2+',
  request: {
    owners: arrayOf(
      {
        principalType: string(),
        principalName: string(),
      },
      { nullable: '1+' },
    ),
  },
  response: {
    errorCode: int16(),
    tokens: arrayOf({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string('3+'),
      tokenRequesterPrincipalName: string('3+'),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: arrayOf({
        principalType: string(),
        principalName: string(),
      }),
    }),
    throttleTimeMs: int32(),
  },
})
