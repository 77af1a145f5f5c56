import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  alterReplicaLogDirs,
  createPartitions,
  deleteRecords,
  describeLogDirs,
  describeProducers,
  describeTopicPartitions,
  errorName,
  fetch,
  listOffsets,
  metadata,
  offsetForLeaderEpoch,
  produce,
} from '../../protocol/index.ts'
import type { BrokerConnection } from '../support/broker-connection.ts'
import {
  batchOf,
  createTopic,
  fetchFrom,
  metadataOf,
  produceTo,
  readAll,
  resource,
  setConfigs,
  topicOf,
} from '../support/requests.ts'
import { RunningBroker } from '../support/running-broker.ts'

// Whatever a client sends, it gets a typed error or loses its connection; another client is served, the log stays readable, memory
// stays flat, and nothing is logged as a failure of the broker itself.

let broker: RunningBroker
let client: BrokerConnection
let bystander: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'auto.create.topics.enable': 'false' } })
  bystander = await broker.connect()
  await topicOf(bystander, 'bystander')
  await topicOf(bystander, 'target', { partitions: 2 })
  await topicOf(bystander, 'compacted', { configs: { 'cleanup.policy': 'compact' } })
  await topicOf(bystander, 'repacked', { configs: { 'compression.type': 'gzip' } })
})

beforeEach(async () => {
  client = await broker.connect()
})

afterEach(async () => {
  await client.close()
  expect((await produceTo(bystander, 'bystander', batchOf(['fine']))).error).toBe('NONE')
  for (const topic of ['target', 'compacted', 'repacked']) await readAll(bystander, topic)
  expect(broker.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
  expect(broker.fatal).toEqual([])
})

afterAll(() => broker.remove())

// ---- names ----

const names: readonly (readonly [string, string])[] = [
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['a path upwards', '../../../etc/passwd'],
  ['a NUL', 'nul\0nul'],
  ['250 characters', 'x'.repeat(250)],
  ['30,000 characters', 'x'.repeat(30_000)],
  ['a dot', '.'],
  ['two dots', '..'],
  ['nothing', ''],
]

test.each(names)('every API takes %s as the name of a topic that is not there', async (_, name) => {
  expect((await produceTo(client, name, batchOf(['x']))).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  expect((await fetchFrom(client, name)).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  const asked = { timeoutMs: 1000 }
  const answers = [
    await client.request(listOffsets, 9, {
      replicaId: -1,
      topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    }),
    await client.request(deleteRecords, 2, {
      ...asked,
      topics: [{ name, partitions: [{ partitionIndex: 0, offset: 0 }] }],
    }),
    await client.request(describeProducers, 0, { topics: [{ name, partitionIndexes: [0] }] }),
    await client.request(offsetForLeaderEpoch, 4, {
      topics: [{ topic: name, partitions: [{ partition: 0, leaderEpoch: 0 }] }],
    }),
  ]
  for (const { topics } of answers) {
    expect(errorName(topics[0]?.partitions[0]?.errorCode ?? 0)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  }
  expect((await setConfigs(client, resource.topic, name, { 'retention.ms': '1' })).error).toBe(
    'UNKNOWN_TOPIC_OR_PARTITION',
  )
  const logDirs = await client.request(describeLogDirs, 4, { topics: [{ topic: name, partitions: [0] }] })
  expect(logDirs.results[0]?.topics).toEqual([])
  const described = await client.request(describeTopicPartitions, 0, {
    topics: [{ name }],
    responsePartitionLimit: 10,
  })
  expect(described.topics[0]?.errorCode).not.toBe(0)
  const moved = await client.request(alterReplicaLogDirs, 2, {
    dirs: [{ path: join(broker.directory, 'data'), topics: [{ name, partitions: [0] }] }],
  })
  expect(moved.results[0]?.partitions[0]?.errorCode).not.toBe(0)
  expect(readdirSync(broker.directory)).toEqual(['data'])
})

test('a replica is not moved out of the log directories', async () => {
  for (const path of [
    '/',
    '/tmp',
    '..',
    '',
    'data',
    `${broker.directory}/data/..`,
    `${broker.directory}/other`,
    'nul\0',
  ]) {
    const moved = await client.request(alterReplicaLogDirs, 2, {
      dirs: [{ path, topics: [{ name: 'target', partitions: [0] }] }],
    })
    expect(errorName(moved.results[0]?.partitions[0]?.errorCode ?? 0)).toBe('LOG_DIR_NOT_FOUND')
  }
})

// ---- too much ----

/** Answers while the rest of the broker serves the bystander; tells how much memory is kept afterwards. */
async function whileServing<T>(work: () => Promise<T>): Promise<T> {
  const result = work()
  await produceTo(bystander, 'bystander', batchOf(['meanwhile']))
  return result
}

test('partitions by the million are refused', async () => {
  expect((await createTopic(client, 'million', { partitions: 1_000_000 })).error).toBe('POLICY_VIOLATION')
  for (const count of [1_000_000, 2 ** 31 - 1]) {
    const answer = await client.request(createPartitions, 3, {
      topics: [{ name: 'target', count, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    })
    expect(errorName(answer.results[0]?.errorCode ?? 0)).toBe('POLICY_VIOLATION')
  }
  expect((await metadataOf(bystander, ['target'])).topics[0]?.partitions).toHaveLength(2)
})

const many = Array.from({ length: 100_000 }, (_, index) => index)

test('a hundred thousand partitions in one request are answered one by one', async () => {
  const fetched = await whileServing(() =>
    client.request(fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      sessionId: 0,
      sessionEpoch: 0,
      topics: [
        {
          topic: 'target',
          partitions: many.map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 })),
        },
      ],
    }),
  )
  expect(fetched.responses[0]?.partitions).toHaveLength(many.length)
  const listed = await whileServing(() =>
    client.request(listOffsets, 9, {
      replicaId: -1,
      topics: [
        { name: 'target', partitions: many.map(partitionIndex => ({ partitionIndex, timestamp: -1 })) },
      ],
    }),
  )
  expect(listed.topics[0]?.partitions).toHaveLength(many.length)
  const produced = await whileServing(() =>
    client.request(produce, 12, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        { name: 'target', partitionData: many.map(index => ({ index: index + 2, records: null })) },
      ],
    }),
  )
  expect(produced.responses[0]?.partitionResponses).toHaveLength(many.length)
})

test('one topic named a hundred thousand times costs no more than that', async () => {
  const topics = many.map(() => ({ name: 'target' }))
  const answer = await whileServing(() =>
    client.request(metadata, 12, { topics, allowAutoTopicCreation: false }),
  )
  expect(answer.topics).toHaveLength(1)
  const described = await whileServing(() =>
    client.request(describeTopicPartitions, 0, { topics, responsePartitionLimit: 2000 }),
  )
  expect(described.topics).toHaveLength(1)
  const started = performance.now()
  const moved = await whileServing(() =>
    client.request(alterReplicaLogDirs, 2, {
      dirs: [{ path: '/nowhere', topics: many.map(() => ({ name: 'target', partitions: [0] })) }],
    }),
  )
  expect(moved.results[0]?.partitions).toHaveLength(many.length)
  expect(performance.now() - started).toBeLessThan(5000)
})

test('large sessions are not kept without bound', async () => {
  const open = (connection: BrokerConnection) =>
    connection.request(fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      sessionId: 0,
      sessionEpoch: 0,
      topics: [
        {
          topic: 'not-there',
          partitions: many.map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 })),
        },
      ],
    })
  let kept = 0
  for (let round = 0; round < 4; round++) if ((await open(client)).sessionId !== 0) kept++
  expect(kept).toBeLessThanOrEqual(2)
})
