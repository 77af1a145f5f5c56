/**
 * The broker's settings in force: what it started with, and over it what was changed while it ran, for all brokers
 * (cluster default) or for this one. The strongest level that gives a value wins.
 */
import { type BrokerSettings, brokerSettingTable, isBrokerSetting } from './broker-settings.ts'
import { splitScoped } from './listener-scope.ts'
import { parseValue } from './parse-value.ts'

export type Overrides = ReadonlyMap<string, string>

/** The levels as text, the strongest last; below them stand the defaults. */
export interface BrokerLevels {
  /** Given at start. */
  readonly given: Overrides
  readonly clusterDefault: Overrides
  readonly thisBroker: Overrides
}

const none: Overrides = new Map()

/** One broker's settings as they change. Others read `current` whenever they need a value and keep nothing. */
export class DynamicBrokerSettings {
  readonly #start: BrokerSettings
  readonly #listeners: ((current: BrokerSettings, previous: BrokerSettings) => void)[] = []
  #levels: BrokerLevels
  #current: BrokerSettings

  constructor(start: BrokerSettings, given: Overrides) {
    this.#start = start
    this.#current = start
    this.#levels = { given, clusterDefault: none, thisBroker: none }
  }

  /** The same object until something changes. */
  get current(): BrokerSettings {
    return this.#current
  }

  get levels(): BrokerLevels {
    return this.#levels
  }

  /** Called after each change, in the order of registration. */
  onChange(listener: (current: BrokerSettings, previous: BrokerSettings) => void): void {
    this.#listeners.push(listener)
  }

  /** Takes the overrides of the image: resource broker with the empty name, and with this broker's id. */
  update(clusterDefault: Overrides = none, thisBroker: Overrides = none): void {
    if (clusterDefault === this.#levels.clusterDefault && thisBroker === this.#levels.thisBroker) return
    this.#levels = { given: this.#levels.given, clusterDefault, thisBroker }
    const previous = this.#current
    this.#current = settingsInForce(this.#start, this.#levels)
    for (const listener of this.#listeners) listener(this.#current, previous)
  }

  /** As they hold for one listener: settings given for it alone win over all others. */
  forListener(listener: string): BrokerSettings {
    return settingsOfListener(this.#current, this.#levels, listener)
  }
}

/**
 * `start` with what the dynamic levels change. Values that cannot be read, and settings that need a restart, are passed
 * over: they were refused when they were set, or come from another release.
 */
export function settingsInForce(start: BrokerSettings, levels: BrokerLevels): BrokerSettings {
  const { clusterDefault, thisBroker } = levels
  if (clusterDefault.size === 0 && thisBroker.size === 0) return start
  const values: Record<string, unknown> = { ...start }
  for (const level of [clusterDefault, thisBroker]) {
    for (const [name, text] of level) {
      if (isBrokerSetting(name) && isDynamic(name)) read(values, name, name, text)
    }
  }
  return Object.freeze(values) as BrokerSettings
}

/** Whether the setting can be changed without a restart. */
export function isDynamic(name: string): boolean {
  return isBrokerSetting(name) && brokerSettingTable[name].update !== 'read-only'
}

function settingsOfListener(current: BrokerSettings, levels: BrokerLevels, listener: string): BrokerSettings {
  const values: Record<string, unknown> = { ...current }
  for (const level of [levels.given, levels.clusterDefault, levels.thisBroker]) {
    for (const [name, text] of level) {
      const scoped = splitScoped(name)
      if (scoped === undefined || scoped.mechanism !== undefined) continue
      if (scoped.listener === listener.toLowerCase()) read(values, scoped.name, name, text)
    }
  }
  return Object.freeze(values) as BrokerSettings
}

function read(into: Record<string, unknown>, name: string, given: string, text: string): void {
  if (!isBrokerSetting(name)) return
  const parsed = parseValue(given, brokerSettingTable[name], text)
  if (parsed.mistake === undefined) into[name] = parsed.value
}
