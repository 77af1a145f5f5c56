import { afterAll, beforeAll, expect, test } from 'vitest'
import { alterConfigs, describeConfigs, errorName, incrementalAlterConfigs } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import {
  batchOf,
  fetchFrom,
  offsetAt,
  produceTo,
  recordsIn,
  resource,
  setConfigs,
  topicOf,
} from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'
import { until } from '../../support/until.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'log.retention.check.interval.ms': '20' } })
  client = await broker.connect()
})

afterAll(() => broker.remove())

interface Change {
  readonly name: string
  readonly configOperation: number
  readonly value: string | null
}

const set = 0
const remove = 1
const append = 2
const subtract = 3

async function changed(
  resourceType: number,
  resourceName: string,
  configs: readonly Change[],
  validateOnly = false,
) {
  const answer = await client.request(incrementalAlterConfigs, 1, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly,
  })
  const [result] = answer.responses
  return { error: errorName(result?.errorCode ?? -1), message: result?.errorMessage }
}

async function valueOf(
  resourceType: number,
  resourceName: string,
  name: string,
): Promise<string | null | undefined> {
  const answer = await client.request(describeConfigs, 4, {
    resources: [{ resourceType, resourceName, configurationKeys: [name] }],
  })
  return answer.results[0]?.configs[0]?.value
}

test('settings are set, deleted, appended to and subtracted from', async () => {
  await topicOf(client, 'changed')
  const value = () => valueOf(resource.topic, 'changed', 'cleanup.policy')
  const change = (configOperation: number, given: string | null) =>
    changed(resource.topic, 'changed', [{ name: 'cleanup.policy', configOperation, value: given }])
  expect((await change(append, 'compact')).error).toBe('NONE')
  expect(await value()).toBe('delete,compact')
  expect((await change(subtract, 'delete')).error).toBe('NONE')
  expect(await value()).toBe('compact')
  expect((await change(set, 'delete')).error).toBe('NONE')
  expect(await value()).toBe('delete')
  expect((await change(remove, null)).error).toBe('NONE')
  expect(await value()).toBe('delete')
})

test('AlterConfigs replaces all that was set before', async () => {
  await topicOf(client, 'replaced', { configs: { 'retention.ms': '111', 'segment.ms': '222' } })
  const answer = await client.request(alterConfigs, 2, {
    resources: [
      { resourceType: 2, resourceName: 'replaced', configs: [{ name: 'segment.ms', value: '333' }] },
    ],
    validateOnly: false,
  })
  expect(answer.responses).toMatchObject([{ errorCode: 0, resourceType: 2, resourceName: 'replaced' }])
  expect(await valueOf(resource.topic, 'replaced', 'segment.ms')).toBe('333')
  expect(await valueOf(resource.topic, 'replaced', 'retention.ms')).toBe('604800000')
})

test('validate-only finds the mistakes and changes nothing', async () => {
  await topicOf(client, 'tried')
  const change = (value: string) => [{ name: 'retention.ms', configOperation: set, value }]
  expect((await changed(resource.topic, 'tried', change('1000'), true)).error).toBe('NONE')
  expect((await changed(resource.topic, 'tried', change('soon'), true)).error).toBe('INVALID_CONFIG')
  expect(await valueOf(resource.topic, 'tried', 'retention.ms')).toBe('604800000')
})

test.each([
  [
    resource.topic,
    'unknown',
    { name: 'retention.ms', configOperation: set, value: '1' },
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  [resource.topic, 'refusing', { name: 'no.such', configOperation: set, value: '1' }, 'INVALID_CONFIG'],
  [resource.topic, 'refusing', { name: '__proto__', configOperation: set, value: '1' }, 'INVALID_CONFIG'],
  [
    resource.topic,
    'refusing',
    { name: 'constructor', configOperation: append, value: '1' },
    'INVALID_CONFIG',
  ],
  [resource.topic, 'refusing', { name: 'retention.ms', configOperation: set, value: null }, 'INVALID_CONFIG'],
  [
    resource.topic,
    'refusing',
    { name: 'retention.ms', configOperation: append, value: '1' },
    'INVALID_CONFIG',
  ],
  [resource.topic, 'refusing', { name: 'retention.ms', configOperation: 7, value: '1' }, 'INVALID_REQUEST'],
  [resource.topic, 'refusing', { name: 'retention.ms', configOperation: -1, value: '1' }, 'INVALID_REQUEST'],
  [
    resource.broker,
    '7',
    { name: 'log.retention.ms', configOperation: set, value: '1' },
    'BROKER_ID_NOT_REGISTERED',
  ],
  [resource.broker, '1', { name: 'node.id', configOperation: set, value: '5' }, 'INVALID_CONFIG'],
  [
    resource.group,
    '',
    { name: 'consumer.session.timeout.ms', configOperation: set, value: '50000' },
    'INVALID_REQUEST',
  ],
  [99, 'x', { name: 'a', configOperation: set, value: 'b' }, 'INVALID_REQUEST'],
] as const)('resource %i %s: %j is %s', async (type, name, change, error) => {
  if (name === 'refusing') await topicOf(client, 'refusing').catch(() => undefined)
  const refused = await changed(type, name, [change])
  expect(refused.error).toBe(error)
  expect(refused.message).not.toBe('')
})

test('resources of one request succeed or fail alone', async () => {
  await topicOf(client, 'good')
  const configs = (name: string) => [{ name, configOperation: set, value: '1000' }]
  const answer = await client.request(incrementalAlterConfigs, 1, {
    resources: [
      { resourceType: 2, resourceName: 'good', configs: configs('retention.ms') },
      { resourceType: 2, resourceName: 'unknown', configs: configs('retention.ms') },
      { resourceType: 77, resourceName: '', configs: configs('retention.ms') },
    ],
    validateOnly: false,
  })
  const errors = answer.responses.map(
    ({ resourceName, errorCode }) => `${resourceName} ${errorName(errorCode)}`,
  )
  expect(errors.sort()).toEqual([' INVALID_REQUEST', 'good NONE', 'unknown UNKNOWN_TOPIC_OR_PARTITION'])
})

test('a broker-wide change is in effect at once, for topics that do not say otherwise', async () => {
  await topicOf(client, 'follows')
  await topicOf(client, 'leads', { configs: { 'max.message.bytes': '100000' } })
  await setConfigs(client, resource.broker, '', { 'message.max.bytes': '300' })
  const large = batchOf(['x'.repeat(1000)])
  expect((await produceTo(client, 'follows', Buffer.from(large))).error).toBe('MESSAGE_TOO_LARGE')
  expect((await produceTo(client, 'leads', Buffer.from(large))).error).toBe('NONE')
  await setConfigs(client, resource.broker, '1', { 'message.max.bytes': '200000' })
  expect((await produceTo(client, 'follows', Buffer.from(large))).error).toBe('NONE')
  await setConfigs(client, resource.broker, '1', { 'message.max.bytes': null })
  await setConfigs(client, resource.broker, '', { 'message.max.bytes': null })
})

test('a topic’s time type, codec and limits change from one batch to the next', async () => {
  await topicOf(client, 'at-once')
  await setConfigs(client, resource.topic, 'at-once', { 'message.timestamp.type': 'LogAppendTime' })
  expect(
    (await produceTo(client, 'at-once', batchOf(['a'], { timestamp: 5 }))).logAppendTimeMs,
  ).toBeGreaterThan(5)
  await setConfigs(client, resource.topic, 'at-once', { 'message.timestamp.type': null })
  expect((await produceTo(client, 'at-once', batchOf(['b'], { timestamp: 5 }))).logAppendTimeMs).toBe(-1)
  expect(recordsIn((await fetchFrom(client, 'at-once', { offset: 1 })).records).at(-1)?.timestamp).toBe(5)
})

test('shorter retention deletes old segments, whose offsets are then out of range', async () => {
  await topicOf(client, 'retained', { configs: { 'segment.bytes': '1048576' } })
  for (let at = 0; at < 3; at++) await produceTo(client, 'retained', batchOf(['x'.repeat(600_000)]))
  await setConfigs(client, resource.topic, 'retained', { 'retention.bytes': '700000' })
  await until(async () => (await offsetAt(client, 'retained', -2)).offset > 0, 'segments are deleted')
  expect((await fetchFrom(client, 'retained', { offset: 0 })).error).toBe('OFFSET_OUT_OF_RANGE')
  expect(recordsIn((await fetchFrom(client, 'retained', { offset: 2 })).records)).toHaveLength(1)
})

test('log levels are read and changed', async () => {
  const change = (name: string, value: string | null, configOperation = set) =>
    changed(resource.brokerLogger, '1', [{ name, configOperation, value }])
  expect(await valueOf(resource.brokerLogger, '1', 'root')).toBe('INFO')
  expect((await change('root', 'DEBUG')).error).toBe('NONE')
  expect(await valueOf(resource.brokerLogger, '1', 'root')).toBe('DEBUG')
  expect((await change('root', null, remove)).error).toBe('NONE')
  expect(await valueOf(resource.brokerLogger, '1', 'root')).toBe('INFO')
  expect((await change('root', 'LOUD')).error).toBe('INVALID_CONFIG')
  expect((await change('kafka.unknown', 'INFO')).error).toBe('INVALID_CONFIG')
  expect((await changed(resource.brokerLogger, '2', [])).error).toBe('INVALID_REQUEST')
})
