import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTopics, errorName } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import { batchOf, createTopic, metadataOf, produceTo, topicOf } from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'num.partitions': '4' } })
  client = await broker.connect()
})

afterAll(() => broker.remove())

test('a topic can be used as soon as its creation is answered', async () => {
  const topicId = await topicOf(client, 'at-once', { partitions: 5 })
  for (const partition of [0, 4]) {
    expect((await produceTo(client, 'at-once', batchOf(['a']), { partition })).error).toBe('NONE')
  }
  expect((await produceTo(client, '', batchOf(['a']), { topicId, partition: 1 })).error).toBe('NONE')
})

test('the answer tells partitions, replicas and all settings with where they come from', async () => {
  const made = await createTopic(client, 'told', {
    partitions: -1,
    replicationFactor: -1,
    configs: { 'retention.ms': '5' },
  })
  expect(made).toMatchObject({ error: 'NONE', errorMessage: null, numPartitions: 4, replicationFactor: 1 })
  const retention = made.configs?.find(({ name }) => name === 'retention.ms')
  expect(retention).toMatchObject({ value: '5', configSource: 1, readOnly: false, isSensitive: false })
  const cleanup = made.configs?.find(({ name }) => name === 'cleanup.policy')
  expect(cleanup).toMatchObject({ value: 'delete', configSource: 5 })
})

test('validate-only says the same and makes nothing', async () => {
  expect(await createTopic(client, 'tried', { validateOnly: true, partitions: 2 })).toMatchObject({
    error: 'NONE',
    numPartitions: 2,
  })
  expect((await metadataOf(client, ['tried'])).topics[0]?.errorCode).not.toBe(0)
  expect((await createTopic(client, 'tried/', { validateOnly: true })).error).toBe('INVALID_TOPIC_EXCEPTION')
})

test.each(['', '.', '..', 'a/b', '../up', 'a\0b', 'x'.repeat(250), 'ü'])(
  '%j cannot be the name of a topic',
  async name => {
    expect((await createTopic(client, name)).error).toBe('INVALID_TOPIC_EXCEPTION')
  },
)

test('the longest name and names known to JavaScript can', async () => {
  for (const name of ['x'.repeat(249), '__proto__', 'constructor', 'hasOwnProperty']) {
    expect((await createTopic(client, name)).error).toBe('NONE')
    expect((await produceTo(client, name, batchOf(['a']))).error).toBe('NONE')
  }
})

test('a topic that exists, or whose name collides with one, is refused', async () => {
  await topicOf(client, 'with.dot')
  expect(await createTopic(client, 'with.dot')).toMatchObject({
    error: 'TOPIC_ALREADY_EXISTS',
    errorMessage: "Topic 'with.dot' already exists.",
  })
  expect((await createTopic(client, 'with_dot')).error).toBe('INVALID_TOPIC_EXCEPTION')
})

test.each([
  [{ partitions: 0 }, 'INVALID_PARTITIONS'],
  [{ partitions: -2 }, 'INVALID_PARTITIONS'],
  [{ replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR'],
  [{ replicationFactor: 2 }, 'INVALID_REPLICATION_FACTOR'],
  [{ configs: { 'no.such.setting': '1' } }, 'INVALID_CONFIG'],
  [{ configs: { 'retention.ms': 'soon' } }, 'INVALID_CONFIG'],
  [{ configs: { 'retention.ms': null } }, 'INVALID_CONFIG'],
  [{ configs: { __proto__x: '1' } }, 'INVALID_CONFIG'],
  [{ configs: JSON.parse('{"__proto__": "1"}') as Record<string, string> }, 'INVALID_CONFIG'],
  [{ configs: { constructor: '1' } }, 'INVALID_CONFIG'],
  [{ configs: { 'cleanup.policy': 'compost' } }, 'INVALID_CONFIG'],
  [{ configs: { 'segment.bytes': '1' } }, 'INVALID_CONFIG'],
] as const)('%j is %s', async (topic, error) => {
  const refused = await createTopic(client, 'refused', topic)
  expect(refused.error).toBe(error)
  expect(refused.errorMessage).not.toBe('')
  expect(refused.configs).toBe(null)
})

test('a million partitions in one request are refused, however they are asked for', async () => {
  expect((await createTopic(client, 'million', { partitions: 1_000_000 })).error).toBe('POLICY_VIOLATION')
  expect((await createTopic(client, 'most', { partitions: 2 ** 31 - 1 })).error).toBe('POLICY_VIOLATION')
  const topics = Array.from({ length: 11 }, (_, at) => ({
    name: `many${at}`,
    numPartitions: 1000,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  const answer = await client.request(createTopics, 7, { topics })
  expect(answer.topics.map(({ errorCode }) => errorName(errorCode))).toEqual(
    Array(11).fill('POLICY_VIOLATION'),
  )
  expect((await metadataOf(client, ['many0'])).topics[0]?.errorCode).not.toBe(0)
})

test('replicas can be placed by hand on brokers that are there', async () => {
  const assigned = async (
    name: string,
    assignments: readonly { partitionIndex: number; brokerIds: readonly number[] }[],
  ) => {
    const answer = await client.request(createTopics, 7, {
      topics: [{ name, numPartitions: -1, replicationFactor: -1, assignments, configs: [] }],
    })
    return errorName(answer.topics[0]?.errorCode ?? -1)
  }
  expect(
    await assigned('by-hand', [
      { partitionIndex: 0, brokerIds: [1] },
      { partitionIndex: 1, brokerIds: [1] },
    ]),
  ).toBe('NONE')
  expect((await metadataOf(client, ['by-hand'])).topics[0]?.partitions).toHaveLength(2)
  expect(await assigned('nobody', [{ partitionIndex: 0, brokerIds: [9] }])).toBe('INVALID_REPLICA_ASSIGNMENT')
  expect(await assigned('twice', [{ partitionIndex: 0, brokerIds: [1, 1] }])).toBe(
    'INVALID_REPLICA_ASSIGNMENT',
  )
  expect(await assigned('gap', [{ partitionIndex: 1, brokerIds: [1] }])).toBe('INVALID_REPLICA_ASSIGNMENT')
})

test('topics of one request succeed or fail alone; one named twice fails', async () => {
  const topic = (name: string, numPartitions = 1) => ({
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  })
  const answer = await client.request(createTopics, 7, {
    topics: [topic('fine'), topic('bad', 0), topic('double'), topic('double')],
  })
  const errors = Object.fromEntries(answer.topics.map(({ name, errorCode }) => [name, errorName(errorCode)]))
  expect(errors).toEqual({ fine: 'NONE', bad: 'INVALID_PARTITIONS', double: 'INVALID_REQUEST' })
})
