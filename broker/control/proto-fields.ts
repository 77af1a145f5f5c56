import { type ErrorName, errorCode, errorName, isUuid, type Uuid, zeroUuid } from '../../protocol/index.ts'
import type { ProtoReader } from './proto-reader.ts'
import type { ProtoWriter } from './proto-writer.ts'

/**
 * The words in which messages of control.proto are declared. The type of a message follows from its declaration, and
 * so do its encoding and the text of the .proto file.
 *
 * As in proto3: a field that is absent has its default ('' , 0, false, an empty list or map, a message of defaults),
 * an optional one is null; fields that are not declared are passed over.
 */

/** One value on the wire. */
export interface ProtoType<Value> {
  /** As the .proto file calls it. */
  readonly name: string
  readonly wireType: WireType
  readonly default: Value
  isDefault(value: Value): boolean
  write(writer: ProtoWriter, value: Value): void
  read(reader: ProtoReader): Value
  /** The message that it is, to be declared in the .proto file. */
  readonly message?: ProtoMessage<FieldTable>
}

export const varint = 0
export const lengthDelimited = 2
export type WireType = typeof varint | typeof lengthDelimited

/** A field, whatever its value. */
export interface AnyField {
  readonly number: number
  readonly label: 'plain' | 'optional' | 'repeated' | 'map'
  readonly type: ProtoType<unknown>
  readonly absent: unknown
  /** Of the fields of one message with the same `oneOf` at most one is set. */
  readonly oneOf?: string
  /** From the field's value to those that stand on the wire, and back. */
  values(value: never): Iterable<unknown>
  gather(values: readonly unknown[]): unknown
}

export interface ProtoField<Value> extends AnyField {
  readonly absent: Value
  values(value: Value): Iterable<unknown>
  gather(values: readonly unknown[]): Value
}

export type FieldTable = { readonly [name: string]: AnyField }

export interface ProtoMessage<Fields> {
  /** As the .proto file calls it. */
  readonly name: string
  /** Keyed by their names in TypeScript; in the .proto file these are in snake_case. */
  readonly fields: Fields
}

export type ValueOf<Message> =
  Message extends ProtoMessage<infer Fields>
    ? { readonly [Name in keyof Fields]: Fields[Name] extends ProtoField<infer Value> ? Value : never }
    : never

export function protoMessage<const Fields extends FieldTable>(
  name: string,
  fields: Fields,
): ProtoMessage<Fields> {
  return { name, fields }
}

// ---- types ----

export const text: ProtoType<string> = {
  name: 'string',
  wireType: lengthDelimited,
  default: '',
  isDefault: value => value === '',
  write: (writer, value) => writer.text(value),
  read: reader => reader.text(),
}

export const bool: ProtoType<boolean> = {
  name: 'bool',
  wireType: varint,
  default: false,
  isDefault: value => !value,
  write: (writer, value) => writer.varint(value ? 1 : 0),
  read: reader => reader.varint() !== 0,
}

export const int32 = wholeNumber('int32', -(2 ** 31), 2 ** 31 - 1)

/** Only numbers that a double holds exactly. */
export const int64 = wholeNumber('int64', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

function wholeNumber(name: string, least: number, most: number): ProtoType<number> {
  return {
    name,
    wireType: varint,
    default: 0,
    isDefault: value => value === 0,
    write: (writer, value) => writer.varint(value),
    read: reader => {
      const value = reader.varint()
      return value >= least && value <= most ? value : reader.refuse(`${value} is no ${name}`)
    },
  }
}

/** Kafka's code of the error. One that this release does not know is UNKNOWN_SERVER_ERROR. */
export const error: ProtoType<ErrorName> = {
  ...int32,
  default: 'NONE',
  isDefault: value => value === 'NONE',
  write: (writer, value) => writer.varint(errorCode(value)),
  read: reader => errorName(reader.varint()),
}

/** 22 characters of base64url; absent or empty: zeroes. */
export const uuid: ProtoType<Uuid> = {
  ...text,
  default: zeroUuid,
  isDefault: value => value === zeroUuid,
  read: reader => {
    const value = reader.text()
    if (value === '') return zeroUuid
    return isUuid(value) ? value : reader.refuse('an id is not 22 characters of base64url')
  },
}

/** One of a few words; absent or empty: the first. */
export function word<const Word extends string>(first: Word, ...others: readonly Word[]): ProtoType<Word> {
  const words: readonly string[] = [first, ...others]
  return {
    ...text,
    default: first,
    isDefault: value => value === first,
    read: reader => {
      const value = reader.text()
      if (value === '') return first
      return words.includes(value)
        ? (value as Word)
        : reader.refuse(`'${value.slice(0, 40)}' is none of ${words.join(', ')}`)
    },
  }
}

/** The same in answers, where a later release may have more words: those are read as the first. */
export function wordOrFirst<const Word extends string>(
  first: Word,
  ...others: readonly Word[]
): ProtoType<Word> {
  return {
    ...word(first, ...others),
    read: reader => {
      const value = reader.text()
      return others.find(other => other === value) ?? first
    },
  }
}

// ---- fields ----

export function field<Value>(number: number, type: ProtoType<Value>): ProtoField<Value> {
  return {
    number,
    label: 'plain',
    type: type as ProtoType<unknown>,
    absent: type.default,
    values: value => (type.isDefault(value) ? [] : [value]),
    gather: values => (values.at(-1) ?? type.default) as Value,
  }
}

/** Null when absent. */
export function optional<Value>(number: number, type: ProtoType<Value>): ProtoField<Value | null> {
  return {
    number,
    label: 'optional',
    type: type as ProtoType<unknown>,
    absent: null,
    values: value => (value === null ? [] : [value]),
    gather: values => (values.at(-1) ?? null) as Value | null,
  }
}

export function repeated<Value>(number: number, type: ProtoType<Value>): ProtoField<readonly Value[]> {
  return {
    number,
    label: 'repeated',
    type: type as ProtoType<unknown>,
    absent: [],
    values: value => value,
    gather: values => values as readonly Value[],
  }
}

/** Text to text. */
export function textMap(number: number): ProtoField<ReadonlyMap<string, string>> {
  return {
    number,
    label: 'map',
    type: mapEntry as ProtoType<unknown>,
    absent: new Map(),
    values: map => map,
    gather: entries => new Map(entries as readonly (readonly [string, string])[]),
  }
}

/** The field is one of several of which at most one is set; null unless it is this one. */
export function oneOf<Value>(group: string, given: ProtoField<Value | null>): ProtoField<Value | null> {
  return { ...given, label: 'plain', oneOf: group }
}

/** The field in another shape for those who use it. */
export function shaped<Wire, Value>(
  given: ProtoField<Wire>,
  toWire: (value: Value) => Wire,
  fromWire: (wire: Wire) => Value,
): ProtoField<Value> {
  return {
    ...given,
    absent: fromWire(given.absent),
    values: value => given.values(toWire(value)),
    gather: values => fromWire(given.gather(values)),
  }
}

const mapEntry: ProtoType<readonly [string, string]> = {
  name: 'map<string, string>',
  wireType: lengthDelimited,
  default: ['', ''],
  isDefault: () => false,
  write: (writer, [key, value]) =>
    writer.nested(() => {
      writer.tag(1, lengthDelimited)
      writer.text(key)
      writer.tag(2, lengthDelimited)
      writer.text(value)
    }),
  read: reader => {
    let key = ''
    let value = ''
    reader.nested(number => {
      if (number === 1) key = reader.text()
      else if (number === 2) value = reader.text()
      else return false
      return true
    })
    return [key, value]
  },
}
