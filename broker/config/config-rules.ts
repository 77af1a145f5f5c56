/**
 * Which overrides may be stored for a resource: the controller asks before it commits a change. Messages are Kafka's
 * where it has one, so that tools which read them go on working.
 */
import {
  type BrokerSettingName,
  type BrokerSettings,
  brokerSettingTable,
  isBrokerSetting,
} from './broker-settings.ts'
import { checkBrokerSettings } from './check-broker-settings.ts'
import { clientMetricsSettings } from './client-metrics-settings.ts'
import { isDynamic, type Overrides, settingsInForce } from './dynamic-settings.ts'
import { groupSettings, groupSynonyms } from './group-settings.ts'
import { splitScoped } from './listener-scope.ts'
import { nearestName } from './nearest-name.ts'
import { formatValue, parseValue, splitList } from './parse-value.ts'
import { securitySettings } from './security-settings.ts'
import type { Setting, SettingTable } from './setting-types.ts'
import { topicSettingsFor, topicSettingTable } from './topic-settings.ts'

export type ConfigKind = 'topic' | 'broker' | 'group' | 'client-metrics'

export interface ConfigRules {
  /** A sentence when these overrides, all together, may not be stored for the resource; else null. */
  findMistake(
    resource: { readonly type: ConfigKind; readonly name: string },
    overrides: Overrides,
  ): string | null
  /** Whether the setting is a list, so that APPEND and SUBTRACT make sense. */
  isList(type: ConfigKind, setting: string): boolean
  /** The value in force without an override, or null when there is none. */
  defaultValue(type: ConfigKind, setting: string): string | null
}

/** `current` gives the settings in force on the broker that decides. */
export function configRules(current: () => BrokerSettings): ConfigRules {
  return {
    findMistake({ type, name }, overrides) {
      switch (type) {
        case 'topic':
          return findTopicMistake(overrides, current())
        case 'broker':
          return findBrokerMistake(name, overrides, current())
        case 'group':
          return findGroupMistake(overrides, current())
        case 'client-metrics':
          return findClientMetricsMistake(overrides)
      }
    },
    isList: (type, name) => tables[type][withoutScope(type, name)]?.type === 'list',
    defaultValue(type, name) {
      const setting = tables[type][withoutScope(type, name)]
      if (setting === undefined) return null
      return formatValue(setting.type, valueWithoutOverride(type, name, setting, current()))
    },
  }
}

const tables: { readonly [Kind in ConfigKind]: SettingTable } = {
  topic: topicSettingTable,
  broker: brokerSettingTable,
  group: groupSettings,
  'client-metrics': clientMetricsSettings,
}

function withoutScope(type: ConfigKind, name: string): string {
  return type === 'broker' ? (splitScoped(name)?.name ?? name) : name
}

function valueWithoutOverride(
  type: ConfigKind,
  name: string,
  setting: Setting<unknown>,
  broker: BrokerSettings,
): unknown {
  switch (type) {
    case 'topic':
      return new Map<string, unknown>(Object.entries(topicSettingsFor(new Map(), broker))).get(name)
    case 'broker':
      return isBrokerSetting(name) ? broker[name] : setting.default
    case 'group': {
      const synonym = groupSynonyms[name]
      return synonym === undefined ? setting.default : broker[synonym]
    }
    case 'client-metrics':
      return setting.default
  }
}

/** The first value that its own setting does not allow. */
function findValueMistake(
  overrides: Overrides,
  table: SettingTable,
  unknown: (name: string) => string,
): string | null {
  for (const [name, text] of overrides) {
    const setting = Object.hasOwn(table, name) ? table[name] : undefined
    if (setting === undefined) return unknown(name)
    const parsed = parseValue(name, setting, text)
    if (parsed.mistake !== undefined) return parsed.mistake
  }
  return null
}

function withSuggestion(sentence: string, name: string, table: SettingTable): string {
  const near = nearestName(name, Object.keys(table))
  return near === undefined ? sentence : `${sentence} (is ${near} meant?)`
}

function findTopicMistake(overrides: Overrides, broker: BrokerSettings): string | null {
  const mistake = findValueMistake(overrides, topicSettingTable, name =>
    withSuggestion(`Unknown topic config name: ${name}`, name, topicSettingTable),
  )
  if (mistake !== null) return mistake
  const settings = topicSettingsFor(overrides, broker)
  const least = settings['min.compaction.lag.ms']
  const most = settings['max.compaction.lag.ms']
  if (least > most) {
    return `conflict topic config setting min.compaction.lag.ms (${least}) > max.compaction.lag.ms (${most})`
  }
  if (settings['remote.storage.enable'] && !broker['remote.log.storage.system.enable']) {
    return 'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.'
  }
  return null
}

function findBrokerMistake(brokerId: string, overrides: Overrides, broker: BrokerSettings): string | null {
  const names = [...overrides.keys()].map(given => ({ given, name: splitScoped(given)?.name ?? given }))
  const unknown = names.find(({ name }) => !isBrokerSetting(name))
  if (unknown !== undefined) {
    return withSuggestion(`Unknown broker config name: ${unknown.given}`, unknown.name, brokerSettingTable)
  }
  const refused = (
    sentence: string,
    isRefused: (setting: { given: string; name: string }) => boolean,
  ): string | null => {
    const found = names.filter(isRefused).map(({ given }) => given)
    return found.length === 0 ? null : `${sentence}: [${found.join(', ')}]`
  }
  const mistake =
    refused('Cannot update these configs dynamically', ({ name }) => !isDynamic(name)) ??
    refused(
      'These security configs can be dynamically updated only per-listener using the listener prefix',
      ({ given, name }) => given === name && isStoreSetting(name),
    ) ??
    (brokerId === ''
      ? refused(
          'Cannot update these configs at default cluster level, broker id must be specified',
          ({ given, name }) => isPerBroker(given, name),
        )
      : null)
  if (mistake !== null) return mistake
  for (const [given, text] of overrides) {
    const name = splitScoped(given)?.name ?? given
    const parsed = parseValue(given, brokerSettingTable[name as BrokerSettingName], text)
    if (parsed.mistake !== undefined) return parsed.mistake
  }
  return findCombinationMistake(overrides, broker)
}

/** Something that cannot stand with the other settings, and did not stand before. */
function findCombinationMistake(overrides: Overrides, broker: BrokerSettings): string | null {
  const changed = settingsInForce(broker, {
    given: new Map(),
    clusterDefault: overrides,
    thisBroker: new Map(),
  })
  const isGiven = (name: string): boolean => overrides.has(name)
  const before = new Set(checkBrokerSettings(broker, isGiven))
  return checkBrokerSettings(changed, isGiven).find(mistake => !before.has(mistake)) ?? null
}

/** Key and trust stores: their files differ by listener. */
function isStoreSetting(name: string): boolean {
  return /^ssl\.(keystore|truststore|key)\./.test(name) && Object.hasOwn(securitySettings, name)
}

function isPerBroker(given: string, name: string): boolean {
  if (given !== name) return !clusterLevelOfListeners.includes(name)
  return isBrokerSetting(name) && brokerSettingTable[name].update === 'per-broker'
}

/** Settings of a listener that may be the same on all brokers. */
const clusterLevelOfListeners: readonly string[] = [
  'max.connections',
  'max.connection.creation.rate',
  'num.network.threads',
]

function findGroupMistake(overrides: Overrides, broker: BrokerSettings): string | null {
  const mistake = findValueMistake(overrides, groupSettings, name =>
    withSuggestion(`Unknown group config name: ${name}`, name, groupSettings),
  )
  if (mistake !== null) return mistake
  const limits: { readonly [name: string]: unknown } = broker
  for (const [name, text] of overrides) {
    const synonym = groupSynonyms[name]
    if (synonym === undefined) continue
    const value = Number(text)
    const [, kind = '', what = ''] = /^group\.([a-z]+)\.(.*)$/.exec(synonym) ?? []
    const least = limits[`group.${kind}.min.${what}`]
    if (typeof least === 'number' && value < least) {
      return `${name} must be greater than or equal to group.${kind}.min.${what}`
    }
    const largest = what === 'num.standby.replicas' ? 'max.standby.replicas' : `max.${what}`
    const most = limits[`group.${kind}.${largest}`]
    if (typeof most === 'number' && value > most) {
      return `${name} must be less than or equal to group.${kind}.${largest}`
    }
  }
  for (const kind of ['consumer', 'share', 'streams'] as const) {
    const session = Number(
      overrides.get(`${kind}.session.timeout.ms`) ?? broker[`group.${kind}.session.timeout.ms`],
    )
    const heartbeat = Number(
      overrides.get(`${kind}.heartbeat.interval.ms`) ?? broker[`group.${kind}.heartbeat.interval.ms`],
    )
    if (session <= heartbeat) {
      return `${kind}.session.timeout.ms must be greater than ${kind}.heartbeat.interval.ms`
    }
  }
  return null
}

const clientSelectors: readonly string[] = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]

function findClientMetricsMistake(overrides: Overrides): string | null {
  const mistake = findValueMistake(
    overrides,
    clientMetricsSettings,
    name => `Unknown client metrics configuration: ${name}`,
  )
  if (mistake !== null) return mistake
  for (const pattern of splitList(overrides.get('match') ?? '')) {
    const [selector = '', expression, ...more] = pattern.split('=').map(part => part.trim())
    const isKnown = clientSelectors.includes(selector) && expression !== undefined && more.length === 0
    if (!isKnown || !isRegularExpression(expression)) return `Illegal client matching pattern: ${pattern}`
  }
  return null
}

function isRegularExpression(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}
