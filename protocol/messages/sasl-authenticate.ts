import { bytes, int16, int64, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** One SASL message in each direction. v1 session lifetime, v2 flexible. */
export const saslAuthenticate = defineApi({
  key: 36,
  name: 'SaslAuthenticate',
  versions: '0-2',
  flexible: '2+',
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    authBytes: bytes(),
    sessionLifetimeMs: int64('1+', { default: 0, ignorable: true }),
  },
})
