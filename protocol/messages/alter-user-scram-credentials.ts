import { arrayOf, bytes, int16, int32, int8, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Salted passwords arrive, never the plain ones. Mechanisms: 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
export const alterUserScramCredentials = defineApi({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: '0',
  flexible: '0+',
  request: {
    deletions: arrayOf({
      name: string(),
      mechanism: int8(),
    }),
    upsertions: arrayOf({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    results: arrayOf({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+' }),
    }),
  },
})
