/**
 * The words in which resources are declared: a zod schema for what may stand in a field, a sentence for people, and
 * what a local run (`barnabas up`) does with it. Types, checks and CRDs follow from the declaration.
 */
import * as z from 'zod'
import type { JsonSchema } from './json-schema.ts'

/**
 * honoured: a local run does what it says. kubernetes: only a cluster on Kubernetes can. later: a later version will.
 * refused: a later version will, and going on without it would not be safe.
 */
export type LocalRun = 'honoured' | 'kubernetes' | 'later' | 'refused'

/** A rule in the expression language of Kubernetes (CEL), and the sentence for who breaks it. */
export interface Rule {
  readonly rule: string
  readonly message: string
}

/** What only the API server looks at. */
export interface OnApiServer {
  readonly rules?: readonly Rule[]
  /** Set once and for all; it can neither be changed nor added nor taken away. */
  readonly immutable?: true
  /** Not on Kubernetes yet, and so refused there: the field as a whole, or these of its values. */
  readonly later?: 'all' | readonly (string | boolean | number)[]
  /** What to do instead of what comes later, as the end of the sentence; absent: remove it. */
  readonly instead?: string
  /** What the API server writes when nobody wrote it, where the local run has no such default. */
  readonly default?: unknown
}

export interface FieldNotes extends OnApiServer {
  readonly sentence: string
  readonly local: LocalRun
}

/** How the API server puts together what several appliers say of one list or object. */
interface Merging {
  /** Fields in which elements of a list differ; none: the list or object is one whole. */
  readonly keys: readonly string[]
}

const notes = z.registry<FieldNotes>()
const openApi = z.registry<{ readonly schema: JsonSchema }>()
const merging = z.registry<Merging>()
const references = z.registry<{ readonly url: string }>()

/**
 * Declares a field. `sentence` ends with a full stop; the schema says what may stand there and its default. A sentence
 * that says "Restart: yes." or "Restart: no." holds for the fields inside too, unless they say otherwise.
 */
export function field<Schema extends z.ZodType>(
  schema: Schema,
  sentence: string,
  local: LocalRun = 'honoured',
  onApiServer: OnApiServer = {},
): Schema {
  const declared = schema.meta({ description: sentence })
  notes.add(declared, { sentence, local, ...onApiServer })
  return declared
}

/** One that only Kubernetes can honour. */
export function onKubernetes<Schema extends z.ZodType>(
  schema: Schema,
  sentence: string,
  onApiServer: OnApiServer = {},
): Schema {
  return field(schema, sentence, 'kubernetes', onApiServer)
}

/** Says how the API server is told of a schema that zod's own words do not describe. */
export function told<Schema extends z.ZodType>(schema: Schema, as: JsonSchema): Schema {
  openApi.add(schema, { schema: as })
  return schema
}

export function openApiOf(schema: z.ZodType): JsonSchema | undefined {
  return openApi.get(schema)?.schema
}

export function notesOf(schema: z.ZodType): FieldNotes | undefined {
  return notes.get(schema)
}

/** A list or object that one applier has as a whole. */
export function atomic<Schema extends z.ZodType>(schema: Schema): Schema {
  merging.add(schema, { keys: [] })
  return schema
}

/** A list whose elements differ in these fields, each of which may have an applier of its own. */
export function keyedBy<Schema extends z.ZodType>(schema: Schema, ...keys: readonly string[]): Schema {
  merging.add(schema, { keys })
  return schema
}

export function mergingOf(schema: z.ZodType): Merging | undefined {
  return merging.get(schema)
}

/** A shape that others define; what its fields mean stands at `url`, and so our reference page ends at it. */
export function definedAt<Schema extends z.ZodType>(schema: Schema, url: string): Schema {
  references.add(schema, { url })
  return schema
}

export function referenceOf(schema: z.ZodType): string | undefined {
  return references.get(schema)?.url
}

/** An object with exactly these fields, which is there (with its fields' defaults) even when nobody wrote it. */
export function group<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape).prefault({} as never)
}

/** An object with exactly these fields, absent when nobody wrote it. */
export function optionalGroup<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape).optional()
}

export function integer(from: number, to: number) {
  return z
    .int(`must be a whole number from ${from} to ${to}`)
    .min(from, `must be at least ${from}`)
    .max(to, `must be at most ${to}`)
}

/** Bytes or counts as Kubernetes writes them: 10Gi, 500M, 1.5Ti, 1000. */
export function quantity() {
  const schema = z
    .union([z.string(), z.number()], 'must be a quantity such as 10Gi')
    .transform(value => String(value))
    .refine(text => parseQuantity(text) !== undefined, 'must be a quantity such as 10Gi')
  return told(schema, {
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    pattern: String.raw`^\d+(\.\d+)?(m|k|Ki|Mi?|Gi?|Ti?|Pi?|Ei?)?$`,
    maxLength: 32,
    'x-kubernetes-int-or-string': true,
  })
}

/** 7d, 12h, 30m, 15s, 500ms, or several of them one after the other. */
export function duration() {
  const schema = z
    .string('must be a time such as 7d')
    .refine(text => parseDuration(text) !== undefined, 'must be a time such as 7d, 12h, 30m, 15s or 500ms')
  return told(schema, { type: 'string', pattern: String.raw`^(\d+(ms|s|m|h|d|w))+$`, maxLength: 64 })
}

/** Lower case letters, digits and hyphens, as names of Kubernetes objects. */
export function objectName() {
  return z
    .string('must be a name')
    .regex(
      /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
      'must be a name of lower case letters, digits, hyphens and points that begins and ends with a letter or digit',
    )
}

/** A map of names to texts, as YAML gives it. */
export function textMap(most: number) {
  const schema = z
    .record(z.string(), z.string('must be text; put it in quotes'), 'must be a map')
    .refine(map => Object.keys(map).length <= most, `must have at most ${most} entries`)
  return told(schema, {
    type: 'object',
    additionalProperties: { type: 'string', maxLength: 4096 },
    maxProperties: most,
  })
}

/** Labels or annotations. */
export function labels(): z.ZodType<Readonly<Record<string, string>>> {
  return textMap(100)
}

export function secretRef() {
  return optionalGroup({ name: field(objectName(), 'Name of the Secret.', 'kubernetes') })
}

export function schedule(): z.ZodString {
  return z
    .string('must be a schedule such as "0 3 * * *"')
    .regex(/^(\S+\s+){4}\S+$/, 'must be a cron schedule of five fields')
    .max(100)
}

/** A map of names to texts or whole numbers, which count as texts. */
export function textOrNumberMap(most: number) {
  const schema = z
    .record(z.string(), z.union([z.string(), z.int()], 'must be text or a whole number'), 'must be a map')
    .transform(map => Object.fromEntries(Object.entries(map).map(([name, value]) => [name, String(value)])))
    .refine(map => Object.keys(map).length <= most, `must have at most ${most} entries`)
  return told(schema, {
    type: 'object',
    additionalProperties: {
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      maxLength: 4096,
      'x-kubernetes-int-or-string': true,
    },
    maxProperties: most,
  })
}

/** One of a few whole numbers. */
export function oneOf<const Values extends readonly number[]>(...values: Values) {
  const schema = z.literal(
    [...values] as Values[number][],
    `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
  )
  return told(schema, { type: 'integer', enum: [...values] })
}

const multipliers: { readonly [suffix: string]: number } = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** The number that a quantity stands for, rounded up; undefined when it is none. */
export function parseQuantity(text: string): number | undefined {
  const exact = exactQuantity(text)
  return exact === undefined ? undefined : Math.ceil(exact)
}

/** The same with its fraction. */
export function exactQuantity(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(m|k|Ki|Mi?|Gi?|Ti?|Pi?|Ei?)?$/.exec(text)
  return match === null ? undefined : Number(match[1]) * (multipliers[match[2] ?? ''] ?? 1)
}

const unitMs: { readonly [unit: string]: number } = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds; undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(ms|s|m|h|d|w))+$/.test(text)) return undefined
  let total = 0
  for (const [, count, unit = ''] of text.matchAll(/(\d+)(ms|s|m|h|d|w)/g)) {
    total += Number(count) * (unitMs[unit] ?? 0)
  }
  return total
}
