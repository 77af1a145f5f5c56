import { arrayOf, int16, int32, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Groups that this broker coordinates. v3 flexible, v4 filters by state, v5 filters by type. */
export const listGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  versions: '0-5',
  flexible: '3+',
  request: {
    statesFilter: arrayOf(string(), '4+'),
    typesFilter: arrayOf(string(), '5+'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16(),
    groups: arrayOf({
      groupId: string(),
      protocolType: string(),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true }),
    }),
  },
})
