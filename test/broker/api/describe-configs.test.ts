import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeConfigs, errorName } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import { resource, setConfigs, topicOf } from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'log.retention.ms': '7000' } })
  client = await broker.connect()
  await topicOf(client, 'described', { configs: { 'max.message.bytes': '5000' } })
})

afterAll(() => broker.remove())

async function described(
  resourceType: number,
  resourceName: string,
  keys: readonly string[] | null = null,
  version = 4,
) {
  const answer = await client.request(describeConfigs, version, {
    resources: [{ resourceType, resourceName, configurationKeys: keys }],
    includeSynonyms: true,
    ...(version >= 3 ? { includeDocumentation: true } : {}),
  })
  const [result] = answer.results
  if (result === undefined) throw new Error('The answer to DescribeConfigs is empty.')
  return { ...result, error: errorName(result.errorCode) }
}

test('a topic tells all its settings, each with its value and where that comes from', async () => {
  const { error, configs } = await described(resource.topic, 'described')
  expect(error).toBe('NONE')
  const byName = new Map(configs.map(config => [config.name, config]))
  expect(byName.get('max.message.bytes')).toMatchObject({
    value: '5000',
    configSource: 1,
    readOnly: false,
    configType: 3,
  })
  expect(byName.get('max.message.bytes')?.synonyms[0]).toEqual({
    name: 'max.message.bytes',
    value: '5000',
    source: 1,
  })
  expect(byName.get('max.message.bytes')?.synonyms.at(-1)).toMatchObject({
    name: 'message.max.bytes',
    source: 5,
  })
  expect(byName.get('retention.ms')).toMatchObject({ value: '7000', configSource: 4 })
  expect(byName.get('cleanup.policy')).toMatchObject({ value: 'delete', configSource: 5 })
  expect(byName.get('cleanup.policy')?.documentation).not.toBe('')
})

test('no keys and an empty list mean all, unknown keys are left out', async () => {
  const all = (await described(resource.topic, 'described')).configs.length
  expect(all).toBeGreaterThan(25)
  expect((await described(resource.topic, 'described', [])).configs).toHaveLength(all)
  const some = await described(resource.topic, 'described', ['retention.ms', 'no.such', '__proto__'])
  expect(some.configs.map(({ name }) => name)).toEqual(['retention.ms'])
})

test('a broker tells its own settings, with those that need a restart as read-only', async () => {
  const { configs } = await described(resource.broker, '1')
  const byName = new Map(configs.map(config => [config.name, config]))
  expect(byName.get('node.id')).toMatchObject({ value: '1', readOnly: true, configSource: 4 })
  expect(byName.get('log.retention.ms')).toMatchObject({ value: '7000', readOnly: false, configSource: 4 })
  expect(byName.get('num.partitions')).toMatchObject({ value: '1', configSource: 5 })
})

test('the cluster default holds only what was set for all', async () => {
  expect((await described(resource.broker, '')).configs).toEqual([])
  await setConfigs(client, resource.broker, '', { 'log.retention.ms': '8000' })
  expect((await described(resource.broker, '')).configs).toMatchObject([
    { name: 'log.retention.ms', value: '8000', configSource: 3 },
  ])
  const [retention] = (await described(resource.topic, 'described', ['retention.ms'])).configs
  expect(retention).toMatchObject({ value: '8000', configSource: 3 })
  expect(retention?.synonyms.map(({ source }) => source)).toEqual([3, 4, 5])
  await setConfigs(client, resource.broker, '', { 'log.retention.ms': null })
})

test('groups and client metrics have settings before they exist', async () => {
  expect(await described(resource.group, 'g')).toMatchObject({ error: 'NONE' })
  expect((await described(resource.group, 'g')).configs.length).toBeGreaterThan(0)
  expect(await described(resource.clientMetrics, 'm')).toMatchObject({ error: 'NONE' })
})

test.each([
  [resource.topic, 'unknown', 'UNKNOWN_TOPIC_OR_PARTITION'],
  [resource.topic, '../etc', 'INVALID_TOPIC_EXCEPTION'],
  [resource.topic, '', 'INVALID_TOPIC_EXCEPTION'],
  [resource.broker, '2', 'INVALID_REQUEST'],
  [resource.broker, 'one', 'INVALID_REQUEST'],
  [resource.brokerLogger, '2', 'INVALID_REQUEST'],
  [resource.group, '', 'INVALID_REQUEST'],
  [resource.clientMetrics, '', 'INVALID_REQUEST'],
  [99, 'x', 'INVALID_REQUEST'],
  [0, 'x', 'INVALID_REQUEST'],
])('resource type %i with the name %j is %s', async (type, name, error) => {
  const refused = await described(type, name)
  expect(refused).toMatchObject({ error, resourceType: type, resourceName: name, configs: [] })
  expect(refused.errorMessage).not.toBe('')
})
