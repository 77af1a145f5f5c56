/**
 * From files such as `server.properties`, the settings of a manifest and the environment to checked settings, or all that is wrong
 * with them at once. Later sources win: file, manifest, environment.
 */
import {
  type BrokerSettings,
  brokerSettingTable,
  defaultBrokerSettings,
  isBrokerSetting,
} from './broker-settings.ts'
import { checkBrokerSettings } from './check-broker-settings.ts'
import { settingsFromEnvironment } from './environment.ts'
import { foreignSetting } from './foreign-settings.ts'
import { kraftSettings } from './kraft-settings.ts'
import { splitScoped } from './listener-scope.ts'
import { type Listeners, readListeners } from './listeners.ts'
import { nearestName } from './nearest-name.ts'
import { parseValue } from './parse-value.ts'
import { parseProperties } from './properties.ts'
import type { Setting } from './setting-types.ts'

export interface SettingSources {
  readonly file?: SettingsFile
  /** Of several, later ones win. */
  readonly files?: readonly SettingsFile[]
  readonly manifest?: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string | undefined>>
}

export interface SettingsFile {
  /** How mistakes call it. */
  readonly name: string
  readonly text: string
}

export type LoadedSettings = ValidSettings | InvalidSettings

export interface ValidSettings {
  readonly kind: 'valid'
  readonly settings: BrokerSettings
  readonly listeners: Listeners
  /** What was given, as text: the static level of DescribeConfigs. Holds secrets. */
  readonly given: ReadonlyMap<string, string>
  /** Sentences to log: what was passed over and why. */
  readonly notes: readonly string[]
}

export interface InvalidSettings {
  readonly kind: 'invalid'
  /** One sentence each, with where it stands and what to do. At least one. */
  readonly mistakes: readonly string[]
  readonly notes: readonly string[]
}

interface Given {
  readonly name: string
  readonly value: string
  /** Where it was found, for people. */
  readonly where: string
  /** The environment holds variables of others: an unknown name there is no mistake. */
  readonly certain: boolean
}

export function loadBrokerSettings(sources: SettingSources): LoadedSettings {
  const mistakes: string[] = []
  const notes: string[] = []
  const given = new Map<string, Given>()
  for (const entry of readSources(sources)) {
    if (isKnown(entry.name)) given.set(entry.name, entry)
    else judgeUnknown(entry, { mistakes, notes })
  }

  const values: Record<string, unknown> = { ...defaultBrokerSettings }
  for (const { name, value, where } of given.values()) {
    const scoped = splitScoped(name)
    const setting = settingOf(scoped?.name ?? name)
    if (setting === undefined) continue
    if (value.includes('${') && /\$\{[^}]*:[^}]*\}/.test(value)) {
      mistakes.push(
        `${where}: ${name}: values like \${provider:key} need a Java plug-in; give the value itself.`,
      )
      continue
    }
    const parsed = parseValue(name, setting, value)
    if (parsed.mistake !== undefined) mistakes.push(`${where}: ${parsed.mistake}`)
    else if (scoped === undefined) values[name] = parsed.value
  }

  const isGiven = (name: string): boolean => given.has(name)
  if (isGiven('broker.id') && !isGiven('node.id')) values['node.id'] = values['broker.id']
  else if (!isGiven('broker.id')) values['broker.id'] = values['node.id']
  const settings = Object.freeze(values) as BrokerSettings

  const read = readListeners(settings, isGiven)
  for (const mistake of [...checkBrokerSettings(settings, isGiven), ...read.mistakes]) {
    const name = mistake.slice(0, mistake.indexOf(':'))
    const where = given.get(name)?.where
    mistakes.push(where === undefined ? mistake : `${where}: ${mistake}`)
  }
  if (Number(settings['node.id']) < 0 && isGiven('broker.id'))
    mistakes.push('broker.id: it must be at least 0.')
  notes.push(...notesOnKraft(given))

  if (mistakes.length > 0) return { kind: 'invalid', mistakes, notes }
  const texts = new Map([...given.values()].map(({ name, value }) => [name, value]))
  return { kind: 'valid', settings, listeners: read.listeners, given: texts, notes }
}

function* readSources(sources: SettingSources): Generator<Given> {
  for (const file of [...(sources.file === undefined ? [] : [sources.file]), ...(sources.files ?? [])]) {
    for (const { name, value, line } of parseProperties(file.text)) {
      yield { name, value, where: `${file.name}:${line}`, certain: true }
    }
  }
  for (const [name, value] of Object.entries(sources.manifest ?? {})) {
    yield { name, value, where: 'config of the manifest', certain: true }
  }
  for (const { variable, name, value } of settingsFromEnvironment(sources.environment ?? {})) {
    yield { name, value, where: variable, certain: false }
  }
}

function settingOf(name: string): Setting<unknown> | undefined {
  return isBrokerSetting(name) ? brokerSettingTable[name] : undefined
}

function isKnown(name: string): boolean {
  return isBrokerSetting(name) || splitScoped(name) !== undefined
}

function judgeUnknown({ name, where, certain }: Given, into: { mistakes: string[]; notes: string[] }): void {
  if (name === 'zookeeper.connect' && certain) {
    into.mistakes.push(
      `${where}: zookeeper.connect: there is no ZooKeeper here. One broker keeps the metadata in its data directory, several in etcd (etcd.connect); remove it.`,
    )
    return
  }
  const foreign = foreignSetting(name)
  if (foreign !== undefined) {
    const list = foreign.verdict === 'mistake' && certain ? into.mistakes : into.notes
    list.push(`${where}: ${name}: ${foreign.sentence}`)
    return
  }
  const near = nearestName(name, Object.keys(brokerSettingTable))
  const meant = near === undefined ? '' : ` Is ${near} meant?`
  if (certain)
    into.mistakes.push(`${where}: ${name}: there is no such setting.${meant === '' ? ' Remove it.' : meant}`)
  else into.notes.push(`${where}: there is no setting ${name}; it is ignored.${meant}`)
}

/** One note for all that only a KRaft quorum has. */
function notesOnKraft(given: ReadonlyMap<string, Given>): string[] {
  const names = [...given.keys()].filter(
    name =>
      (Object.hasOwn(kraftSettings, name) && name !== 'metadata.log.dir') ||
      name === 'controller.listener.names',
  )
  if (names.length === 0) return []
  return [
    `${names.join(', ')}: accepted without effect. Metadata is kept in the broker's data directory (or etcd), not by a quorum of controllers, and listeners of controllers are not opened.`,
  ]
}
