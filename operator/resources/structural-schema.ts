/** From the declaration of a resource to the schema that its CustomResourceDefinition has. Pure. */
import * as z from 'zod'
import { assert } from '../../runtime/assert.ts'
import { type FieldNotes, mergingOf, notesOf, openApiOf, type Rule, referenceOf } from './field.ts'
import type { JsonSchema } from './json-schema.ts'
import { unwrap } from './read-resource.ts'

interface Place {
  /** For mistakes in the declaration itself. */
  readonly path: string
  /** "Restart: yes." of the nearest field around that says so. */
  readonly restart: string | undefined
  /** Fields of a status cannot be changed by people, so they do not speak of restarts. */
  readonly isStatus: boolean
}

const restartSentence = /Restart: [^.]+\.$/

/** Every field ends its description with whether a change of it restarts brokers. */
export function structuralSchema(schema: z.ZodType, path: string): JsonSchema {
  return describe(schema, { path, restart: undefined, isStatus: false })
}

function describe(schema: z.ZodType, place: Place): JsonSchema {
  const notes = notesOf(schema)
  const { description, restart } = describeField(notes, schema, place)
  const inner = shapeOf(unwrap(schema), { ...place, restart })
  const rules = [...(inner['x-kubernetes-validations'] ?? []), ...fieldRules(notes, schema, place)]
  const unwritten = defaultOf(schema) ?? notes?.default
  return {
    ...(description === undefined ? {} : { description }),
    ...inner,
    ...(unwritten === undefined ? {} : { default: withDefaults(unwritten, inner) }),
    ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules }),
  }
}

/** The API server looks at a default as it stands, rules and all, before it fills in those of the fields inside. */
function withDefaults(value: unknown, { properties, items }: JsonSchema): unknown {
  if (Array.isArray(value)) return items === undefined ? value : value.map(one => withDefaults(one, items))
  if (properties === undefined || typeof value !== 'object' || value === null) return value
  const given = value as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, inner]) => {
      if (given[name] !== undefined) return [[name, withDefaults(given[name], inner)]]
      return inner.default === undefined ? [] : [[name, inner.default]]
    }),
  )
}

function describeField(
  notes: FieldNotes | undefined,
  schema: z.ZodType,
  place: Place,
): { readonly description: string | undefined; readonly restart: string | undefined } {
  if (notes === undefined || place.isStatus) return { description: notes?.sentence, restart: undefined }
  const own = restartSentence.exec(notes.sentence)?.[0]
  const later = laterSentence(notes)
  const sentence =
    later === undefined ? notes.sentence : `${notes.sentence.replace(restartSentence, '').trim()} ${later}`
  if (own !== undefined && later === undefined) return { description: sentence, restart: own }
  const inherited = own ?? place.restart ?? (hasFields(schema) ? 'Restart: as its fields say.' : undefined)
  assert(inherited !== undefined, 'A field must say whether a change of it restarts brokers.', {
    path: place.path,
  })
  const isImmutable = notes.immutable === true || notes.sentence.includes('Not changed yet.')
  const restart = isImmutable ? 'Restart: no.' : inherited
  return { description: `${sentence} ${restart}`, restart: own ?? place.restart }
}

function hasFields(schema: z.ZodType): boolean {
  const inner = unwrap(schema)
  return inner instanceof z.ZodObject || inner instanceof z.ZodArray
}

function laterSentence({ later }: FieldNotes): string | undefined {
  if (later === undefined) return undefined
  return later === 'all' ? 'Not in this version yet.' : `Not in this version yet: ${later.join(', ')}.`
}

// ---- rules ----

function fieldRules(notes: FieldNotes | undefined, schema: z.ZodType, { path }: Place): readonly Rule[] {
  if (notes === undefined) return []
  const rules = [...(notes.rules ?? [])]
  if (notes.immutable === true && !mayBeAbsent(schema)) {
    rules.push({ rule: 'self == oldSelf', message: `${shortName(path)} cannot be changed` })
  }
  if (notes.later !== undefined && notes.later !== 'all') {
    const values = notes.later.map(value => (typeof value === 'string' ? `'${value}'` : String(value)))
    rules.push({
      rule: `!(self in [${values.join(', ')}])`,
      message: `${shortName(path)} cannot be ${notes.later.join(' or ')} in this version${notes.instead === undefined ? '' : `; ${notes.instead}`}`,
    })
  }
  return rules
}

/** A rule on a field does not run when the field comes or goes, so the object around it has these. */
function rulesOnPresence(shape: Readonly<Record<string, z.ZodType>>): readonly Rule[] {
  return Object.entries(shape).flatMap(([name, child]): Rule[] => {
    const notes = notesOf(child)
    if (notes?.later === 'all') {
      const message = `${name} is not in this version yet; ${notes.instead ?? 'remove it'}`
      return [{ rule: `!has(self.${name})`, message }]
    }
    if (notes?.immutable !== true || !mayBeAbsent(child)) return []
    return [
      {
        rule: `has(self.${name}) == has(oldSelf.${name}) && (!has(self.${name}) || self.${name} == oldSelf.${name})`,
        message: `${name} cannot be changed`,
      },
    ]
  })
}

function mayBeAbsent(schema: z.ZodType): boolean {
  return schema instanceof z.ZodOptional && notesOf(schema)?.default === undefined
}

function shortName(path: string): string {
  return path.split('.').at(-1) ?? path
}

// ---- shapes ----

function shapeOf(schema: z.ZodType, place: Place): JsonSchema {
  const told = openApiOf(schema)
  if (told !== undefined) return told
  if (schema instanceof z.ZodObject) return objectSchema(schema, place)
  if (schema instanceof z.ZodArray) return listSchema(schema, place)
  if (schema instanceof z.ZodEnum) return { type: 'string', enum: schema.options.map(String) }
  if (schema instanceof z.ZodBoolean) return { type: 'boolean' }
  if (schema instanceof z.ZodNumber) return numberSchema(schema)
  if (schema instanceof z.ZodString || schema instanceof z.ZodISODateTime) return stringSchema(schema)
  throw new Error(
    `${place.path} is declared in words of zod that have no counterpart in a CustomResourceDefinition.`,
  )
}

function objectSchema(schema: z.ZodObject, place: Place): JsonSchema {
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape
  const url = referenceOf(schema)
  const rules = rulesOnPresence(shape)
  const required = Object.entries(shape).flatMap(([name, child]) =>
    child.safeParse(undefined).success || notesOf(child)?.default !== undefined ? [] : [name],
  )
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(
      Object.entries(shape).map(([name, child]) => [
        name,
        describe(child, {
          path: `${place.path}.${name}`,
          restart: place.restart,
          isStatus: place.isStatus || name === 'status',
        }),
      ]),
    ),
    ...(url === undefined ? {} : { externalDocs: { url } }),
    ...(mergingOf(schema) !== undefined ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules }),
  }
}

function listSchema(schema: z.ZodArray, place: Place): JsonSchema {
  const items = shapeOf(unwrap(schema.element as z.ZodType), place)
  const keys = keysOf(schema, items)
  return {
    type: 'array',
    items,
    ...boundsOf(schema, { minimum: 'minItems', maximum: 'maxItems' }),
    ...(keys.length === 0
      ? { 'x-kubernetes-list-type': 'atomic' }
      : { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys }),
  }
}

function keysOf(schema: z.ZodArray, { required }: JsonSchema): readonly string[] {
  const merging = mergingOf(schema)
  if (merging !== undefined) return merging.keys
  return ['name', 'type', 'id'].filter(name => required?.includes(name) === true).slice(0, 1)
}

function numberSchema({ minValue, maxValue }: z.ZodNumber): JsonSchema {
  // A whole number without bounds of its own has those of a double, which say nothing.
  const bound = (value: number | null): number | undefined =>
    value === null || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value
  const [minimum, maximum] = [bound(minValue), bound(maxValue)]
  return {
    type: 'integer',
    ...(maximum !== undefined && maximum < 2 ** 31 ? { format: 'int32' } : { format: 'int64' }),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  }
}

function stringSchema(schema: z.ZodString | z.ZodISODateTime): JsonSchema {
  if (schema instanceof z.ZodISODateTime) return { type: 'string', format: 'date-time' }
  const pattern = checksOf(schema).find(check => check.pattern !== undefined)?.pattern?.source
  return {
    type: 'string',
    ...(pattern === undefined ? {} : { pattern: pattern.replaceAll('\\/', '/') }),
    ...boundsOf(schema, { minimum: 'minLength', maximum: 'maxLength' }),
  }
}

interface Check {
  readonly check: string
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: RegExp
}

function checksOf(schema: z.ZodType): readonly Check[] {
  return (schema.def.checks ?? []).map(check => check._zod.def as unknown as Check)
}

function boundsOf(
  schema: z.ZodType,
  names: { readonly minimum: 'minItems' | 'minLength'; readonly maximum: 'maxItems' | 'maxLength' },
): JsonSchema {
  let bounds: JsonSchema = {}
  for (const { check, minimum, maximum } of checksOf(schema)) {
    if (check === 'min_length' && minimum !== undefined) bounds = { ...bounds, [names.minimum]: minimum }
    if (check === 'max_length' && maximum !== undefined) bounds = { ...bounds, [names.maximum]: maximum }
  }
  return bounds
}

function defaultOf(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return schema.def.defaultValue
  return undefined
}
