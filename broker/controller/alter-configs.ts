import type { ErrorName } from '../../protocol/index.ts'
import { type ConfigResource, configsOf, configResourceKey, type MetadataImage } from '../metadata/image.ts'
import type {
  AlterConfigs,
  AlterConfigsResult,
  ConfigChange,
  IncrementalAlterConfigs,
} from './controller-client.ts'
import type { ConfigRules, Decision, DecisionContext } from './decision.ts'

type FullResource = AlterConfigs['resources'][number]
type IncrementalResource = IncrementalAlterConfigs['resources'][number]

/** Each different resource once, and the keys of those that came more than once. */
export function distinctResources<R extends ConfigResource>(
  resources: readonly R[],
): { resources: R[]; repeated: ReadonlySet<string> } {
  const byKey = new Map<string, R>()
  const repeated = new Set<string>()
  for (const resource of resources) {
    const key = configResourceKey(resource.type, resource.name)
    if (byKey.has(key)) repeated.add(key)
    else byKey.set(key, resource)
  }
  return { resources: [...byKey.values()], repeated }
}

/** Replaces all overrides of one resource. */
export function replaceConfigs(
  image: MetadataImage,
  resource: FullResource,
  context: DecisionContext,
): Decision<AlterConfigsResult> {
  const overrides = new Map<string, string>()
  for (const { name, value } of resource.configs) {
    if (overrides.has(name))
      return refuseConfigs(resource, 'INVALID_REQUEST', `The setting ${name} was given more than once.`)
    if (value === null)
      return refuseConfigs(resource, 'INVALID_CONFIG', `The setting ${name} was given without a value.`)
    overrides.set(name, value)
  }
  return decideOverrides(image, resource, overrides, context)
}

/** Sets, deletes, appends and subtracts single settings of one resource. */
export function changeConfigs(
  image: MetadataImage,
  resource: IncrementalResource,
  context: DecisionContext,
): Decision<AlterConfigsResult> {
  const overrides = new Map(configsOf(image, resource.type, resource.name))
  const seen = new Set<string>()
  for (const change of resource.configs) {
    if (seen.has(change.name)) {
      return refuseConfigs(
        resource,
        'INVALID_REQUEST',
        `The setting ${change.name} was given more than once.`,
      )
    }
    seen.add(change.name)
    const mistake = applyConfigChange(resource, overrides, change, context.rules.configs)
    if (mistake !== null) return refuseConfigs(resource, 'INVALID_CONFIG', mistake)
  }
  return decideOverrides(image, resource, overrides, context)
}

export function refuseConfigs(
  { type, name }: ConfigResource,
  error: ErrorName,
  message: string,
): Decision<AlterConfigsResult> {
  return { changes: [], result: { type, name, error, message } }
}

/** Changes `overrides` in place; a sentence when the change cannot be made. */
function applyConfigChange(
  resource: ConfigResource,
  overrides: Map<string, string>,
  { name, operation, value }: ConfigChange,
  rules: ConfigRules,
): string | null {
  if (operation === 'DELETE') {
    overrides.delete(name)
    return null
  }
  if (value === null) return `The setting ${name} was given without a value.`
  if (operation === 'SET') {
    overrides.set(name, value)
    return null
  }
  if (!rules.isList(resource.type, name))
    return `Can't ${operation} to the setting ${name}: it is not a list.`
  const now = listOf(overrides.get(name) ?? rules.defaultValue(resource.type, name) ?? '')
  const given = listOf(value)
  const changed =
    operation === 'APPEND'
      ? [...now, ...given.filter(item => !now.includes(item))]
      : now.filter(item => !given.includes(item))
  overrides.set(name, changed.join(','))
  return null
}

function decideOverrides(
  image: MetadataImage,
  resource: ConfigResource,
  overrides: ReadonlyMap<string, string>,
  context: DecisionContext,
): Decision<AlterConfigsResult> {
  const { type, name } = resource
  const missing = findMissingResource(image, resource)
  if (missing !== null) return refuseConfigs(resource, missing.error, missing.message)
  const mistake =
    findMistakeInScope(resource, overrides) ?? context.rules.configs.findMistake({ type, name }, overrides)
  if (mistake !== null) return refuseConfigs(resource, 'INVALID_CONFIG', mistake)

  const result: AlterConfigsResult = { type, name, error: 'NONE', message: null }
  if (areEqual(configsOf(image, type, name), overrides)) return { changes: [], result }
  return {
    changes: [{ kind: 'config', type, name, overrides: overrides.size === 0 ? null : overrides }],
    result,
  }
}

/** All leaders of a partition must go by one value, or who is eligible for one of them is not for another (KIP-966). */
function findMistakeInScope(
  { type, name }: ConfigResource,
  overrides: ReadonlyMap<string, string>,
): string | null {
  if (type !== 'broker' || name === '' || !overrides.has('min.insync.replicas')) return null
  return 'min.insync.replicas can be set for topics, or for the whole cluster (the broker resource without a name), not for one broker.'
}

function findMissingResource(
  image: MetadataImage,
  { type, name }: ConfigResource,
): { error: ErrorName; message: string } | null {
  if (type === 'topic') {
    if (image.topicsByName.has(name)) return null
    return { error: 'UNKNOWN_TOPIC_OR_PARTITION', message: `The topic '${name}' does not exist.` }
  }
  if (type === 'broker') return findMissingBroker(image, name)
  if (name !== '') return null
  const kind = type === 'group' ? 'group' : 'client metrics'
  return { error: 'INVALID_REQUEST', message: `Default ${kind} resources are not allowed.` }
}

function findMissingBroker(image: MetadataImage, name: string): { error: ErrorName; message: string } | null {
  if (name === '') return null
  if (!/^(0|[1-9][0-9]{0,9})$/.test(name)) {
    return {
      error: 'INVALID_REQUEST',
      message: `A broker's id is a whole number, or empty for all brokers; it was '${name}'.`,
    }
  }
  const id = Number(name)
  if (image.brokers.has(id) || image.brokerStates.has(id)) return null
  return { error: 'BROKER_ID_NOT_REGISTERED', message: `No broker with id ${id} found.` }
}

function listOf(value: string): string[] {
  return value
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

function areEqual(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  if (one.size !== other.size) return false
  for (const [key, value] of one) if (other.get(key) !== value) return false
  return true
}
