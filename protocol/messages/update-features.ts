import { arrayOf, bool, int16, int32, int8, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Raises or lowers finalized features. v1 upgrade types and validation only, v2 drops the results per
 * feature.
 */
export const updateFeatures = defineApi({
  key: 57,
  name: 'UpdateFeatures',
  versions: '0-2',
  flexible: '0+',
  request: {
    timeoutMs: int32({ default: 60_000 }),
    featureUpdates: arrayOf({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool('0'),
      upgradeType: int8('1+', { default: 1 }),
    }),
    validateOnly: bool('1+', { default: false }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    results: arrayOf(
      {
        feature: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0-1' }),
      },
      '0-1',
      { ignorable: true },
    ),
  },
})
