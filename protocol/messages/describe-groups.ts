import { arrayOf, bool, bytes, int16, int32, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Classic groups with their members. v3 authorized operations, v4 static members, v5 flexible, v6 says when a
 * group does not exist.
 */
export const describeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  versions: '0-6',
  flexible: '5+',
  request: {
    groups: arrayOf(string()),
    includeAuthorizedOperations: bool('3+'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    groups: arrayOf({
      errorCode: int16(),
      errorMessage: string('6+', { nullable: '6+', default: null }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: arrayOf({
        memberId: string(),
        groupInstanceId: string('4+', { nullable: '4+', default: null, ignorable: true }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32('3+', { default: -2_147_483_648 }),
    }),
  },
})
