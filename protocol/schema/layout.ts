// What a declaration means in one version: which fields are on the wire, how small they can be, what their defaults are.

import { zeroUuid } from '../bytes/uuid.ts'
import type { DefaultValue, Field, Fields, FieldType, PrimitiveType } from './fields.ts'
import { contains, parseVersions } from './versions.ts'

export interface Layout {
  readonly version: number
  readonly flexible: boolean
}

export interface NamedField {
  readonly name: string
  readonly field: Field
}

export interface TaggedField extends NamedField {
  readonly tag: number
}

export function namedFields(fields: Fields): NamedField[] {
  return Object.entries(fields).map(([name, field]) => ({ name, field }))
}

function isPresent(field: Field, layout: Layout): boolean {
  return field.versions === undefined || contains(parseVersions(field.versions), layout.version)
}

export function isNullable(field: Field, layout: Layout): boolean {
  return field.nullable !== undefined && contains(parseVersions(field.nullable), layout.version)
}

/** On the wire in order of declaration, outside the tagged section. */
export function orderedFields(fields: Fields, layout: Layout): NamedField[] {
  return namedFields(fields).filter(({ field }) => field.tag === undefined && isPresent(field, layout))
}

/** On the wire by tag, ascending; empty in versions that are not flexible. */
export function taggedFields(fields: Fields, layout: Layout): TaggedField[] {
  if (!layout.flexible) return []
  return namedFields(fields)
    .flatMap(({ name, field }) => (field.tag === undefined ? [] : [{ name, field, tag: field.tag }]))
    .filter(({ field }) => isPresent(field, layout))
    .toSorted((one, other) => one.tag - other.tag)
}

/** Fields of which nothing is written in this version. */
export function absentFields(fields: Fields, layout: Layout): NamedField[] {
  return namedFields(fields).filter(
    ({ field }) => !isPresent(field, layout) || (field.tag !== undefined && !layout.flexible),
  )
}

const zeroes: Readonly<Record<PrimitiveType, DefaultValue | undefined>> = {
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  uint32: 0,
  int64: 0,
  int64Saturated: 0,
  int64Big: 0n,
  float64: 0,
  bool: false,
  string: '',
  bytes: undefined,
  records: undefined,
  uuid: zeroUuid,
}

/** The value of a field that is not on the wire; undefined for a struct of defaults, an empty array or empty bytes. */
export function defaultOf(field: Field): DefaultValue | undefined {
  if (field.default !== undefined) return field.default
  const { kind } = field.type
  return kind === 'array' || kind === 'struct' ? undefined : zeroes[kind]
}

/** The fewest bytes a value takes, so that an array's length can be checked before it is believed. At least 1. */
export function minBytes(type: FieldType, layout: Layout): number {
  switch (type.kind) {
    case 'int8':
    case 'bool':
      return 1
    case 'int16':
    case 'uint16':
      return 2
    case 'int32':
    case 'uint32':
      return 4
    case 'int64':
    case 'int64Saturated':
    case 'int64Big':
    case 'float64':
      return 8
    case 'uuid':
      return 16
    case 'string':
      return layout.flexible ? 1 : 2
    case 'bytes':
    case 'records':
    case 'array':
      return layout.flexible ? 1 : 4
    case 'struct':
      return Math.max(1, minStructBytes(type.fields, layout))
  }
}

function minStructBytes(fields: Fields, layout: Layout): number {
  const tags = layout.flexible ? 1 : 0
  return orderedFields(fields, layout).reduce((sum, { field }) => sum + minFieldBytes(field, layout), tags)
}

function minFieldBytes(field: Field, layout: Layout): number {
  const nullable = field.type.kind === 'struct' && isNullable(field, layout)
  return nullable ? 1 : minBytes(field.type, layout)
}

/** A value as JavaScript source. */
export function sourceOf(value: DefaultValue): string {
  return typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)
}

/** Types with a length in front, which may be compact or null. */
export function isMeasured(kind: PrimitiveType): kind is 'string' | 'bytes' | 'records' {
  return kind === 'string' || kind === 'bytes' || kind === 'records'
}

/** The accessor on Reader and Writer: "nullableCompactString". */
export function accessor(
  kind: 'string' | 'bytes' | 'records',
  field: { readonly nullable: boolean; readonly flexible: boolean },
): string {
  const words = [...(field.nullable ? ['nullable'] : []), ...(field.flexible ? ['compact'] : []), kind]
  return words.map((word, index) => (index === 0 ? word : word[0]!.toUpperCase() + word.slice(1))).join('')
}

/** Adds the source of a function and returns its name. */
export function addFunction(
  functions: string[],
  kind: string,
  parameters: string,
  lines: readonly string[],
): string {
  const name = `${kind}${functions.length}`
  functions.push(`function ${name}(${parameters}) {\n${lines.join('\n')}\n}`)
  return name
}
