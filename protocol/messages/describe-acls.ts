import { arrayOf, int16, int32, int8, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Access rules that match a filter. v1 pattern types, v2 flexible, v3 user resources. */
export const describeAcls = defineApi({
  key: 29,
  name: 'DescribeAcls',
  versions: '1-3',
  flexible: '2+',
  request: {
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: '1+' }),
    patternTypeFilter: int8({ default: 3 }),
    principalFilter: string({ nullable: '1+' }),
    hostFilter: string({ nullable: '1+' }),
    operation: int8(),
    permissionType: int8(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '1+' }),
    resources: arrayOf({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ default: 3 }),
      acls: arrayOf({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})
