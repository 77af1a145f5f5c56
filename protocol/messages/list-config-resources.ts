import { arrayOf, int16, int32, int8, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/** Resources that have settings: v0 only client metrics, v1 the types that are asked for. */
export const listConfigResources = defineApi({
  key: 74,
  name: 'ListConfigResources',
  versions: '0-1',
  flexible: '0+',
  request: {
    resourceTypes: arrayOf(int8(), '1+'),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: arrayOf({
      resourceName: string(),
      resourceType: int8('1+', { default: 16, ignorable: true }),
    }),
  },
})
