import { arrayOf, int16, int32, int8, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Deletes all rules that match any of the filters, and tells which. v1 pattern types, v2 flexible, v3 user
 * resources.
 */
export const deleteAcls = defineApi({
  key: 31,
  name: 'DeleteAcls',
  versions: '1-3',
  flexible: '2+',
  request: {
    filters: arrayOf({
      resourceTypeFilter: int8(),
      resourceNameFilter: string({ nullable: '1+' }),
      patternTypeFilter: int8({ default: 3 }),
      principalFilter: string({ nullable: '1+' }),
      hostFilter: string({ nullable: '1+' }),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    filterResults: arrayOf({
      errorCode: int16(),
      errorMessage: string({ nullable: '1+' }),
      matchingAcls: arrayOf({
        errorCode: int16(),
        errorMessage: string({ nullable: '1+' }),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})
