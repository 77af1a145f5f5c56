import { expect, test } from 'vitest'
import { customResourceDefinition, kinds } from '../../../operator/resources/custom-resources.ts'
import { declaredFields, type Schema } from '../../../operator/resources/declared-fields.ts'

const schema: Schema = {
  properties: {
    name: {},
    etcd: { properties: { ready: {} } },
    brokers: { items: { properties: { id: {} } } },
    labels: { additionalProperties: {} },
    hosts: { additionalProperties: { properties: { port: {} } } },
    any: { 'x-kubernetes-preserve-unknown-fields': true },
  },
}

test('what is declared stays as it is', () => {
  const value = {
    name: 'a',
    etcd: { ready: 0 },
    brokers: [{ id: 0 }, { id: 1 }],
    labels: { x: 'y' },
    hosts: { a: { port: 1 } },
    any: { thing: [1] },
  }
  expect(declaredFields(schema, value)).toEqual(value)
})

test('what is not declared goes, at every depth', () => {
  const value = {
    kind: 'new',
    etcd: { ready: 0, members: 3 },
    brokers: [{ id: 0, zone: 'a' }],
    hosts: { a: { port: 1, name: 'a' } },
  }
  expect(declaredFields(schema, value)).toEqual({
    etcd: { ready: 0 },
    brokers: [{ id: 0 }],
    hosts: { a: { port: 1 } },
  })
})

test('absent parts stay absent', () => {
  expect(declaredFields(schema, undefined)).toBeUndefined()
  expect(declaredFields(schema, { name: null })).toEqual({ name: null })
})

test.each(kinds)('our own definition of $kind declares conditions', kind => {
  const definition = customResourceDefinition(kind) as unknown as {
    readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }] }
  }
  const status = { conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', message: '.' }], other: 1 }
  const { conditions } = status
  const own = definition.spec.versions[0].schema.openAPIV3Schema.properties?.['status'] ?? {}
  expect(declaredFields(own, status)).toEqual({ conditions })
})
