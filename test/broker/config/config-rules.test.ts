import { describe, expect, test } from 'vitest'
import { defaultBrokerSettings } from '../../../broker/config/broker-settings.ts'
import { type ConfigKind, configRules } from '../../../broker/config/config-rules.ts'

const rules = configRules(() => defaultBrokerSettings)

function mistake(type: ConfigKind, overrides: Record<string, string>, name = 'x'): string | null {
  return rules.findMistake({ type, name }, new Map(Object.entries(overrides)))
}

describe('topics', () => {
  test.each<[Record<string, string>, string | null]>([
    [{}, null],
    [{ 'retention.ms': '-1', 'cleanup.policy': '' }, null],
    [{ 'cleanup.policy': ' delete , compact ' }, null],
    [{ 'leader.replication.throttled.replicas': '*' }, null],
    [{ foo: '1' }, 'Unknown topic config name: foo'],
    [{ 'retention.m': '1' }, 'Unknown topic config name: retention.m (is retention.ms meant?)'],
    [
      { 'segment.bytes': '5' },
      'Invalid value 5 for configuration segment.bytes: Value must be at least 1048576',
    ],
    [
      { 'cleanup.policy': 'foo' },
      'Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete',
    ],
    [{ 'cleanup.policy': 'delete,,compact' }, "Configuration 'cleanup.policy' values must not be empty."],
    [
      { 'compression.gzip.level': '0' },
      'Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1',
    ],
    [
      { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' },
      'conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)',
    ],
    [
      { 'remote.storage.enable': 'true' },
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    ],
  ])('%#', (overrides, expected) => {
    expect(mistake('topic', overrides)).toBe(expected)
  })

  test('throttled replicas are pairs or everything', () => {
    expect(mistake('topic', { 'leader.replication.throttled.replicas': '0:1,1:2' })).toBeNull()
    expect(mistake('topic', { 'leader.replication.throttled.replicas': '0' })).toMatch(
      /list of partition:broker pairs/,
    )
  })
})

describe('brokers', () => {
  test('what needs a restart is refused by name', () => {
    expect(mistake('broker', { 'num.partitions': '2', 'node.id': '3' })).toBe(
      'Cannot update these configs dynamically: [num.partitions, node.id]',
    )
  })

  test('what belongs to one broker cannot be the default of all', () => {
    expect(mistake('broker', { 'cordoned.log.dirs': '*' }, '')).toMatch(
      /broker id must be specified: \[cordoned.log.dirs\]/,
    )
    expect(mistake('broker', { 'cordoned.log.dirs': '*' }, '1')).toBeNull()
    expect(mistake('broker', { 'listener.name.a.max.connections': '5' }, '')).toBeNull()
  })

  test('key stores differ by listener', () => {
    expect(mistake('broker', { 'ssl.keystore.location': '/x' }, '1')).toMatch(/only per-listener/)
    expect(mistake('broker', { 'listener.name.a.ssl.keystore.location': '/x' }, '1')).toBeNull()
  })

  test('values, names and combinations are checked', () => {
    expect(mistake('broker', { 'log.retention.ms': 'x' }, '')).toMatch(/Not a number of type LONG/)
    expect(mistake('broker', { 'log.retention.mss': '1' }, '')).toBe(
      'Unknown broker config name: log.retention.mss (is log.retention.ms meant?)',
    )
    expect(mistake('broker', { 'log.retention.ms': '0' }, '')).toMatch(/0 would delete everything/)
    expect(mistake('broker', { 'log.retention.ms': '1' }, '')).toBeNull()
  })
})

describe('groups', () => {
  test.each<[Record<string, string>, string | null]>([
    [{ 'consumer.session.timeout.ms': '50000', 'share.auto.offset.reset': 'by_duration:PT1H' }, null],
    [
      { 'consumer.session.timeout.ms': '1000' },
      'consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms',
    ],
    [
      { 'streams.num.standby.replicas': '3' },
      'streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas',
    ],
    [
      { 'share.delivery.count.limit': '11' },
      'share.delivery.count.limit must be less than or equal to group.share.max.delivery.count.limit',
    ],
    [{ nothing: '1' }, 'Unknown group config name: nothing'],
  ])('%#', (overrides, expected) => {
    expect(mistake('group', overrides)).toBe(expected)
  })

  test('a bad start of share groups is refused', () => {
    for (const value of ['by_duration:', 'by_duration:PT', 'by_duration:-PT1H', 'sometime']) {
      expect(mistake('group', { 'share.auto.offset.reset': value }), value).toMatch(/by_duration/)
    }
  })
})

test('client metrics are selected by what is known of clients', () => {
  expect(mistake('client-metrics', { match: 'client_id=a.*,client_software_name=java' })).toBeNull()
  expect(mistake('client-metrics', { match: 'colour=blue' })).toBe(
    'Illegal client matching pattern: colour=blue',
  )
  expect(mistake('client-metrics', { match: 'client_id=(' })).toBe(
    'Illegal client matching pattern: client_id=(',
  )
  expect(mistake('client-metrics', { 'interval.ms': '5' })).toMatch(/at least 100/)
  expect(mistake('client-metrics', { x: '5' })).toBe('Unknown client metrics configuration: x')
})

test('lists can be added to, and start from the value in force', () => {
  expect(rules.isList('topic', 'cleanup.policy')).toBe(true)
  expect(rules.isList('topic', 'retention.ms')).toBe(false)
  expect(rules.isList('broker', 'listener.name.a.ssl.cipher.suites')).toBe(true)
  expect(rules.defaultValue('topic', 'cleanup.policy')).toBe('delete')
  expect(rules.defaultValue('group', 'consumer.session.timeout.ms')).toBe('45000')
  expect(rules.defaultValue('broker', 'log.retention.ms')).toBeNull()
  expect(rules.defaultValue('topic', 'nothing')).toBeNull()
})
