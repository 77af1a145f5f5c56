/**
 * Which values cannot stand together, and which this version cannot serve. Pure: settings in, sentences out, each
 * beginning with the setting to change. Single values were checked when they were read (parse-value.ts).
 */
import type { BrokerSettingName, BrokerSettings } from './broker-settings.ts'
import { checkEtcdSettings } from './check-etcd-settings.ts'
import { findMistakesInControl } from './control-listeners.ts'
import { replicaSelectors } from './replica-selectors.ts'

/** Whether the setting was given, rather than at its default. */
type IsGiven = (name: string) => boolean
type Rule = (settings: BrokerSettings, isGiven: IsGiven) => readonly string[]

export function checkBrokerSettings(settings: BrokerSettings, isGiven: IsGiven): readonly string[] {
  return rules.flatMap(rule => rule(settings, isGiven))
}

type NumberName = {
  [Name in BrokerSettingName]: BrokerSettings[Name] extends number ? Name : never
}[BrokerSettingName]

/** The first may not be larger than the second. */
const inOrder: readonly (readonly [NumberName, NumberName])[] = [
  ['replica.fetch.wait.max.ms', 'replica.socket.timeout.ms'],
  ['replica.fetch.wait.max.ms', 'replica.lag.time.max.ms'],
  ['group.min.session.timeout.ms', 'group.max.session.timeout.ms'],
  ['log.cleaner.min.compaction.lag.ms', 'log.cleaner.max.compaction.lag.ms'],
  ['socket.connection.setup.timeout.ms', 'socket.connection.setup.timeout.max.ms'],
  ['group.streams.num.standby.replicas', 'group.streams.max.standby.replicas'],
]

/** The middle one must lie between the others. */
const between: readonly (readonly [NumberName, NumberName, NumberName])[] = [
  ...(['consumer', 'share', 'streams'] as const).flatMap(kind =>
    (['session.timeout.ms', 'heartbeat.interval.ms', 'assignment.interval.ms'] as const).map(
      what => [`group.${kind}.min.${what}`, `group.${kind}.${what}`, `group.${kind}.max.${what}`] as const,
    ),
  ),
  [
    'group.share.min.record.lock.duration.ms',
    'group.share.record.lock.duration.ms',
    'group.share.max.record.lock.duration.ms',
  ],
  [
    'group.share.min.delivery.count.limit',
    'group.share.delivery.count.limit',
    'group.share.max.delivery.count.limit',
  ],
  [
    'group.share.min.partition.max.record.locks',
    'group.share.partition.max.record.locks',
    'group.share.max.partition.max.record.locks',
  ],
]

/** -1 is without limit, 0 would delete everything at once. */
const unlimitedOrPositive: readonly BrokerSettingName[] = [
  'log.retention.ms',
  'log.retention.minutes',
  'log.retention.hours',
]

/** Java classes, which cannot be loaded here, and what leaving them out would change. */
const plugIns: readonly (readonly [BrokerSettingName, string])[] = [
  [
    'authorizer.class.name',
    'access control lists are not part of this version, and without them everybody may do everything',
  ],
  [
    'create.topic.policy.class.name',
    'a policy in Java cannot be run here, and without it every topic would be allowed',
  ],
  [
    'alter.config.policy.class.name',
    'a policy in Java cannot be run here, and without it every change would be allowed',
  ],
  ['client.quota.callback.class', 'a quota plug-in in Java cannot be run here'],
  ['config.providers', 'plug-ins in Java cannot be run here; give values in environment variables instead'],
  ['ssl.engine.factory.class', 'a TLS plug-in in Java cannot be run here'],
]

const rules: readonly Rule[] = [
  settings => {
    const selector = settings['replica.selector.class']
    const known: readonly (string | null)[] = [null, ...Object.values(replicaSelectors)]
    if (known.includes(selector)) return []
    return [
      `replica.selector.class: ${selector} is a plug-in in Java, which cannot be run here; give ${replicaSelectors.rack} or remove it.`,
    ]
  },

  settings =>
    inOrder
      .filter(([smaller, larger]) => settings[smaller] > settings[larger])
      .map(
        ([smaller, larger]) =>
          `${smaller}: ${settings[smaller]} is more than ${larger} = ${settings[larger]}; lower it or raise the other.`,
      ),

  settings =>
    between.flatMap(([least, value, most]) => {
      if (settings[least] > settings[most]) {
        return [`${least}: ${settings[least]} is more than ${most} = ${settings[most]}.`]
      }
      if (settings[value] >= settings[least] && settings[value] <= settings[most]) return []
      return [
        `${value}: ${settings[value]} does not lie between ${least} = ${settings[least]} and ${most} = ${settings[most]}.`,
      ]
    }),

  settings =>
    (['consumer', 'share', 'streams'] as const)
      .filter(
        kind =>
          settings[`group.${kind}.heartbeat.interval.ms`] >= settings[`group.${kind}.session.timeout.ms`],
      )
      .map(
        kind =>
          `group.${kind}.heartbeat.interval.ms: it must be less than group.${kind}.session.timeout.ms, or members would time out between heartbeats.`,
      ),

  settings =>
    unlimitedOrPositive
      .filter(name => settings[name] === 0)
      .map(name => `${name}: 0 would delete everything; give -1 for no limit, or at least 1.`),

  settings =>
    (['log.roll.ms', 'log.roll.hours'] as const)
      .filter(name => settings[name] !== null && Number(settings[name]) < 1)
      .map(name => `${name}: it must be at least 1.`),

  settings =>
    (['log.dirs', 'log.dir', 'listeners', 'advertised.listeners'] as const)
      .filter(name => settings[name]?.length === 0)
      .map(name => `${name}: it is empty; give a value or remove it.`),

  settings => {
    const most = settings['queued.max.request.bytes']
    if (most <= 0 || most >= settings['socket.request.max.bytes']) return []
    return [
      `queued.max.request.bytes: ${most} is less than socket.request.max.bytes = ${settings['socket.request.max.bytes']}, so a large request would never be read; raise it, or give -1.`,
    ]
  },

  settings =>
    (['offsets.topic.compression.codec', 'share.coordinator.state.topic.compression.codec'] as const)
      .filter(name => settings[name] < 0 || settings[name] > 4)
      .map(name => `${name}: give 0 (none), 1 (gzip), 2 (snappy), 3 (lz4) or 4 (zstd).`),

  settings =>
    settings['log.cleaner.enable'] &&
    settings['log.cleaner.dedupe.buffer.size'] < 1_048_576 * Math.max(1, settings['log.cleaner.threads'])
      ? ['log.cleaner.dedupe.buffer.size: it must be at least 1 MiB (1048576) per cleaner thread.']
      : [],

  settings => {
    const overrides = settings['max.connections.per.ip.overrides']
    if (overrides.trim() === '') {
      return settings['max.connections.per.ip'] === 0
        ? ['max.connections.per.ip: 0 lets nobody in unless max.connections.per.ip.overrides names who may.']
        : []
    }
    return overrides
      .split(',')
      .filter(entry => !/^\s*\S+\s*:\s*\d+\s*$/.test(entry))
      .map(entry => `max.connections.per.ip.overrides: '${entry.trim()}' is not host:count.`)
  },

  settings => {
    const cordoned = settings['cordoned.log.dirs']
    if (cordoned.length === 1 && cordoned[0] === '*') return []
    const directories = logDirectories(settings)
    return cordoned
      .filter(directory => !directories.includes(directory))
      .map(directory => `cordoned.log.dirs: ${directory} is not one of log.dirs.`)
  },

  settings =>
    settings['group.coordinator.rebalance.protocols'].includes('classic')
      ? []
      : ["group.coordinator.rebalance.protocols: 'classic' cannot be switched off; add it."],

  (settings, isGiven) =>
    isGiven('broker.id') && isGiven('node.id') && settings['broker.id'] !== settings['node.id']
      ? [
          `broker.id: it is the older name of node.id and must be the same; node.id is ${settings['node.id']}. Keep only node.id.`,
        ]
      : [],

  settings =>
    settings['process.roles'].includes('broker')
      ? []
      : [
          'process.roles: there are no processes that are controllers only; a broker is elected controller. Start only the brokers, with etcd.connect.',
        ],

  settings =>
    Math.max(
      settings['controller.quorum.voters'].length,
      settings['controller.quorum.bootstrap.servers'].length,
    ) > 1 && settings['etcd.connect'].length === 0
      ? [
          'controller.quorum.voters: several controllers mean a cluster of several brokers, which needs etcd here: give etcd.connect and remove controller.quorum.*.',
        ]
      : [],

  (settings, isGiven) => checkEtcdSettings(settings, isGiven),

  (settings, isGiven) =>
    plugIns
      .filter(
        ([name]) =>
          isGiven(name) && settings[name] !== null && settings[name] !== '' && String(settings[name]) !== '',
      )
      .map(([name, why]) => `${name}: ${why}; remove it.`),

  settings =>
    settings['remote.log.storage.system.enable']
      ? [
          'remote.log.storage.system.enable: tiered storage is not part of this version; set it to false or remove it.',
        ]
      : [],

  settings =>
    settings['http.listeners']
      .filter(entry => parseHttpListener(entry) === undefined)
      .map(entry => `http.listeners: '${entry}' is not http://host:port.`),

  findMistakesInControl,

  settings =>
    settings['cluster.id'] !== null && !/^[A-Za-z0-9_-]{1,64}$/.test(settings['cluster.id'])
      ? [`cluster.id: '${settings['cluster.id']}' must be of letters, digits, _ and -, at most 64 of them.`]
      : [],
]

/** The data directories in force, in order, without repetition. */
export function logDirectories(settings: BrokerSettings): readonly string[] {
  return [...new Set(settings['log.dirs'] ?? settings['log.dir'])]
}

/** The address of an entry of http.listeners; an empty host is every address of the machine. */
export function parseHttpListener(
  entry: string,
): { readonly host: string; readonly port: number } | undefined {
  const match = /^http:\/\/(?:\[([0-9A-Fa-f:.%]+)\]|([^:/[\]]*)):(\d{1,5})\/?$/.exec(entry)
  if (match === null || Number(match[3]) > 65_535) return undefined
  return { host: match[1] ?? match[2] ?? '', port: Number(match[3]) }
}
