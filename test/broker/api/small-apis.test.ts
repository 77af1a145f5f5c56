import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  describeCluster,
  describeProducers,
  electLeaders,
  errorName,
  initProducerId,
  offsetForLeaderEpoch,
} from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import { batchOf, metadataOf, newProducerId, produceTo, topicOf } from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'

// APIs whose handlers are a few lines each.

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'broker.rack': 'r1' } })
  client = await broker.connect()
})

afterAll(() => broker.remove())

// ---- DescribeCluster ----

test('the cluster tells its id, its brokers and its controller', async () => {
  const asked = { includeClusterAuthorizedOperations: true }
  for (const version of [0, 1, 2]) {
    const answer = await client.request(describeCluster, version, asked)
    expect(answer).toMatchObject({ errorCode: 0, clusterId: broker.broker.clusterId, controllerId: 1 })
    expect(answer.brokers).toMatchObject([
      { brokerId: 1, host: '127.0.0.1', port: broker.port, rack: 'r1', isFenced: false },
    ])
    expect(answer.clusterAuthorizedOperations).toBeGreaterThan(0)
  }
  const silent = await client.request(describeCluster, 0, { includeClusterAuthorizedOperations: false })
  expect(silent.clusterAuthorizedOperations).toBe(-(2 ** 31))
})

test.each([
  [2, 'MISMATCHED_ENDPOINT_TYPE'],
  [3, 'UNSUPPORTED_ENDPOINT_TYPE'],
  [0, 'UNSUPPORTED_ENDPOINT_TYPE'],
])('the endpoint type %i is refused: %s', async (endpointType, error) => {
  const answer = await client.request(describeCluster, 1, {
    includeClusterAuthorizedOperations: false,
    endpointType,
  })
  expect(errorName(answer.errorCode)).toBe(error)
})

// ---- ElectLeaders ----

test('each partition whose leader is to be elected is answered for itself', async () => {
  await topicOf(client, 'elected')
  const topicPartitions = [
    { topic: 'elected', partitions: [0, 9] },
    { topic: 'unknown', partitions: [0] },
  ]
  for (const version of [0, 1, 2]) {
    const answer = await client.request(electLeaders, version, { topicPartitions })
    const results = answer.replicaElectionResults.map(({ topic, partitionResult }) => [
      topic,
      partitionResult.map(({ partitionId, errorCode }) => [partitionId, errorName(errorCode)]),
    ])
    expect(results).toEqual([
      [
        'elected',
        [
          [0, 'ELECTION_NOT_NEEDED'],
          [9, 'UNKNOWN_TOPIC_OR_PARTITION'],
        ],
      ],
      ['unknown', [[0, 'UNKNOWN_TOPIC_OR_PARTITION']]],
    ])
  }
  const all = await client.request(electLeaders, 2, { electionType: 1, topicPartitions: null })
  expect(all).toMatchObject({ errorCode: 0, replicaElectionResults: [] })
  const odd = await client.request(electLeaders, 2, { electionType: 2, topicPartitions: null })
  expect(errorName(odd.errorCode)).toBe('INVALID_REQUEST')
})

// ---- InitProducerId ----

test('no two producers get the same id, however many ask at once', async () => {
  const clients = await Promise.all(Array.from({ length: 5 }, () => broker.connect()))
  const ids = await Promise.all(
    clients.map(async one => {
      const own: number[] = []
      for (let at = 0; at < 250; at++) own.push(await newProducerId(one))
      return own
    }),
  )
  expect(new Set(ids.flat()).size).toBe(1250)
})

test('a producer that comes back with its id gets a new one; half an identity is refused', async () => {
  const producerId = await newProducerId(client)
  const ask = (
    producer: { producerId: number; producerEpoch: number },
    transactionalId: string | null = null,
  ) => client.request(initProducerId, 4, { transactionalId, transactionTimeoutMs: 1000, ...producer })
  const again = await ask({ producerId, producerEpoch: 3 })
  expect(again).toMatchObject({ errorCode: 0, producerEpoch: 0 })
  expect(again.producerId).not.toBe(producerId)
  for (const half of [
    { producerId, producerEpoch: -1 },
    { producerId: -1, producerEpoch: 0 },
  ]) {
    expect(await ask(half)).toMatchObject({ errorCode: 42, producerId: -1, producerEpoch: -1 })
  }
  expect(errorName((await ask({ producerId: -1, producerEpoch: -1 }, '')).errorCode)).toBe('INVALID_REQUEST')
})

// ---- DescribeProducers ----

test('a partition tells which producers write to it', async () => {
  await topicOf(client, 'produced')
  const producerId = await newProducerId(client)
  const timestamp = Date.now() - 1000
  await produceTo(
    client,
    'produced',
    batchOf(['a', 'b'], { producerId, producerEpoch: 2, baseSequence: 0, timestamp }),
  )
  const answer = await client.request(describeProducers, 0, {
    topics: [
      { name: 'produced', partitionIndexes: [0, 1] },
      { name: 'unknown', partitionIndexes: [0] },
    ],
  })
  expect(answer.topics[0]?.partitions[0]?.activeProducers).toEqual([
    {
      producerId,
      producerEpoch: 2,
      lastSequence: 1,
      lastTimestamp: timestamp,
      coordinatorEpoch: -1,
      currentTxnStartOffset: -1,
    },
  ])
  const errors = answer.topics.flatMap(({ partitions }) =>
    partitions.map(({ errorCode }) => errorName(errorCode)),
  )
  expect(errors).toEqual(['NONE', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION'])
})

// ---- OffsetForLeaderEpoch ----

test('the end of an epoch is told; of one that nobody had, nothing', async () => {
  await topicOf(client, 'epochs')
  await produceTo(client, 'epochs', batchOf(['a', 'b']))
  const epoch = (await metadataOf(client, ['epochs'])).topics[0]?.partitions[0]?.leaderEpoch ?? -2
  const ask = async (leaderEpoch: number, currentLeaderEpoch = -1, topic = 'epochs') => {
    const answer = await client.request(offsetForLeaderEpoch, 4, {
      topics: [{ topic, partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch }] }],
    })
    const [result] = answer.topics[0]?.partitions ?? []
    return [errorName(result?.errorCode ?? -1), result?.leaderEpoch, result?.endOffset]
  }
  expect(await ask(epoch)).toEqual(['NONE', epoch, 2])
  expect(await ask(epoch, epoch)).toEqual(['NONE', epoch, 2])
  expect(await ask(epoch + 1)).toEqual(['NONE', -1, -1])
  expect(await ask(-1)).toEqual(['NONE', -1, -1])
  expect(await ask(epoch, epoch + 1)).toEqual(['UNKNOWN_LEADER_EPOCH', -1, -1])
  expect(await ask(0, -1, 'unknown')).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', -1, -1])
})
