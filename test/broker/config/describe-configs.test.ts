import { expect, test } from 'vitest'
import { defaultBrokerSettings } from '../../../broker/config/broker-settings.ts'
import {
  type BrokerView,
  configSource,
  type DescribedConfig,
  describeBrokerConfigs,
  describeBrokerLoggers,
  describeClientMetricsConfigs,
  describeClusterDefaults,
  describeGroupConfigs,
  describeTopicConfigs,
} from '../../../broker/config/describe-configs.ts'
import { DynamicBrokerSettings } from '../../../broker/config/dynamic-settings.ts'
import { loadBrokerSettings } from '../../../broker/config/load-settings.ts'

type Given = Record<string, string>

function aBroker(levels: { given?: Given; all?: Given; this?: Given } = {}): BrokerView {
  const loaded = loadBrokerSettings({ manifest: levels.given ?? {} })
  if (loaded.kind === 'invalid') throw new Error(loaded.mistakes.join('\n'))
  const settings = new DynamicBrokerSettings(loaded.settings, loaded.given)
  settings.update(new Map(Object.entries(levels.all ?? {})), new Map(Object.entries(levels.this ?? {})))
  return { settings: settings.current, levels: settings.levels }
}

function find(described: readonly DescribedConfig[], name: string): DescribedConfig {
  const found = described.find(config => config.name === name)
  if (found === undefined) throw new Error(`${name} is not described`)
  return found
}

const chain = ({ synonyms }: DescribedConfig) =>
  synonyms.map(({ name, value, source }) => [name, value, source])

test('an override of a topic stands above the chain of the broker', () => {
  const broker = aBroker({ given: { 'message.max.bytes': '3' }, all: { 'message.max.bytes': '2' } })
  const config = find(
    describeTopicConfigs(new Map([['max.message.bytes', '1']]), broker),
    'max.message.bytes',
  )
  expect(config).toMatchObject({ value: '1', source: configSource.topic, readOnly: false, type: 3 })
  expect(chain(config)).toEqual([
    ['max.message.bytes', '1', 1],
    ['message.max.bytes', '2', 3],
    ['message.max.bytes', '3', 4],
    ['message.max.bytes', '1048588', 5],
  ])
})

test('a topic that follows a weaker synonym has no chain, as with Kafka', () => {
  const config = find(describeTopicConfigs(new Map(), aBroker()), 'retention.ms')
  expect(config).toMatchObject({ value: '604800000', source: configSource.default, synonyms: [] })
  const set = find(
    describeTopicConfigs(new Map(), aBroker({ all: { 'log.retention.ms': '5' } })),
    'retention.ms',
  )
  expect(set).toMatchObject({ value: '5', source: configSource.dynamicDefaultBroker })
  expect(chain(set)).toEqual([
    ['log.retention.ms', '5', 3],
    ['log.retention.hours', '168', 5],
  ])
})

test('no limit is shown as the largest long', () => {
  const config = find(describeTopicConfigs(new Map(), aBroker()), 'flush.messages')
  expect(config.value).toBe('9223372036854775807')
})

test('a broker describes every setting, what needs a restart as read-only', () => {
  const described = describeBrokerConfigs(
    aBroker({ given: { 'num.partitions': '4' }, this: { 'log.retention.ms': '7' } }),
  )
  expect(described.length).toBeGreaterThanOrEqual(343)
  expect(find(described, 'num.partitions')).toMatchObject({ value: '4', readOnly: true, source: 4 })
  expect(find(described, 'log.retention.ms')).toMatchObject({ value: '7', readOnly: false, source: 2 })
  expect(chain(find(described, 'log.retention.hours'))).toEqual([['log.retention.hours', '168', 5]])
  expect(find(described, 'log.dirs')).toMatchObject({ value: null, source: 5, synonyms: [] })
})

test('secrets are never shown', () => {
  const described = describeBrokerConfigs(
    aBroker({ given: { 'ssl.key.password': 'hunter2', 'listener.name.a.ssl.key.password': 'hunter2' } }),
  )
  expect(find(described, 'ssl.key.password')).toMatchObject({ value: null, isSensitive: true, type: 9 })
  expect(JSON.stringify(described)).not.toContain('hunter2')
})

test('a setting of one listener is described with the plain one below it', () => {
  const name = 'listener.name.plaintext.max.connections'
  const config = find(describeBrokerConfigs(aBroker({ given: { [name]: '5' } })), name)
  expect(config).toMatchObject({ value: '5', source: 4, readOnly: false })
  expect(chain(config)).toEqual([
    [name, '5', 4],
    ['max.connections', '2147483647', 5],
  ])
})

test('the cluster default holds what was set for all brokers and nothing else', () => {
  const described = describeClusterDefaults(
    aBroker({ given: { 'num.partitions': '4' }, all: { 'num.io.threads': '9' } }),
  )
  expect(described).toHaveLength(1)
  expect(described[0]).toMatchObject({ name: 'num.io.threads', value: '9', source: 3, readOnly: false })
})

test('a group follows the broker where it has no override', () => {
  const described = describeGroupConfigs(new Map([['consumer.session.timeout.ms', '50000']]), aBroker())
  expect(find(described, 'consumer.session.timeout.ms')).toMatchObject({ value: '50000', source: 8 })
  expect(chain(find(described, 'share.session.timeout.ms'))).toEqual([
    ['group.share.session.timeout.ms', '45000', 5],
  ])
  expect(find(described, 'share.auto.offset.reset')).toMatchObject({
    value: 'latest',
    source: 5,
    synonyms: [],
  })
})

test('a client metrics subscription and the loggers have sources of their own', () => {
  const described = describeClientMetricsConfigs(new Map([['interval.ms', '1000']]))
  expect(described.map(({ name, value, source }) => [name, value, source])).toEqual([
    ['metrics', '', 5],
    ['interval.ms', '1000', 7],
    ['match', '', 5],
  ])
  expect(describeBrokerLoggers(new Map([['root', 'info']]))[0]).toMatchObject({
    name: 'root',
    value: 'INFO',
    source: 6,
  })
})

test('the settings of the broker are not touched', () => {
  expect(Object.isFrozen(aBroker({ all: { 'num.io.threads': '9' } }).settings)).toBe(true)
  expect(defaultBrokerSettings['num.io.threads']).toBe(8)
})
