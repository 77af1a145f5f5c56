// Source of the function that encodes one version of a message; see decode-source.ts for why it is source.

import type { Field, Fields, FieldType } from './fields.ts'
import {
  addFunction,
  absentFields,
  accessor,
  defaultOf,
  isMeasured,
  isNullable,
  type Layout,
  namedFields,
  orderedFields,
  sourceOf,
  taggedFields,
} from './layout.ts'

/**
 * A function body that returns `encode(writer, value)`. Expects `emptyBytes`, `emptyList`, `emptyStruct`, and
 * `refuseNull(field)` and `refuseField(field)`, which throw.
 */
export function encodeSource(fields: Fields, layout: Layout): string {
  const functions: string[] = []
  const encode = structEncoder(fields, layout, functions)
  return `'use strict'\n${functions.join('\n')}\nreturn ${encode}`
}

function structEncoder(fields: Fields, layout: Layout, functions: string[]): string {
  const lines: string[] = []
  for (const { name, field } of absentFields(fields, layout)) {
    if (field.ignorable) continue
    lines.push(take(name, field))
    lines.push(`if (!(${isDefault(name, field, functions)})) refuseField(${JSON.stringify(name)})`)
  }
  for (const { name, field } of orderedFields(fields, layout)) {
    lines.push(take(name, field), ...fieldEncoder(name, field, layout, functions))
  }
  if (layout.flexible) lines.push(...tagSection(fields, layout, functions))
  return addFunction(functions, 'struct', 'writer, value', lines)
}

function tagSection(fields: Fields, layout: Layout, functions: string[]): string[] {
  const byTag = taggedFields(fields, layout)
  if (byTag.length === 0) return ['writer.unsignedVarint(0)']
  const lines = byTag.flatMap(({ name, field }) => [
    take(name, field),
    `const has_${name} = !(${isDefault(name, field, functions)})`,
  ])
  lines.push(`writer.unsignedVarint(${byTag.map(({ name }) => `(has_${name} ? 1 : 0)`).join(' + ')})`)
  for (const { name, field, tag } of byTag) {
    lines.push(`if (has_${name}) {`, `writer.unsignedVarint(${tag})`, 'const mark = writer.beginSized()')
    lines.push(...fieldEncoder(name, field, layout, functions))
    lines.push('writer.endSized(mark)', '}')
  }
  return lines
}

/** Declares `$name`, which from here on is never undefined. */
function take(name: string, field: Field): string {
  return `const $${name} = value.${name} === undefined ? ${fallback(field)} : value.${name}`
}

function fallback(field: Field): string {
  const value = defaultOf(field)
  if (value !== undefined) return sourceOf(value)
  if (field.type.kind === 'array') return 'emptyList'
  return field.type.kind === 'struct' ? 'emptyStruct' : 'emptyBytes'
}

/** Statements that write `$name`. */
function fieldEncoder(name: string, field: Field, layout: Layout, functions: string[]): string[] {
  const value = `$${name}`
  const nullable = isNullable(field, layout)
  // The type allows null if any version does; this one may not.
  const refusal =
    field.nullable === undefined || nullable
      ? []
      : [`if (${value} === null) refuseNull(${JSON.stringify(name)})`]
  const tagged = field.tag !== undefined
  return [...refusal, ...valueEncoder(value, field.type, { nullable, tagged, layout, functions })]
}

function valueEncoder(
  value: string,
  type: FieldType,
  how: { nullable: boolean; tagged: boolean; layout: Layout; functions: string[] },
): string[] {
  const { nullable, tagged, layout, functions } = how
  if (type.kind === 'struct') {
    const encode = `${structEncoder(type.fields, layout, functions)}(writer, ${value})`
    if (!nullable) return [encode]
    const nullMark = tagged ? 'writer.unsignedVarint(0)' : 'writer.int8(-1)'
    return [`if (${value} === null) ${nullMark}`, `else { writer.int8(1); ${encode} }`]
  }
  if (type.kind === 'array') {
    const encode = `${arrayEncoder(type.element, layout, functions)}(writer, ${value})`
    if (!nullable) return [encode]
    const writeNull = layout.flexible ? 'writer.unsignedVarint(0)' : 'writer.int32(-1)'
    return [`if (${value} === null) ${writeNull}`, `else ${encode}`]
  }
  if (isMeasured(type.kind)) {
    return [`writer.${accessor(type.kind, { nullable, flexible: layout.flexible })}(${value})`]
  }
  return [`writer.${type.kind === 'int64Saturated' ? 'int64' : type.kind}(${value})`]
}

function arrayEncoder(element: FieldType, layout: Layout, functions: string[]): string {
  return addFunction(functions, 'array', 'writer, list', [
    layout.flexible ? 'writer.unsignedVarint(list.length + 1)' : 'writer.int32(list.length)',
    'for (let index = 0; index < list.length; index++) {',
    ...valueEncoder('list[index]', element, { nullable: false, tagged: false, layout, functions }),
    '}',
  ])
}

/** An expression: `$name` has the value that stands for nothing. */
function isDefault(name: string, field: Field, functions: string[]): string {
  const value = `$${name}`
  const single = defaultOf(field)
  if (single !== undefined) return `${value} === ${sourceOf(single)}`
  const empty =
    field.type.kind === 'struct'
      ? `${structIsDefault(field.type.fields, functions)}(${value})`
      : `${value}.length === 0`
  return field.nullable === undefined ? empty : `${value} !== null && ${empty}`
}

function structIsDefault(fields: Fields, functions: string[]): string {
  const all = namedFields(fields)
  const checks = all.map(({ name, field }) => `(${isDefault(name, field, functions)})`)
  return addFunction(functions, 'isDefault', 'value', [
    ...all.map(({ name, field }) => take(name, field)),
    `return ${checks.join(' && ')}`,
  ])
}
