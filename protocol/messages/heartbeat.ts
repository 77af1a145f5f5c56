import { int16, int32, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** A member of a classic group is alive. v3 static members, v4 flexible. */
export const heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  versions: '0-4',
  flexible: '4+',
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16(),
  },
})
