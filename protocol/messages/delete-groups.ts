import { arrayOf, int16, int32, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Each group succeeds or fails alone. */
export const deleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  versions: '0-2',
  flexible: '2+',
  request: {
    groupsNames: arrayOf(string()),
  },
  response: {
    throttleTimeMs: int32(),
    results: arrayOf({
      groupId: string(),
      errorCode: int16(),
    }),
  },
})
