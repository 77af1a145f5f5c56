// Values that a version of a message can carry, made from its declaration.

import fc from 'fast-check'
import type { Message } from '../../protocol/index.ts'
import type { Field, Fields, FieldType, PrimitiveType } from '../../protocol/schema/fields.ts'
import { absentFields, isNullable, type Layout, namedFields } from '../../protocol/schema/layout.ts'
import { contains } from '../../protocol/schema/versions.ts'

const primitives: Readonly<Record<PrimitiveType, fc.Arbitrary<unknown>>> = {
  int8: fc.integer({ min: -0x80, max: 0x7f }),
  int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  uint16: fc.integer({ min: 0, max: 0xffff }),
  int32: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  uint32: fc.integer({ min: 0, max: 0xffff_ffff }),
  int64: fc.maxSafeInteger(),
  int64Saturated: fc.maxSafeInteger(),
  int64Big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float64: fc.double({ noNaN: true }),
  bool: fc.boolean(),
  string: fc.string({ unit: 'grapheme', maxLength: 20 }),
  bytes: fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
  records: fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
  uuid: fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map(bytes => Buffer.from(bytes).toString('base64url')),
}

/** An encodable value of the message; fields that the version lacks are left out, others come with or without a default. */
export function arbitraryMessage(message: Message, version: number): fc.Arbitrary<Record<string, unknown>> {
  return arbitraryStruct(message.fields, { version, flexible: contains(message.flexible, version) })
}

function arbitraryStruct(fields: Fields, layout: Layout): fc.Arbitrary<Record<string, unknown>> {
  const absent = new Set(absentFields(fields, layout).map(({ name }) => name))
  const present = namedFields(fields).filter(({ name }) => !absent.has(name))
  return fc.record(
    Object.fromEntries(present.map(({ name, field }) => [name, arbitraryField(field, layout)])),
  )
}

function arbitraryField(field: Field, layout: Layout): fc.Arbitrary<unknown> {
  const value = arbitraryValue(field.type, layout)
  return isNullable(field, layout) ? fc.option(value, { nil: null }) : value
}

function arbitraryValue(type: FieldType, layout: Layout): fc.Arbitrary<unknown> {
  if (type.kind === 'struct') return arbitraryStruct(type.fields, layout)
  if (type.kind === 'array') return fc.array(arbitraryValue(type.element, layout), { maxLength: 3 })
  return primitives[type.kind]
}
