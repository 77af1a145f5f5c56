// The words in which messages are declared. A field says its type, the versions that have it (all, if it does not say),
// the versions in which it may be null, its default, its tag, and whether it may be dropped silently where a version
// lacks it. Field order is wire order. TypeScript types follow from these declarations: see message-type.ts.

import type { RecordsSource } from '../bytes/writer.ts'
import type { Uuid } from '../bytes/uuid.ts'
import type { Decoded, Encodable } from './message-type.ts'

export type PrimitiveType =
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'int64Saturated'
  | 'int64Big'
  | 'float64'
  | 'bool'
  | 'string'
  | 'bytes'
  | 'records'
  | 'uuid'

export type FieldType =
  | { readonly kind: PrimitiveType }
  | { readonly kind: 'array'; readonly element: FieldType }
  | { readonly kind: 'struct'; readonly fields: Fields }

export type DefaultValue = number | bigint | string | boolean | null

/** Whether a writer must give the field: it need not if there is a default of its own or only some versions have it. */
type Presence = 'required' | 'optional'

/** `DecodedValue` and `EncodableValue` are there for the compiler alone. */
export interface Field<
  out DecodedValue = unknown,
  out EncodableValue = unknown,
  out Given extends Presence = Presence,
> {
  readonly type: FieldType
  /** As in "3+"; undefined: wherever the enclosing struct is. */
  readonly versions: string | undefined
  readonly nullable: string | undefined
  /** undefined: zero, empty, false, or a struct of defaults. */
  readonly default: DefaultValue | undefined
  readonly ignorable: boolean
  readonly tag: number | undefined
  readonly types?: {
    readonly decoded: DecodedValue
    readonly encodable: EncodableValue
    readonly given: Given
  }
}

export interface Fields {
  readonly [name: string]: Field
}

export interface FieldOptions<Default> {
  /** Versions in which the value may be null; also makes null part of the type. */
  readonly nullable?: string
  readonly default?: Default | null
  /** A value that is not the default is dropped, not refused, in versions without the field. */
  readonly ignorable?: true
}

type Null<Options> = Options extends { readonly nullable: string } ? null : never
type GivenBy<Options> = Options extends { readonly default: unknown } ? 'optional' : 'required'

interface Word<DecodedValue, EncodableValue, Default> {
  <const Options extends FieldOptions<Default> = object>(
    options?: Options,
  ): Field<DecodedValue | Null<Options>, EncodableValue | Null<Options>, GivenBy<Options>>
  <const Options extends FieldOptions<Default> = object>(
    versions: string,
    options?: Options,
  ): Field<DecodedValue | Null<Options>, EncodableValue | Null<Options>, 'optional'>
}

function word<DecodedValue, EncodableValue, Default>(
  kind: PrimitiveType,
): Word<DecodedValue, EncodableValue, Default> {
  const type = { kind }
  return (first?: string | FieldOptions<Default>, second?: FieldOptions<Default>) =>
    typeof first === 'string' ? field(type, first, second) : field(type, undefined, first)
}

function field(
  type: FieldType,
  versions: string | undefined,
  options: FieldOptions<unknown> | undefined,
): Field<never, never, never> {
  return {
    type,
    versions,
    nullable: options?.nullable,
    default: options?.default as DefaultValue | undefined,
    ignorable: options?.ignorable === true,
    tag: undefined,
  }
}

export const int8 = word<number, number, number>('int8')
export const int16 = word<number, number, number>('int16')
export const uint16 = word<number, number, number>('uint16')
export const int32 = word<number, number, number>('int32')
export const uint32 = word<number, number, number>('uint32')
/** A number; what is not a safe integer cannot be decoded. */
export const int64 = word<number, number, number>('int64')
/** A number; beyond the safe integers the nearest of them. Only for times and durations. */
export const int64Saturated = word<number, number, number>('int64Saturated')
/** A bigint, for fields that truly use all 64 bits. */
export const int64Big = word<bigint, bigint, bigint>('int64Big')
export const float64 = word<number, number, number>('float64')
export const bool = word<boolean, boolean, boolean>('bool')
/** At most 32,767 bytes of UTF-8. */
export const string = word<string, string, string>('string')
export const bytes = word<Buffer, Uint8Array, never>('bytes')
/** Record batches, as bytes. */
export const records = word<Buffer, Uint8Array | RecordsSource, never>('records')
export const uuid = word<Uuid, Uuid, Uuid>('uuid')

/** An array of single values, or of structs given by their fields. */
export function arrayOf<
  const Element extends Field | Fields,
  const Options extends FieldOptions<never> = object,
>(
  element: Element,
  options?: Options,
): Field<Decoded<Element>[] | Null<Options>, readonly Encodable<Element>[] | Null<Options>, GivenBy<Options>>
export function arrayOf<
  const Element extends Field | Fields,
  const Options extends FieldOptions<never> = object,
>(
  element: Element,
  versions: string,
  options?: Options,
): Field<Decoded<Element>[] | Null<Options>, readonly Encodable<Element>[] | Null<Options>, 'optional'>
export function arrayOf(
  element: Field | Fields,
  first?: string | FieldOptions<never>,
  second?: FieldOptions<never>,
): Field<never, never, never> {
  const type: FieldType = {
    kind: 'array',
    element: isField(element) ? element.type : { kind: 'struct', fields: element },
  }
  return typeof first === 'string' ? field(type, first, second) : field(type, undefined, first)
}

/** One struct inside another. */
export function struct<const Inner extends Fields, const Options extends FieldOptions<never> = object>(
  fields: Inner,
  options?: Options,
): Field<Decoded<Inner> | Null<Options>, Encodable<Inner> | Null<Options>, GivenBy<Options>>
export function struct<const Inner extends Fields, const Options extends FieldOptions<never> = object>(
  fields: Inner,
  versions: string,
  options?: Options,
): Field<Decoded<Inner> | Null<Options>, Encodable<Inner> | Null<Options>, 'optional'>
export function struct(
  fields: Fields,
  first?: string | FieldOptions<never>,
  second?: FieldOptions<never>,
): Field<never, never, never> {
  const type: FieldType = { kind: 'struct', fields }
  return typeof first === 'string' ? field(type, first, second) : field(type, undefined, first)
}

/** Moves a field into the section of tagged fields, where it is left out while it has its default. */
export function tagged<DecodedValue, EncodableValue, Given extends Presence>(
  tag: number,
  inner: Field<DecodedValue, EncodableValue, Given>,
): Field<DecodedValue, EncodableValue, Given> {
  const { type, versions, nullable, default: value, ignorable } = inner
  return { type, versions, nullable, default: value, ignorable, tag }
}

function isField(element: Field | Fields): element is Field {
  return typeof element.type === 'object' && 'kind' in element.type
}
