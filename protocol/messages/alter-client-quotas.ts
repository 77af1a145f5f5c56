import { arrayOf, bool, float64, int16, int32, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Sets or removes quotas of entities; a null entity name is the default one. */
export const alterClientQuotas = defineApi({
  key: 49,
  name: 'AlterClientQuotas',
  versions: '0-1',
  flexible: '1+',
  request: {
    entries: arrayOf({
      entity: arrayOf({
        entityType: string(),
        entityName: string({ nullable: '0+' }),
      }),
      ops: arrayOf({
        key: string(),
        value: float64(),
        remove: bool(),
      }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    entries: arrayOf({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+' }),
      entity: arrayOf({
        entityType: string(),
        entityName: string({ nullable: '0+' }),
      }),
    }),
  },
})
