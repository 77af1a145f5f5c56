// From declarations to TypeScript types.

import type { Field, Fields } from './fields.ts'
import type { Message } from './message.ts'

type Flat<Type> = { [Key in keyof Type]: Type[Key] }

type DecodedFields<Declared extends Fields> = {
  -readonly [Name in keyof Declared]: Declared[Name] extends Field<infer Value> ? Value : never
}

type RequiredNames<Declared extends Fields> = {
  [Name in keyof Declared]: Declared[Name] extends Field<unknown, unknown, 'required'> ? Name : never
}[keyof Declared]

type EncodableValue<Declared> = Declared extends Field<unknown, infer Value> ? Value : never

type EncodableFields<Declared extends Fields> = Flat<
  { readonly [Name in RequiredNames<Declared>]: EncodableValue<Declared[Name]> } & {
    readonly [Name in Exclude<keyof Declared, RequiredNames<Declared>>]?: EncodableValue<Declared[Name]>
  }
>

/** What decoding gives: every field is there, with its default where the version lacks it. */
export type Decoded<Declared> =
  Declared extends Message<infer Inner>
    ? DecodedFields<Inner>
    : Declared extends Field<infer Value>
      ? Value
      : Declared extends Fields
        ? DecodedFields<Declared>
        : never

/** What can be encoded: fields with a default, and those that only some versions have, may be left out. */
export type Encodable<Declared> =
  Declared extends Message<infer Inner>
    ? EncodableFields<Inner>
    : Declared extends Field<unknown, infer Value>
      ? Value
      : Declared extends Fields
        ? EncodableFields<Declared>
        : never
