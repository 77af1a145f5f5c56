import type { BrokerSettings } from './broker-settings.ts'
import { parseValue } from './parse-value.ts'
import {
  boolean,
  choice,
  choices,
  double,
  int,
  list,
  long,
  string,
  unlimited,
  type ValuesOf,
} from './setting-types.ts'
import { gzipLevel, throttledReplicas } from './value-checks.ts'

/**
 * Settings of one topic (resource type TOPIC). All may be changed at any time. A topic that does not override one gets
 * the broker's (`topicSynonyms`), and where the broker has none, the default.
 */
export const topicSettingTable = {
  'segment.bytes': int(1_073_741_824, 'Roll the active segment at this size (>= 1 MiB since 4.x).', {
    from: 1_048_576,
  }),
  'segment.ms': long(604_800_000, 'Roll the active segment at this age of its first batch.', { from: 1 }),
  'segment.jitter.ms': long(0, 'Random amount taken off segment.ms.', { from: 0 }),
  'segment.index.bytes': int(10_485_760, 'Maximum index file size.', { from: 4 }),
  'flush.messages': long(unlimited, 'Fsync after so many records.', { from: 1 }),
  'flush.ms': long(unlimited, 'Fsync at least so often.', { from: 0 }),
  'retention.bytes': long(-1, 'Per-partition size limit of the delete policy (-1 off).'),
  'retention.ms': long(604_800_000, 'Age limit of the delete policy (-1 off).', { from: -1 }),
  'max.message.bytes': int(1_048_588, 'Largest batch.', { from: 0 }),
  'index.interval.bytes': int(4096, 'Bytes between index entries.', { from: 0 }),
  'delete.retention.ms': long(
    86_400_000,
    'How long tombstones and empty-transaction markers stay after first seen by the cleaner.',
    { from: 0 },
  ),
  'min.compaction.lag.ms': long(0, 'Records younger than this are not compacted.', { from: 0 }),
  'max.compaction.lag.ms': long(unlimited, 'Records older than this force a compaction.', { from: 1 }),
  'file.delete.delay.ms': long(60_000, 'Wait before unlinking removed files.', { from: 0 }),
  'min.cleanable.dirty.ratio': double(0.5, 'Dirty share of the log that makes it eligible for cleaning.', {
    from: 0,
    to: 1,
  }),
  'cleanup.policy': choices(
    ['compact', 'delete'],
    ['delete'],
    'Delete, compact, both, or empty list (neither).',
  ),
  'unclean.leader.election.enable': boolean(false, 'Allow a leader from outside ISR/ELR.'),
  'min.insync.replicas': int(
    1,
    'ISR size needed for acks=all and HW advance; effective value is capped by the replication factor.',
    { from: 1 },
  ),
  'compression.type': choice(
    ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    'producer',
    'Codec on disk; producer = keep.',
  ),
  'compression.gzip.level': int(-1, 'Gzip level.', { check: gzipLevel }),
  'compression.lz4.level': int(9, 'Lz4 level.', { from: 1, to: 17 }),
  'compression.zstd.level': int(3, 'Zstd level.', { from: -131_072, to: 22 }),
  // Node knows no fallocate, and a file made long by truncating it holds no room and hides where its log ends.
  preallocate: boolean(false, 'Accepted, without effect: a segment file is always as long as what it holds.'),
  'message.timestamp.type': choice(
    ['CreateTime', 'LogAppendTime'],
    'CreateTime',
    'CreateTime or LogAppendTime.',
  ),
  'message.timestamp.before.max.ms': long(unlimited, 'Past limit of record time.', { from: 0 }),
  'message.timestamp.after.max.ms': long(3_600_000, 'Future limit of record time (1 h).', { from: 0 }),
  'leader.replication.throttled.replicas': list([], 'Partition:broker pairs or * throttled on the leader.', {
    check: throttledReplicas,
  }),
  'follower.replication.throttled.replicas': list(
    [],
    'Partition:broker pairs or * throttled on the follower.',
    { check: throttledReplicas },
  ),
  'remote.storage.enable': boolean(false, 'Tier this topic.'),
  'local.retention.ms': long(-2, 'Local age kept when tiered (-2 = retention.ms).', { from: -2 }),
  'local.retention.bytes': long(-2, 'Local bytes kept when tiered (-2 = retention.bytes).', { from: -2 }),
  'remote.log.copy.disable': boolean(false, 'Stop uploading, keep reading remote.'),
  'remote.log.delete.on.disable': boolean(false, 'Delete remote data when tiering is switched off.'),
  // Not Kafka's: whoever manages topics from outside can tell its own from those of others.
  'barnabas.owner': string(null, 'Who looks after the topic; brokers do nothing with it.'),
}

export type TopicSettings = ValuesOf<typeof topicSettingTable>
export type TopicSettingName = keyof TopicSettings

/** The broker settings that give a topic its value where it has no override, the strongest first. */
export const topicSynonyms: { readonly [Name in TopicSettingName]?: readonly (keyof BrokerSettings)[] } = {
  'segment.bytes': ['log.segment.bytes'],
  'segment.ms': ['log.roll.ms', 'log.roll.hours'],
  'segment.jitter.ms': ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  'segment.index.bytes': ['log.index.size.max.bytes'],
  'flush.messages': ['log.flush.interval.messages'],
  'flush.ms': ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  'retention.bytes': ['log.retention.bytes'],
  'retention.ms': ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  'max.message.bytes': ['message.max.bytes'],
  'index.interval.bytes': ['log.index.interval.bytes'],
  'delete.retention.ms': ['log.cleaner.delete.retention.ms'],
  'min.compaction.lag.ms': ['log.cleaner.min.compaction.lag.ms'],
  'max.compaction.lag.ms': ['log.cleaner.max.compaction.lag.ms'],
  'file.delete.delay.ms': ['log.segment.delete.delay.ms'],
  'min.cleanable.dirty.ratio': ['log.cleaner.min.cleanable.ratio'],
  'cleanup.policy': ['log.cleanup.policy'],
  'unclean.leader.election.enable': ['unclean.leader.election.enable'],
  'min.insync.replicas': ['min.insync.replicas'],
  'compression.type': ['compression.type'],
  'compression.gzip.level': ['compression.gzip.level'],
  'compression.lz4.level': ['compression.lz4.level'],
  'compression.zstd.level': ['compression.zstd.level'],
  preallocate: ['log.preallocate'],
  'message.timestamp.type': ['log.message.timestamp.type'],
  'message.timestamp.before.max.ms': ['log.message.timestamp.before.max.ms'],
  'message.timestamp.after.max.ms': ['log.message.timestamp.after.max.ms'],
  'local.retention.ms': ['log.local.retention.ms'],
  'local.retention.bytes': ['log.local.retention.bytes'],
}

const milliseconds: { readonly [unit: string]: number } = { hours: 3_600_000, minutes: 60_000, ms: 1 }

/**
 * The settings in force for a topic: its overrides over what the broker's settings in force say. Overrides that are
 * unknown or cannot be read (a later version wrote them) are passed over; they were checked when they were set.
 *
 * Cheap to call again with the same two objects, so it may be asked for every batch; neither may be changed afterwards.
 */
export function topicSettingsFor(
  overrides: ReadonlyMap<string, string>,
  broker: BrokerSettings,
): TopicSettings {
  const defaults = defaultsOf(broker)
  if (overrides.size === 0) return defaults
  const known = settingsByOverrides.get(overrides)
  if (known !== undefined && known.defaults === defaults) return known.settings
  const values: Record<string, unknown> = { ...defaults }
  for (const [name, text] of overrides) {
    if (!isTopicSetting(name)) continue
    const parsed = parseValue(name, topicSettingTable[name], text)
    if (parsed.mistake === undefined) values[name] = parsed.value
  }
  const settings = Object.freeze(values) as TopicSettings
  settingsByOverrides.set(overrides, { defaults, settings })
  return settings
}

const settingsByOverrides = new WeakMap<
  ReadonlyMap<string, string>,
  { readonly defaults: TopicSettings; readonly settings: TopicSettings }
>()

export function isTopicSetting(name: string): name is TopicSettingName {
  return Object.hasOwn(topicSettingTable, name)
}

const defaultsByBroker = new WeakMap<BrokerSettings, TopicSettings>()

/** One object per broker settings object: thousands of topics without overrides share it. */
function defaultsOf(broker: BrokerSettings): TopicSettings {
  const known = defaultsByBroker.get(broker)
  if (known !== undefined) return known
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(topicSettingTable) as TopicSettingName[]) {
    values[name] = valueFromBroker(name, broker) ?? topicSettingTable[name].default
  }
  const defaults = Object.freeze(values) as TopicSettings
  defaultsByBroker.set(broker, defaults)
  return defaults
}

function valueFromBroker(name: TopicSettingName, broker: BrokerSettings): unknown {
  for (const synonym of topicSynonyms[name] ?? []) {
    const value = broker[synonym]
    if (value === null) continue
    const unit = synonym.slice(synonym.lastIndexOf('.') + 1)
    if (name.endsWith('.ms') && typeof value === 'number')
      return value < 0 ? value : value * (milliseconds[unit] ?? 1)
    return value
  }
  return undefined
}
