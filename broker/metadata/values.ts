import type { Uuid } from '../../protocol/index.ts'
import { unreachable } from '../../runtime/assert.ts'
import { parseControlListener } from '../config/control-listeners.ts'
import { EntryReader, isObject } from './entry-reader.ts'
import type { BrokerListener, ConfigResourceType, ControlAddress, FeatureRange } from './image.ts'
import type {
  BrokerRegistration,
  BrokerState,
  MetadataChange,
  Operation,
  PartitionState,
  RestartGrant,
  TopicHeader,
} from './keys.ts'

/** The value that a change gives its key, or null when it deletes the key. */
export function encodeValue(change: MetadataChange): string | null {
  switch (change.kind) {
    case 'version':
      return JSON.stringify({ layout: change.layout })
    case 'cluster':
      return JSON.stringify({ id: change.clusterId })
    case 'features':
      return JSON.stringify(plainObject(change.finalized))
    case 'controller':
      return change.brokerId === null ? null : JSON.stringify({ broker: change.brokerId })
    case 'broker':
      return change.registration === null ? null : encodeRegistration(change.registration)
    case 'brokerState':
      return change.state === null ? null : encodeBrokerState(change.state)
    case 'topicName':
      return change.topicId === null ? null : JSON.stringify(change.topicId)
    case 'topic':
      return change.topic === null ? null : JSON.stringify(change.topic)
    case 'partition':
      return change.partition === null ? null : encodePartition(change.partition)
    case 'config':
      return change.overrides === null ? null : JSON.stringify(plainObject(change.overrides))
    case 'producerIds':
      return JSON.stringify({ next: change.next })
    case 'restartGrant':
      return change.grant === null ? null : encodeRestartGrant(change.grant)
    case 'operation':
      return change.operation === null ? null : JSON.stringify(change.operation)
    default:
      return unreachable(change)
  }
}

/**
 * What a key and its value (null: deleted) mean; undefined for keys that this release does not know.
 * Throws MalformedEntry, with a sentence that names the key, when the value is not what the key promises.
 */
export function decodeEntry(key: string, value: string | null): MetadataChange | undefined {
  const slash = key.indexOf('/')
  const table = slash === -1 ? key : key.slice(0, slash)
  const decode = decoders.get(table)
  if (decode === undefined) return undefined
  return decode(new EntryReader(key, slash === -1 ? '' : key.slice(slash + 1), value))
}

const decoders: ReadonlyMap<string, (entry: EntryReader) => MetadataChange | undefined> = new Map([
  ['version', entry => (entry.isGone ? undefined : { kind: 'version', layout: entry.integer('layout') })],
  ['cluster', entry => (entry.isGone ? undefined : { kind: 'cluster', clusterId: entry.text('id') })],
  ['features', decodeFeatures],
  ['controller', entry => ({ kind: 'controller', brokerId: entry.isGone ? null : entry.integer('broker') })],
  ['brokers', decodeBroker],
  ['broker-state', decodeBrokerState],
  ['topic-names', decodeTopicName],
  ['topics', decodeTopic],
  ['partitions', decodePartition],
  ['configs', decodeConfig],
  ['producer-ids', entry => ({ kind: 'producerIds', next: entry.isGone ? 0 : entry.integer('next') })],
  ['restart-grant', decodeRestartGrant],
  ['operations', decodeOperation],
] satisfies [string, (entry: EntryReader) => MetadataChange | undefined][])

function decodeFeatures(entry: EntryReader): MetadataChange {
  const finalized = new Map<string, number>()
  if (!entry.isGone) for (const name of entry.names()) finalized.set(name, entry.integer(name))
  return { kind: 'features', finalized }
}

function encodeRegistration(registration: BrokerRegistration): string {
  const { control, rack, cordoned, features } = registration
  return JSON.stringify({
    incarnationId: registration.incarnationId,
    listeners: registration.listeners,
    control: control === null ? undefined : encodeControlAddress(control),
    rack: rack ?? undefined,
    logDirectories: registration.logDirectories,
    cordoned: cordoned || undefined,
    previousEpoch: registration.previousEpoch,
    features: unlessEmpty(features),
    minInsyncReplicas: registration.minInsyncReplicas,
  })
}

function decodeBroker(entry: EntryReader): MetadataChange {
  const id = entry.numberInKey(entry.rest)
  if (entry.isGone) return { kind: 'broker', id, registration: null }
  const registration: BrokerRegistration = {
    incarnationId: entry.text('incarnationId'),
    listeners: entry.list('listeners').map(listener => decodeListener(entry, listener)),
    control: entry.has('control') ? decodeControlAddress(entry) : null,
    rack: entry.has('rack') ? entry.text('rack') : null,
    logDirectories: entry.texts('logDirectories'),
    cordoned: entry.flag('cordoned'),
    previousEpoch: entry.integer('previousEpoch', -1),
    features: entry.list('features').map(feature => decodeFeature(entry, feature)),
    minInsyncReplicas: entry.integer('minInsyncReplicas', 1),
  }
  return { kind: 'broker', id, registration }
}

function decodeFeature(entry: EntryReader, value: unknown): FeatureRange {
  const isFeature =
    isObject(value) &&
    typeof value['name'] === 'string' &&
    Number.isSafeInteger(value['min']) &&
    Number.isSafeInteger(value['max'])
  if (!isFeature) return entry.refuse('a feature lacks its name or its levels')
  return { name: String(value['name']), min: Number(value['min']), max: Number(value['max']) }
}

const securityProtocols: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

function decodeListener(entry: EntryReader, value: unknown): BrokerListener {
  const isListener =
    isObject(value) &&
    typeof value['name'] === 'string' &&
    typeof value['host'] === 'string' &&
    Number.isInteger(value['port']) &&
    securityProtocols.includes(String(value['securityProtocol']))
  if (!isListener) return entry.refuse('a listener lacks its name, host, port or security protocol')
  return {
    name: String(value['name']),
    host: String(value['host']),
    port: Number(value['port']),
    securityProtocol: value['securityProtocol'] as BrokerListener['securityProtocol'],
  }
}

/** `http://host:port`; https where it takes TLS only. */
function encodeControlAddress({ host, port, tls }: ControlAddress): string {
  return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function decodeControlAddress(entry: EntryReader): ControlAddress {
  return parseControlListener(entry.text('control')) ?? entry.refuse('control is not http://host:port')
}

function encodeBrokerState(state: BrokerState): string {
  const { admittedEpoch, incarnationId, cleanStopEpoch, stoppingEpoch, rack, listeners, cordoned } = state
  return JSON.stringify({
    admittedEpoch,
    incarnationId: incarnationId ?? undefined,
    cleanStopEpoch,
    stoppingEpoch: stoppingEpoch === -1 ? undefined : stoppingEpoch,
    rack: rack ?? undefined,
    listeners: unlessEmpty(listeners),
    cordoned: cordoned || undefined,
  })
}

function decodeBrokerState(entry: EntryReader): MetadataChange {
  const id = entry.numberInKey(entry.rest)
  if (entry.isGone) return { kind: 'brokerState', id, state: null }
  const state: BrokerState = {
    admittedEpoch: entry.integer('admittedEpoch', -1),
    incarnationId: entry.has('incarnationId') ? entry.text('incarnationId') : null,
    cleanStopEpoch: entry.integer('cleanStopEpoch', -1),
    stoppingEpoch: entry.integer('stoppingEpoch', -1),
    rack: entry.has('rack') ? entry.text('rack') : null,
    listeners: entry.list('listeners').map(listener => decodeListener(entry, listener)),
    cordoned: entry.flag('cordoned'),
  }
  return { kind: 'brokerState', id, state }
}

function decodeTopicName(entry: EntryReader): MetadataChange {
  return { kind: 'topicName', name: entry.rest, topicId: entry.isGone ? null : entry.wholeText() }
}

function decodeTopic(entry: EntryReader): MetadataChange {
  const topicId: Uuid = entry.rest
  if (entry.isGone) return { kind: 'topic', topicId, topic: null }
  const topic: TopicHeader = { name: entry.text('name'), partitions: entry.integer('partitions') }
  return { kind: 'topic', topicId, topic }
}

function encodePartition(partition: PartitionState): string {
  const {
    leader,
    leaderEpoch,
    isr,
    replicas,
    adding,
    removing,
    elr,
    lastKnownLeader,
    directories,
    recovering,
    partitionEpoch,
  } = partition
  return JSON.stringify({
    leader,
    leaderEpoch,
    isr,
    replicas,
    adding: unlessEmpty(adding),
    removing: unlessEmpty(removing),
    elr: unlessEmpty(elr),
    lastKnownLeader: lastKnownLeader === -1 ? undefined : lastKnownLeader,
    directories: unlessEmpty(directories),
    recovering: recovering || undefined,
    partitionEpoch,
  })
}

function decodePartition(entry: EntryReader): MetadataChange {
  const slash = entry.rest.indexOf('/')
  const topicId: Uuid = entry.rest.slice(0, slash)
  const index = entry.numberInKey(entry.rest.slice(slash + 1))
  if (entry.isGone) return { kind: 'partition', topicId, index, partition: null }
  const known = recentPartitions.get(entry.value)
  if (known !== undefined) return { kind: 'partition', topicId, index, partition: known }
  const partition = decodePartitionState(entry)
  if (recentPartitions.size >= mostRecentPartitions) recentPartitions.clear()
  recentPartitions.set(entry.value, partition)
  return { kind: 'partition', topicId, index, partition }
}

/** Most partitions are in the same state as many others: that is decoded once, and their lists are the same objects. */
const recentPartitions = new Map<string, PartitionState>()
const mostRecentPartitions = 500

function decodePartitionState(entry: EntryReader): PartitionState {
  const replicas = entry.integers('replicas')
  return {
    leader: entry.integer('leader'),
    leaderEpoch: entry.integer('leaderEpoch'),
    isr: sameOrNew(replicas, entry.integers('isr')),
    replicas,
    adding: entry.integers('adding'),
    removing: entry.integers('removing'),
    elr: entry.integers('elr'),
    lastKnownLeader: entry.integer('lastKnownLeader', -1),
    directories: entry.texts('directories'),
    recovering: entry.flag('recovering'),
    partitionEpoch: entry.integer('partitionEpoch'),
  }
}

const configTypes: readonly string[] = [
  'topic',
  'broker',
  'group',
  'client-metrics',
] satisfies ConfigResourceType[]

function decodeConfig(entry: EntryReader): MetadataChange | undefined {
  const slash = entry.rest.indexOf('/')
  const type = entry.rest.slice(0, slash)
  if (!configTypes.includes(type)) return undefined
  const name = entry.decodedName(entry.rest.slice(slash + 1))
  const overrides = entry.isGone ? null : new Map(entry.names().map(key => [key, entry.text(key)]))
  return { kind: 'config', type: type as ConfigResourceType, name, overrides }
}

function encodeRestartGrant(grant: RestartGrant): string {
  return JSON.stringify({ ...grant, incarnationId: grant.incarnationId ?? undefined })
}

function decodeRestartGrant(entry: EntryReader): MetadataChange {
  if (entry.isGone) return { kind: 'restartGrant', grant: null }
  const grant: RestartGrant = {
    id: entry.text('id'),
    brokerId: entry.integer('brokerId'),
    incarnationId: entry.has('incarnationId') ? entry.text('incarnationId') : null,
    durationMs: entry.integer('durationMs'),
    holder: entry.text('holder'),
    reason: entry.text('reason'),
    grantedAtMs: entry.integer('grantedAtMs'),
  }
  return { kind: 'restartGrant', grant }
}

function decodeOperation(entry: EntryReader): MetadataChange {
  const id: Uuid = entry.rest
  if (entry.isGone) return { kind: 'operation', id, operation: null }
  if (entry.text('kind') !== 'detachedPartitions') return entry.refuse('this release does not know the kind')
  const operation: Operation = {
    kind: 'detachedPartitions',
    topicId: entry.text('topicId'),
    from: entry.integer('from'),
    to: entry.integer('to'),
    reason: entry.text('reason'),
  }
  return { kind: 'operation', id, operation }
}

/** A plain object without a prototype in the way: keys such as `__proto__` are ordinary. */
function plainObject<V>(entries: ReadonlyMap<string, V>): Readonly<Record<string, V>> {
  return Object.fromEntries(entries)
}

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}

/** The in-sync set is most often the replica list itself; then one list serves both. */
function sameOrNew(replicas: readonly number[], isr: readonly number[]): readonly number[] {
  if (replicas.length !== isr.length) return isr
  return replicas.every((replica, index) => replica === isr[index]) ? replicas : isr
}
