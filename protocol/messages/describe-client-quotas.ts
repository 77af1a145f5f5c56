import { arrayOf, bool, float64, int16, int32, int8, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Quotas whose entities match; match types are 0 exact, 1 default, 2 any. */
export const describeClientQuotas = defineApi({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: '0-1',
  flexible: '1+',
  request: {
    components: arrayOf({
      entityType: string(),
      matchType: int8(),
      match: string({ nullable: '0+' }),
    }),
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    entries: arrayOf(
      {
        entity: arrayOf({
          entityType: string(),
          entityName: string({ nullable: '0+' }),
        }),
        values: arrayOf({
          key: string(),
          value: float64(),
        }),
      },
      { nullable: '0+' },
    ),
  },
})
