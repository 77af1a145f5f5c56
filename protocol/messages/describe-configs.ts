import { arrayOf, bool, int16, int32, int8, string } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

/**
 * Settings of topics, brokers, groups and clients. v1 sources and synonyms, v3 types and documentation, v4
 * flexible.
 */
export const describeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  versions: '1-4',
  flexible: '4+',
  request: {
    resources: arrayOf({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: arrayOf(string(), { nullable: '1+' }),
    }),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool('3+', { default: false }),
  },
  response: {
    throttleTimeMs: int32(),
    results: arrayOf({
      errorCode: int16(),
      errorMessage: string({ nullable: '1+' }),
      resourceType: int8(),
      resourceName: string(),
      configs: arrayOf({
        name: string(),
        value: string({ nullable: '1+' }),
        readOnly: bool(),
        configSource: int8({ default: -1 }),
        isSensitive: bool(),
        synonyms: arrayOf({
          name: string(),
          value: string({ nullable: '1+' }),
          source: int8(),
        }),
        configType: int8('3+', { default: 0, ignorable: true }),
        documentation: string('3+', { nullable: '3+', ignorable: true }),
      }),
    }),
  },
})
