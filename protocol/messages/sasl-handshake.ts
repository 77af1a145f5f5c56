import { arrayOf, int16, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Chooses a SASL mechanism. After v0 raw SASL tokens follow, after v1 SaslAuthenticate requests. */
export const saslHandshake = defineApi({
  key: 17,
  name: 'SaslHandshake',
  versions: '0-1',
  flexible: 'none',
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: arrayOf(string()),
  },
})
