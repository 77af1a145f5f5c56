/**
 * The words in which resources are declared: a zod schema for what may stand in a field, a sentence for people, and
 * what a local run (`barnabas up`) does with it. Types, checks and (later) CRDs follow from the declaration.
 */
import * as z from 'zod'

/**
 * honoured: a local run does what it says. kubernetes: only a cluster on Kubernetes can. later: a later version will.
 * refused: a later version will, and going on without it would not be safe.
 */
export type LocalRun = 'honoured' | 'kubernetes' | 'later' | 'refused'

export interface FieldNotes {
  readonly sentence: string
  readonly local: LocalRun
}

const notes = z.registry<FieldNotes>()

/** Declares a field. `sentence` ends with a full stop; the schema says what may stand there and its default. */
export function field<Schema extends z.ZodType>(
  schema: Schema,
  sentence: string,
  local: LocalRun = 'honoured',
): Schema {
  const declared = schema.meta({ description: sentence })
  notes.add(declared, { sentence, local })
  return declared
}

/** One that only Kubernetes can honour. */
export function onKubernetes<Schema extends z.ZodType>(schema: Schema, sentence: string): Schema {
  return field(schema, sentence, 'kubernetes')
}

export function notesOf(schema: z.ZodType): FieldNotes | undefined {
  return notes.get(schema)
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
  return z
    .union([z.string(), z.number()], 'must be a quantity such as 10Gi')
    .transform(value => String(value))
    .refine(text => parseQuantity(text) !== undefined, 'must be a quantity such as 10Gi')
}

/** 7d, 12h, 30m, 15s, 500ms, or several of them one after the other. */
export function duration() {
  return z
    .string('must be a time such as 7d')
    .refine(text => parseDuration(text) !== undefined, 'must be a time such as 7d, 12h, 30m, 15s or 500ms')
}

/** What Kubernetes itself defines; checked by its API server, not here. */
export function kubernetesObject() {
  return z.record(z.string(), z.unknown(), 'must be a map')
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
  return z
    .record(z.string(), z.string('must be text; put it in quotes'), 'must be a map')
    .refine(map => Object.keys(map).length <= most, `must have at most ${most} entries`)
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
  const match = /^(\d+(?:\.\d+)?)(m|k|Ki|Mi?|Gi?|Ti?|Pi?|Ei?)?$/.exec(text)
  if (match === null) return undefined
  return Math.ceil(Number(match[1]) * (multipliers[match[2] ?? ''] ?? 1))
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
