/** The words in which shapes of Kubernetes' own are declared. */
import * as z from 'zod'
import { atomic, definedAt, integer, onKubernetes, told } from './field.ts'
import type { JsonSchema } from './json-schema.ts'

/** Kubernetes keeps user and group ids, weights and counts below this. */
export const mostInt32 = 2 ** 31 - 1

/** A shape as version 1.35 of Kubernetes has it, with its name in the reference: `affinity-v1-core`. */
export function shapeOfKubernetes<Schema extends z.ZodType>(schema: Schema, name: string): Schema {
  return definedAt(schema, `https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.35/#${name}`)
}

export function text() {
  return z.string('must be text')
}

/** Text that is not empty. */
export function name() {
  return text().min(1, 'must not be empty')
}

export function optionalText(sentence: string) {
  return onKubernetes(text().optional(), sentence)
}

export function optionalFlag(sentence: string) {
  return onKubernetes(z.boolean('must be true or false').optional(), sentence)
}

export function optionalInteger(from: number, to: number, sentence: string) {
  return onKubernetes(integer(from, to).optional(), sentence)
}

export function choice<const Values extends readonly [string, ...string[]]>(...values: Values) {
  const names = values.map(value => (value === '' ? '""' : value))
  return z.enum(values, `must be ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`)
}

export function texts(sentence: string) {
  return onKubernetes(atomic(z.array(text(), 'must be a list')).optional(), sentence)
}

/** A map of names to texts, of any size. */
export function textByName(sentence: string) {
  const schema = z.record(z.string(), z.string('must be text; put it in quotes'), 'must be a map')
  const asKubernetes = told(schema, { type: 'object', additionalProperties: { type: 'string' } })
  return onKubernetes(asKubernetes.optional(), sentence)
}

/** Signed, with a point anywhere, and with a suffix of either kind or an exponent. */
const quantityPattern = /^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/

/** How the API server is told of a quantity. */
export const kubernetesQuantitySchema: JsonSchema = {
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  pattern: quantityPattern.source,
  'x-kubernetes-int-or-string': true,
}

/** Stays as it was written. */
export function kubernetesQuantity() {
  const sentence = 'must be a quantity such as 500m, 2 or 4Gi'
  const schema = z
    .union([z.string(), z.number()], sentence)
    .refine(value => quantityPattern.test(String(value)), sentence)
  return told(schema, kubernetesQuantitySchema)
}
