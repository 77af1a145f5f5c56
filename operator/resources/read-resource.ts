/**
 * From what a manifest holds to a checked `Cluster` or `Topic`, or everything that is wrong with it at once, each
 * mistake with the path of the field. Pure.
 */
import * as z from 'zod'
import { nearestName } from '../../broker/config/nearest-name.ts'
import { apiVersion, type Cluster, cluster } from './cluster.ts'
import { fieldOfSetting, followsFromTheRest } from './owned-settings.ts'
import { settingOfField, type Topic, topic } from './topic.ts'

export type Path = readonly (string | number)[]

export interface Mistake {
  readonly path: Path
  /** Goes on from the path: "must be at least 1". */
  readonly sentence: string
}

export type Resource =
  | { readonly kind: 'Cluster'; readonly cluster: Cluster }
  | { readonly kind: 'Topic'; readonly topic: Topic }

export type ReadResource =
  | { readonly mistakes: readonly []; readonly resource: Resource }
  | { readonly mistakes: readonly Mistake[]; readonly resource?: undefined }

export function readResource(raw: unknown): ReadResource {
  const object = asObject(raw)
  if (object === undefined)
    return {
      mistakes: [{ path: [], sentence: 'must be an object with apiVersion, kind, metadata and spec' }],
    }
  switch (object['kind']) {
    case 'Cluster': {
      const parsed = cluster.safeParse(raw)
      const mistakes = [...sentencesOf(parsed.error, cluster), ...checkCluster(object)]
      if (parsed.data === undefined || mistakes.length > 0) return { mistakes }
      return { mistakes: [], resource: { kind: 'Cluster', cluster: parsed.data } }
    }
    case 'Topic': {
      const parsed = topic.safeParse(raw)
      const mistakes = [...sentencesOf(parsed.error, topic), ...checkTopic(object)]
      if (parsed.data === undefined || mistakes.length > 0) return { mistakes }
      return { mistakes: [], resource: { kind: 'Topic', topic: parsed.data } }
    }
    default:
      return { mistakes: [{ path: ['kind'], sentence: `must be Cluster or Topic (of ${apiVersion})` }] }
  }
}

/** As people write it: spec.listeners[0].port. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    if (!/^[\w-]+$/.test(part)) return `${text}['${part}']`
    return text === '' ? part : `${text}.${part}`
  }, '')
}

function sentencesOf(error: z.ZodError | undefined, schema: z.ZodType): Mistake[] {
  return (error?.issues ?? []).flatMap(issue => {
    const path = issue.path.map(part => (typeof part === 'symbol' ? String(part) : part))
    if (issue.code !== 'unrecognized_keys') return [{ path, sentence: sentenceOf(issue) }]
    return issue.keys.map(key => {
      const near = nearestName(key, fieldsAt(schema, path))
      const meant = near === undefined ? 'remove it' : `is ${near} meant?`
      return { path: [...path, key], sentence: `is not a field; ${meant}` }
    })
  })
}

/** Our own schemas carry sentences that begin with "must"; the rest is zod's. */
function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.message.startsWith('must ')) return issue.message
  if (issue.code === 'invalid_type') {
    const expected = issue.expected === 'object' || issue.expected === 'record' ? 'a map' : issue.expected
    return `must be ${expected === 'array' ? 'a list' : expected === 'string' ? 'text' : expected}`
  }
  return `is not right: ${issue.message}`
}

function fieldsAt(schema: z.ZodType, path: Path): string[] {
  let at: z.ZodType | undefined = schema
  for (const part of path) at = at === undefined ? undefined : childOf(at, part)
  return at === undefined ? [] : fieldNames(at)
}

/** The fields of an object's schema; none of any other. */
export function fieldNames(schema: z.ZodType): string[] {
  const inner = unwrap(schema)
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : []
}

/** The schema of a field of an object or of an element of a list. */
export function childOf(schema: z.ZodType, part: string | number): z.ZodType | undefined {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodObject) {
    const shape: Readonly<Record<string, z.ZodType>> = inner.shape
    return Object.hasOwn(shape, part) ? shape[part] : undefined
  }
  return inner instanceof z.ZodArray ? (inner.element as z.ZodType) : undefined
}

/** The schema without what says that it may be absent. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let at = schema
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault) {
    at = at.unwrap() as z.ZodType
  }
  return at
}

// ---- what single fields cannot tell. The raw values are looked at, so that these are told along with the others. ----

type Raw = Readonly<Record<string, unknown>>

function asObject(value: unknown): Raw | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : undefined
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((object, key) => asObject(object)?.[key], value)
}

function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path)
  return typeof found === 'number' ? found : undefined
}

function checkCluster(raw: Raw): Mistake[] {
  return [...checkListeners(raw), ...checkEtcd(raw), ...checkTopicDefaults(raw), ...checkOwnedSettings(raw)]
}

function checkListeners(raw: Raw): Mistake[] {
  const listeners = at(raw, 'spec', 'listeners')
  if (!Array.isArray(listeners)) return []
  const mistakes: Mistake[] = []
  const seen = { name: new Map<unknown, number>(), port: new Map<unknown, number>() }
  for (const [index, listener] of listeners.entries()) {
    const path = ['spec', 'listeners', index]
    for (const key of ['name', 'port'] as const) {
      const value = at(listener, key)
      const first = seen[key].get(value)
      if (value === undefined) continue
      if (first === undefined) seen[key].set(value, index)
      else
        mistakes.push({ path: [...path, key], sentence: `must differ from that of spec.listeners[${first}]` })
    }
    const mode = at(listener, 'tls', 'mode') ?? 'Disabled'
    if (at(listener, 'authentication') === 'MutualTLS' && mode === 'Disabled') {
      mistakes.push({ path: [...path, 'authentication'], sentence: 'must not be MutualTLS without tls.mode' })
    }
  }
  return mistakes
}

function checkEtcd(raw: Raw): Mistake[] {
  const etcd = asObject(at(raw, 'spec', 'etcd'))
  if (etcd === undefined) return []
  const chosen = ['managed', 'endpoints'].filter(key => etcd[key] !== undefined)
  if (chosen.length === 1) return []
  return [{ path: ['spec', 'etcd'], sentence: 'must have one of managed and endpoints, and only one' }]
}

function checkTopicDefaults(raw: Raw): Mistake[] {
  const brokers = Math.max(1, numberAt(raw, 'spec', 'brokers', 'replicas') ?? 3)
  const path = ['spec', 'topicDefaults']
  const replicas = numberAt(raw, ...path, 'replicationFactor')
  const least = numberAt(raw, ...path, 'minInsyncReplicas')
  const mistakes: Mistake[] = []
  if (replicas !== undefined && replicas > brokers) {
    mistakes.push({
      path: [...path, 'replicationFactor'],
      sentence: `must be at most the number of brokers, ${brokers}`,
    })
  }
  const effective = replicas ?? Math.min(3, brokers)
  if (least !== undefined && least > 1 && least >= effective) {
    mistakes.push({
      path: [...path, 'minInsyncReplicas'],
      sentence: `must be less than the number of replicas, ${effective}, or no broker could stop`,
    })
  }
  return mistakes
}

function checkOwnedSettings(raw: Raw): Mistake[] {
  const config = asObject(at(raw, 'spec', 'config'))
  return Object.keys(config ?? {}).flatMap(name => {
    const path = ['spec', 'config', name]
    const field = Object.hasOwn(fieldOfSetting, name) ? fieldOfSetting[name] : undefined
    if (field !== undefined) return [{ path, sentence: `must not be given here; use ${field}` }]
    if (followsFromTheRest(name))
      return [{ path, sentence: 'must not be given; it follows from the rest of the Cluster' }]
    return []
  })
}

function checkTopic(raw: Raw): Mistake[] {
  const spec = asObject(raw['spec'])
  const config = asObject(spec?.['config'])
  const mistakes: Mistake[] = []
  for (const [path, setting] of settingOfField) {
    if (at(spec, ...path) === undefined || config?.[setting] === undefined) continue
    mistakes.push({
      path: ['spec', 'config', setting],
      sentence: `must not be given twice; it is spec.${path.join('.')} already`,
    })
  }
  const replicas = numberAt(spec, 'replicationFactor')
  const least = numberAt(spec, 'minInsyncReplicas')
  if (replicas !== undefined && least !== undefined && least > replicas) {
    mistakes.push({
      path: ['spec', 'minInsyncReplicas'],
      sentence: `must be at most replicationFactor, ${replicas}`,
    })
  }
  return mistakes
}
