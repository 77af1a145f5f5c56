import { expect, test } from 'vitest'
import { kinds } from '../../../operator/resources/custom-resources.ts'
import {
  field,
  group,
  integer,
  objectName,
  oneOf,
  optionalGroup,
  quantity,
} from '../../../operator/resources/field.ts'
import type { JsonSchema } from '../../../operator/resources/json-schema.ts'
import { structuralSchema } from '../../../operator/resources/structural-schema.ts'

const anObject = (shape: Parameters<typeof group>[0]): JsonSchema => structuralSchema(group(shape), 'Thing')

function* below(schema: JsonSchema, path: string): Generator<[string, JsonSchema]> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    yield [`${path}.${name}`, child]
    yield* below(child.items ?? child, `${path}.${name}`)
  }
}

test.each(kinds)(
  'every field in the spec of a $kind ends with whether a change restarts brokers',
  ({ schema }) => {
    const fields = [...below(schema.properties?.['spec'] ?? {}, 'spec')]
    expect(fields.length).toBeGreaterThan(10)
    for (const [path, { description }] of fields) {
      expect(description, path).toMatch(/Restart: (yes|no|as its fields say|as Kafka does)\.$/)
    }
  },
)

test.each(kinds)('every text, list and map of a $kind that a rule looks at has a bound', ({ schema }) => {
  for (const [path, child] of below(schema, '')) {
    if (child['x-kubernetes-validations'] === undefined) continue
    const isBounded =
      child.type === 'object'
        ? child.additionalProperties === undefined || child.maxProperties !== undefined
        : child.type === 'array'
          ? child.maxItems !== undefined
          : child.type !== 'string' ||
            child.maxLength !== undefined ||
            child.enum !== undefined ||
            /\{1,\d+\}\$$/.test(child.pattern ?? '')
    expect(isBounded, path).toBe(true)
  }
})

test('what may be absent and must not change is watched from the object around it', () => {
  const schema = anObject({
    name: field(objectName().optional(), 'Its name. Restart: no.', 'honoured', { immutable: true }),
  })
  expect(schema['x-kubernetes-validations']).toEqual([
    {
      rule: 'has(self.name) == has(oldSelf.name) && (!has(self.name) || self.name == oldSelf.name)',
      message: 'name cannot be changed',
    },
  ])
})

test('what comes with a later version is refused in a sentence', () => {
  const schema = anObject({
    grow: field(optionalGroup({}), 'Grows. Restart: no.', 'honoured', { later: 'all' }),
    state: field(oneOf(1, 3).default(1), 'One or three. Restart: no.', 'honoured', { later: [3] }),
  })
  expect(schema['x-kubernetes-validations']).toEqual([
    { rule: '!has(self.grow)', message: 'grow is not in this version yet; remove it' },
  ])
  expect(schema.properties?.['state']).toEqual({
    description: 'One or three. Not in this version yet: 3. Restart: no.',
    type: 'integer',
    enum: [1, 3],
    default: 1,
    'x-kubernetes-validations': [{ rule: '!(self in [3])', message: 'state cannot be 3 in this version' }],
  })
})

test('defaults reach through objects that nobody wrote', () => {
  const schema = anObject({
    outer: field(
      group({ size: field(quantity().default('1Gi'), 'Size.'), count: field(integer(1, 5), 'Count.') }),
      'Outer. Restart: yes.',
    ),
  })
  expect(schema.properties?.['outer']).toMatchObject({
    default: { size: '1Gi' }, // whole, for the API server looks at it before it fills in those inside
    required: ['count'],
    properties: {
      size: { default: '1Gi', 'x-kubernetes-int-or-string': true },
      count: { minimum: 1, maximum: 5, description: 'Count. Restart: yes.' },
    },
  })
})

test('a field that does not say whether it restarts brokers is a mistake of ours', () => {
  expect(() => anObject({ name: field(objectName(), 'Its name.') })).toThrow(/restarts brokers/)
})

test('what one applier has as a whole, what elements of lists differ in, and where others tell more, is said', () => {
  const schema = kinds.find(({ kind }) => kind === 'Cluster')?.schema
  const brokers = schema?.properties?.['spec']?.properties?.['brokers']
  const template = brokers?.properties?.['template']?.properties
  expect(template).toMatchObject({
    env: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
    tolerations: { 'x-kubernetes-list-type': 'atomic' },
    topologySpreadConstraints: {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['topologyKey', 'whenUnsatisfiable'],
      items: { properties: { labelSelector: { 'x-kubernetes-map-type': 'atomic' } } },
    },
    securityContext: {
      externalDocs: { url: expect.stringMatching(/#podsecuritycontext-v1-core$/) },
      // Alike otherwise to a list whose elements differ in their names.
      properties: { sysctls: { 'x-kubernetes-list-type': 'atomic' } },
    },
  })
})

test.each(kinds)('nothing of a $kind takes any field whatever', ({ schema }) => {
  for (const [path, child] of below(schema, ''))
    for (const one of [child, child.items])
      if (one?.type === 'object') expect(one.properties ?? one.additionalProperties, path).toBeDefined()
})
