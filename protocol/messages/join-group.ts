import { arrayOf, bool, bytes, int16, int32, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * A member of a classic group joins or joins again. v1 rebalance timeout; v4 sends a new member away once to
 * come back with its id; v5 static members; v6 flexible; v7 protocol type in the response; v8 reason; v9 lets
 * the leader skip the assignment.
 */
export const joinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  versions: '0-9',
  flexible: '6+',
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32('1+', { default: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: string('5+', { nullable: '5+', default: null }),
    protocolType: string(),
    protocols: arrayOf({
      name: string(),
      metadata: bytes(),
    }),
    reason: string('8+', { nullable: '8+', default: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string('7+', { nullable: '7+', default: null, ignorable: true }),
    protocolName: string({ nullable: '7+' }),
    leader: string(),
    skipAssignment: bool('9+', { default: false }),
    memberId: string(),
    members: arrayOf({
      memberId: string(),
      groupInstanceId: string('5+', { nullable: '5+', default: null, ignorable: true }),
      metadata: bytes(),
    }),
  },
})
