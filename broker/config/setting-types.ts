/**
 * The words in which settings are declared. A table of settings is an object from Kafka's name of a setting to its
 * declaration; the type of the settings object follows from the table (`ValuesOf`).
 *
 * Numbers: Kafka's int, short, long and double are all `number`. A long beyond 2^53 - 1 (Kafka writes 2^63 - 1 for
 * "no limit") is `Infinity`, so that comparisons and sums with it do what is meant.
 */

export type SettingType =
  | 'boolean'
  | 'string'
  | 'int'
  | 'short'
  | 'long'
  | 'double'
  | 'list'
  | 'class'
  | 'password'

/** read-only: at start only; cluster-wide: also for all brokers at once or for one; per-broker: also for one broker. */
export type UpdateMode = 'read-only' | 'cluster-wide' | 'per-broker'

export interface Setting<Value> {
  readonly type: SettingType
  readonly default: Value
  /** What it does, with its unit. */
  readonly sentence: string
  readonly update: UpdateMode
  /** Smallest and largest allowed, both inclusive; numbers only. */
  readonly from: number | undefined
  readonly to: number | undefined
  /** The only allowed values (of each element, for lists). */
  readonly oneOf: readonly string[] | undefined
  readonly ignoreCase: boolean
  readonly notEmpty: boolean
  /** A further check: what is wrong with the value, or undefined. */
  check?(this: void, value: NonNullable<Value>): string | undefined
  /** Never shown; passwords. */
  readonly sensitive: boolean
}

export type SettingTable = { readonly [name: string]: Setting<unknown> }

/** The settings object that a table describes. */
export type ValuesOf<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never
}

export const intMax = 2_147_483_647
/** Kafka's Long.MAX: without limit. */
export const unlimited = Number.POSITIVE_INFINITY

interface Common<Value> {
  readonly update?: UpdateMode
  check?(this: void, value: NonNullable<Value>): string | undefined
}

interface Bounds<Value> extends Common<Value> {
  readonly from?: number
  readonly to?: number
}

type Numeric<Default> = Setting<number | Extract<Default, null>>
type Textual<Default> = Setting<string | Extract<Default, null>>

/** -2^31 … 2^31 - 1. */
export function int<Default extends number | null>(
  value: Default,
  sentence: string,
  options: Bounds<number> = {},
): Numeric<Default> {
  return declare<number | Extract<Default, null>>('int', value as number, sentence, options)
}

/** -2^15 … 2^15 - 1. */
export function short<Default extends number | null>(
  value: Default,
  sentence: string,
  options: Bounds<number> = {},
): Numeric<Default> {
  return declare<number | Extract<Default, null>>('short', value as number, sentence, options)
}

/** -2^63 … 2^63 - 1; see above for those that a number cannot hold. */
export function long<Default extends number | null>(
  value: Default,
  sentence: string,
  options: Bounds<number> = {},
): Numeric<Default> {
  return declare<number | Extract<Default, null>>('long', value as number, sentence, options)
}

export function double<Default extends number | null>(
  value: Default,
  sentence: string,
  options: Bounds<number> = {},
): Numeric<Default> {
  return declare<number | Extract<Default, null>>('double', value as number, sentence, options)
}

export function boolean(value: boolean, sentence: string, options: Common<boolean> = {}): Setting<boolean> {
  return declare<boolean>('boolean', value, sentence, options)
}

export function string<Default extends string | null>(
  value: Default,
  sentence: string,
  options: Common<string> & {
    readonly notEmpty?: boolean
    readonly oneOf?: readonly string[]
    readonly ignoreCase?: boolean
  } = {},
): Textual<Default> {
  return declare<string | Extract<Default, null>>('string', value as string, sentence, options)
}

/** A string out of a few; spelled exactly so. */
export function choice<const Choice extends string>(
  choices: readonly Choice[],
  value: NoInfer<Choice>,
  sentence: string,
  options: Common<Choice> = {},
): Setting<Choice> {
  return declare<Choice>('string', value, sentence, { ...options, oneOf: choices } as Options<Choice>)
}

/** Separated by commas. */
export function list<Default extends readonly string[] | null>(
  value: Default,
  sentence: string,
  options: Common<readonly string[]> & { readonly notEmpty?: boolean } = {},
): Setting<readonly string[] | Extract<Default, null>> {
  return declare<readonly string[] | Extract<Default, null>>(
    'list',
    value as readonly string[],
    sentence,
    options,
  )
}

/** A list whose elements are out of a few. */
export function choices<const Choice extends string>(
  allowed: readonly Choice[],
  value: readonly NoInfer<Choice>[],
  sentence: string,
  options: Common<readonly Choice[]> & { readonly notEmpty?: boolean } = {},
): Setting<readonly Choice[]> {
  return declare<readonly Choice[]>('list', value, sentence, { ...options, oneOf: allowed } as Options<
    readonly Choice[]
  >)
}

/** The name of a Java class: shown, never loaded. */
export function javaClass<Default extends string | null>(
  value: Default,
  sentence: string,
  options: Common<string> = {},
): Textual<Default> {
  return declare<string | Extract<Default, null>>('class', value as string, sentence, options)
}

/** A secret; unset unless given, never shown. */
export function password(sentence: string, options: Common<string> = {}): Setting<string | null> {
  return declare<string | null>('password', null, sentence, options)
}

type Options<Value> = Common<Value> & {
  readonly from?: number
  readonly to?: number
  readonly oneOf?: readonly string[]
  readonly ignoreCase?: boolean
  readonly notEmpty?: boolean
}

function declare<Value>(
  type: SettingType,
  value: Value,
  sentence: string,
  options: Options<Value>,
): Setting<Value> {
  return {
    type,
    default: value,
    sentence,
    update: options.update ?? 'read-only',
    from: options.from,
    to: options.to,
    oneOf: options.oneOf,
    ignoreCase: options.ignoreCase ?? false,
    notEmpty: options.notEmpty ?? false,
    ...(options.check === undefined ? {} : { check: options.check }),
    sensitive: type === 'password',
  }
}
