import { int16, int32, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Forgets a broker that will not come back. */
export const unregisterBroker = defineApi({
  key: 64,
  name: 'UnregisterBroker',
  versions: '0',
  flexible: '0+',
  request: {
    brokerId: int32(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
  },
})
