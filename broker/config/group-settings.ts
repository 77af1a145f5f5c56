import type { BrokerSettingName } from './broker-settings.ts'
import { boolean, choice, int, string } from './setting-types.ts'
import { shareOffsetReset } from './value-checks.ts'

/** Settings of one group (resource type GROUP). Bounds that depend on the broker's settings are checked when they are set. */
export const groupSettings = {
  'consumer.session.timeout.ms': int(45_000, 'Session timeout of KIP-848 members of this group.', {
    from: 1,
  }),
  'consumer.heartbeat.interval.ms': int(5000, 'Their heartbeat interval.', { from: 1 }),
  'consumer.assignment.interval.ms': int(1000, 'Minimum time between target assignments.', { from: 0 }),
  'share.session.timeout.ms': int(45_000, 'Session timeout of share members.', { from: 1 }),
  'share.heartbeat.interval.ms': int(5000, 'Their heartbeat interval.', { from: 1 }),
  'share.record.lock.duration.ms': int(30_000, 'Acquisition lock time.', { from: 1000 }),
  'share.delivery.count.limit': int(5, 'Delivery attempts.', { from: 2 }),
  'share.partition.max.record.locks': int(2000, 'In-flight records per share partition.', { from: 100 }),
  'share.auto.offset.reset': string(
    'latest',
    'Start of a new share partition: latest, earliest, by_duration:<ISO 8601>.',
    { check: shareOffsetReset },
  ),
  'share.isolation.level': choice(
    ['read_committed', 'read_uncommitted'],
    'read_uncommitted',
    'Read_uncommitted or read_committed for the whole group.',
  ),
  'share.renew.acknowledge.enable': boolean(true, 'Allow RENEW acknowledgements.'),
  'share.assignment.interval.ms': int(1000, 'Minimum time between share assignments.', { from: 0 }),
  'streams.session.timeout.ms': int(45_000, 'Session timeout of streams members.', { from: 1 }),
  'streams.heartbeat.interval.ms': int(5000, 'Their heartbeat interval.', { from: 1 }),
  'streams.num.standby.replicas': int(0, 'Standby tasks.', { from: 0 }),
  'streams.initial.rebalance.delay.ms': int(3000, 'First-assignment delay.', { from: 0 }),
  'streams.assignment.interval.ms': int(1000, 'Minimum time between assignments.', { from: 0 }),
}

/** The broker settings that give a group its value where it has no override. */
export const groupSynonyms: { readonly [name: string]: BrokerSettingName } = Object.fromEntries(
  Object.keys(groupSettings)
    .filter(name => !/^share\.(auto\.offset\.reset|isolation\.level|renew\.acknowledge\.enable)$/.test(name))
    .map(name => [name, `group.${name}` as BrokerSettingName]),
)
