/**
 * What DescribeConfigs tells of each kind of resource: the value in force, the level it comes from, and the chain of
 * levels below it. Pure.
 */
import {
  type BrokerSettingName,
  type BrokerSettings,
  brokerSettingTable,
  isBrokerSetting,
} from './broker-settings.ts'
import { clientMetricsSettings } from './client-metrics-settings.ts'
import { type BrokerLevels, isDynamic, type Overrides } from './dynamic-settings.ts'
import { groupSettings, groupSynonyms } from './group-settings.ts'
import { splitScoped } from './listener-scope.ts'
import { formatValue } from './parse-value.ts'
import type { Setting, SettingTable, SettingType } from './setting-types.ts'
import { topicSettingsFor, topicSettingTable, topicSynonyms } from './topic-settings.ts'

/** Kafka's codes of where a value comes from. */
export const configSource = {
  unknown: 0,
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  dynamicBrokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const

export interface DescribedConfig {
  readonly name: string
  /** Null: not set, or a secret. */
  readonly value: string | null
  readonly readOnly: boolean
  /** One of configSource. */
  readonly source: number
  readonly isSensitive: boolean
  /** Every level that gives a value, the one in force first. */
  readonly synonyms: readonly ConfigSynonym[]
  /** Kafka's code of the type. */
  readonly type: number
  readonly documentation: string
}

export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}

/** What the broker that answers knows of its own settings. */
export interface BrokerView {
  readonly settings: BrokerSettings
  readonly levels: BrokerLevels
}

const typeCodes: { readonly [Type in SettingType]: number } = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}

/** All settings of a topic that has these overrides. */
export function describeTopicConfigs(overrides: Overrides, broker: BrokerView): DescribedConfig[] {
  const values = new Map<string, unknown>(Object.entries(topicSettingsFor(overrides, broker.settings)))
  const table: SettingTable = topicSettingTable
  return Object.entries(table).map(([name, setting]) => {
    const value = formatValue(setting.type, values.get(name))
    const synonyms = brokerChain(synonymsOfTopic.get(name) ?? [], broker.levels)
    if (overrides.has(name)) synonyms.unshift({ name, value, source: configSource.topic })
    return describe(name, setting, { value, synonyms, readOnly: false })
  })
}

const synonymsOfTopic = new Map(Object.entries(topicSynonyms))

/** All settings of the broker that answers. */
export function describeBrokerConfigs({ settings, levels }: BrokerView): DescribedConfig[] {
  const described = Object.entries(brokerSettingTable as SettingTable).map(([name, setting]) => {
    const value = formatValue(setting.type, settings[name as BrokerSettingName])
    const synonyms = brokerChain(synonymsOfBroker(name), levels, name)
    return describe(name, setting, { value, synonyms, readOnly: !isDynamic(name) })
  })
  return [...described, ...describeScoped(levels)]
}

/** What is set for all brokers at once; nothing else belongs to that resource. */
export function describeClusterDefaults({ levels }: BrokerView): DescribedConfig[] {
  return [...levels.clusterDefault].map(([given, value]) => {
    const setting = settingOf(splitScoped(given)?.name ?? given)
    const shown = setting === undefined || setting.sensitive ? null : value
    const synonyms = [{ name: given, value: shown, source: configSource.dynamicDefaultBroker }]
    return describe(given, setting, { value: shown, synonyms, readOnly: !isDynamic(given) })
  })
}

/** All settings of a group that has these overrides. */
export function describeGroupConfigs(overrides: Overrides, broker: BrokerView): DescribedConfig[] {
  const table: SettingTable = groupSettings
  return Object.entries(table).map(([name, setting]) => {
    const synonym = groupSynonyms[name]
    const inherited = synonym === undefined ? setting.default : broker.settings[synonym]
    const value = overrides.get(name) ?? formatValue(setting.type, inherited)
    const synonyms = synonym === undefined ? [] : brokerChain([synonym], broker.levels)
    if (overrides.has(name)) synonyms.unshift({ name, value, source: configSource.group })
    return describe(name, setting, { value, synonyms, readOnly: false })
  })
}

/** All settings of a client metrics subscription that has these overrides. */
export function describeClientMetricsConfigs(overrides: Overrides): DescribedConfig[] {
  const table: SettingTable = clientMetricsSettings
  return Object.entries(table).map(([name, setting]) => {
    const given = overrides.get(name)
    const value = given ?? formatValue(setting.type, setting.default)
    const synonyms = given === undefined ? [] : [{ name, value, source: configSource.clientMetrics }]
    return describe(name, setting, { value, synonyms, readOnly: false })
  })
}

/** The levels of the loggers of the broker that answers, in Kafka's words (ERROR, INFO, …). */
export function describeBrokerLoggers(levels: ReadonlyMap<string, string>): DescribedConfig[] {
  return [...levels].map(([name, level]) => ({
    name,
    value: level.toUpperCase(),
    readOnly: false,
    source: configSource.dynamicBrokerLogger,
    isSensitive: false,
    synonyms: [],
    type: typeCodes.string,
    documentation: 'Least severe events that this logger writes.',
  }))
}

function describe(
  name: string,
  setting: Setting<unknown> | undefined,
  found: { value: string | null; synonyms: ConfigSynonym[]; readOnly: boolean },
): DescribedConfig {
  const isSensitive = setting === undefined || setting.sensitive
  return {
    name,
    value: isSensitive ? null : found.value,
    readOnly: found.readOnly,
    source: found.synonyms[0]?.source ?? configSource.default,
    isSensitive,
    synonyms: found.synonyms,
    type: setting === undefined ? 0 : typeCodes[setting.type],
    documentation: setting?.sentence ?? '',
  }
}

/** Families in which a stronger name wins over a weaker one. */
const families: readonly (readonly BrokerSettingName[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
]

function synonymsOfBroker(name: string): readonly string[] {
  return families.find(family => family.some(member => member === name)) ?? [name]
}

/**
 * Every level that gives one of `names` a value: for this broker, for all, at start, by default; within a level the
 * stronger name first. As Kafka does it, the chain begins at the first entry of `shown` (the strongest of `names` when
 * it is left out): so a topic's retention.ms that follows log.retention.hours has an empty chain.
 */
function brokerChain(
  names: readonly string[],
  levels: BrokerLevels,
  shown: string | undefined = names[0],
): ConfigSynonym[] {
  const chain: ConfigSynonym[] = []
  const add = (source: number, valueOf: (name: string) => string | null | undefined): void => {
    for (const name of names) {
      const value = valueOf(name)
      if (value === undefined || value === null) continue
      chain.push({ name, value: settingOf(name)?.sensitive === true ? null : value, source })
    }
  }
  add(configSource.dynamicBroker, name => levels.thisBroker.get(name))
  add(configSource.dynamicDefaultBroker, name => levels.clusterDefault.get(name))
  add(configSource.staticBroker, name => levels.given.get(name))
  add(configSource.default, name => {
    const setting = isBrokerSetting(name) ? brokerSettingTable[name] : undefined
    return setting === undefined ? null : formatValue(setting.type, setting.default)
  })
  const first = chain.findIndex(({ name }) => name === shown)
  return first === -1 ? [] : chain.slice(first)
}

/** Settings given for one listener alone: there is no table of them, only those that were given. */
function describeScoped(levels: BrokerLevels): DescribedConfig[] {
  const names = new Set(
    [levels.thisBroker, levels.clusterDefault, levels.given].flatMap(level =>
      [...level.keys()].filter(name => splitScoped(name) !== undefined),
    ),
  )
  return [...names].map(given => {
    const name = splitScoped(given)?.name ?? given
    const setting = settingOf(name)
    const synonyms = scopedChain([given, name], levels)
    return describe(given, setting, {
      value: synonyms[0]?.value ?? null,
      synonyms,
      readOnly: !isDynamic(name),
    })
  })
}

function scopedChain(names: readonly string[], levels: BrokerLevels): ConfigSynonym[] {
  // The scoped name wins over the plain one whatever the level.
  return names.flatMap(name => brokerChain([name], levels))
}

function settingOf(name: string): Setting<unknown> | undefined {
  if (isBrokerSetting(name)) return brokerSettingTable[name]
  const scoped = splitScoped(name)
  return scoped === undefined || !isBrokerSetting(scoped.name) ? undefined : brokerSettingTable[scoped.name]
}
