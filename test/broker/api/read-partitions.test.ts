import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteTopics, fetch } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import {
  batchOf,
  fetchFrom,
  fetchRequest,
  metadataOf,
  produceTo,
  readAll,
  recordsIn,
  topicOf,
  valuesIn,
} from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'

let broker: RunningBroker
let client: BrokerConnection
let producer: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start()
  client = await broker.connect()
  producer = await broker.connect()
})

afterAll(() => broker.remove())

// ---- what is read ----

test('reading begins with the batch that holds the offset', async () => {
  await topicOf(client, 'middle')
  await produceTo(producer, 'middle', batchOf(['a', 'b', 'c']))
  await produceTo(producer, 'middle', batchOf(['d']))
  const { records } = await fetchFrom(client, 'middle', { offset: 2 })
  expect(recordsIn(records).map(({ offset }) => offset)).toEqual([0, 1, 2, 3])
})

test('at the end there is nothing, beyond it and before the start the offset is out of range', async () => {
  await topicOf(client, 'range')
  await produceTo(producer, 'range', batchOf(['a', 'b']))
  expect(await fetchFrom(client, 'range', { offset: 2 })).toMatchObject({
    error: 'NONE',
    highWatermark: 2,
    lastStableOffset: 2,
    logStartOffset: 0,
  })
  for (const offset of [3, -1, 2 ** 40]) {
    expect(await fetchFrom(client, 'range', { offset })).toMatchObject({
      error: 'OFFSET_OUT_OF_RANGE',
      highWatermark: -1,
      logStartOffset: -1,
    })
  }
})

test.each([4, 6, 11, 12])(
  'in version %i topics are named, an unknown one and a missing partition are told',
  async version => {
    await topicOf(client, `named-v${version}`)
    await produceTo(producer, `named-v${version}`, batchOf(['a']))
    expect(valuesIn((await fetchFrom(client, `named-v${version}`, { version })).records)).toEqual(['a'])
    expect((await fetchFrom(client, 'unknown', { version })).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    for (const partition of [1, -1, 2 ** 31 - 1]) {
      const { error } = await fetchFrom(client, `named-v${version}`, { version, partition })
      expect(error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    }
  },
)

test.each([13, 15, 18])('in version %i topics come by id', async version => {
  const topicId = await topicOf(client, `by-id-v${version}`)
  await produceTo(producer, `by-id-v${version}`, batchOf(['a']))
  const answer = await client.request(fetch, version, fetchRequest('', { version, topicId }))
  expect(answer.responses[0]).toMatchObject({ topicId, topic: '' })
  expect(valuesIn(answer.responses[0]?.partitions[0]?.records ?? null)).toEqual(['a'])
  for (const unknown of ['BAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAA']) {
    expect((await fetchFrom(client, '', { version, topicId: unknown })).error).toBe('UNKNOWN_TOPIC_ID')
  }
})

test('a topic that was deleted and made again is not found by its old id', async () => {
  const old = await topicOf(client, 'again')
  await produceTo(producer, 'again', batchOf(['old']))
  await client.request(deleteTopics, 5, { topicNames: ['again'], timeoutMs: 10_000 })
  const topicId = await topicOf(client, 'again')
  expect(topicId).not.toBe(old)
  expect((await fetchFrom(client, '', { topicId: old })).error).toBe('UNKNOWN_TOPIC_ID')
  expect((await fetchFrom(client, '', { topicId })).highWatermark).toBe(0)
})

test('the leader epoch that the client knows is checked', async () => {
  await topicOf(client, 'epochs')
  const epoch = (await metadataOf(client, ['epochs'])).topics[0]?.partitions[0]?.leaderEpoch ?? -2
  expect((await fetchFrom(client, 'epochs', { currentLeaderEpoch: epoch })).error).toBe('NONE')
  expect((await fetchFrom(client, 'epochs', { currentLeaderEpoch: epoch + 1 })).error).toBe(
    'UNKNOWN_LEADER_EPOCH',
  )
  if (epoch > 0) {
    expect((await fetchFrom(client, 'epochs', { currentLeaderEpoch: epoch - 1 })).error).toBe(
      'FENCED_LEADER_EPOCH',
    )
  }
})

test('a reader whose log differs from that of the leader is told where', async () => {
  await topicOf(client, 'diverging')
  await produceTo(producer, 'diverging', batchOf(['a', 'b']))
  const epoch = (await metadataOf(client, ['diverging'])).topics[0]?.partitions[0]?.leaderEpoch ?? -2
  expect(await fetchFrom(client, 'diverging', { offset: 9, lastFetchedEpoch: epoch })).toMatchObject({
    error: 'NONE',
    divergingEpoch: { epoch, endOffset: 2 },
  })
  expect((await fetchFrom(client, 'diverging', { offset: 0, lastFetchedEpoch: epoch + 5 })).error).toBe(
    'OFFSET_OUT_OF_RANGE',
  )
})

test.each([0, 1, 2, 7])('a client that says it is replica %i is not served as one', async replicaId => {
  const topicId = await topicOf(client, `replica-${replicaId}`)
  await produceTo(producer, `replica-${replicaId}`, batchOf(['a']))
  expect((await fetchFrom(client, `replica-${replicaId}`, { replicaId })).error).toBe(
    'NOT_LEADER_OR_FOLLOWER',
  )
  const byId = await fetchFrom(client, '', { topicId, replicaId, version: 17 })
  expect(byId.error).toBe('NOT_LEADER_OR_FOLLOWER')
})

// ---- how much is read ----

test('the first batch comes whole however small the limits are, the others fill them up', async () => {
  await topicOf(client, 'large', { partitions: 3 })
  for (const partition of [0, 1, 2]) {
    for (let at = 0; at < 4; at++)
      await produceTo(producer, 'large', batchOf(['x'.repeat(1000)]), { partition })
  }
  const size = batchOf(['x'.repeat(1000)]).length
  for (const limit of [
    { partitionMaxBytes: 1 },
    { maxBytes: 1 },
    { partitionMaxBytes: 0, maxBytes: 0 },
    { partitionMaxBytes: -5, maxBytes: -5 },
  ]) {
    expect((await fetchFrom(client, 'large', limit)).records).toHaveLength(size)
  }
  const request = (maxBytes: number, partitionMaxBytes: number) => ({
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes,
    isolationLevel: 0,
    topics: [
      {
        topic: 'large',
        partitions: [0, 1, 2].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes })),
      },
    ],
  })
  const sizes = async (maxBytes: number, partitionMaxBytes: number) =>
    (await client.request(fetch, 12, request(maxBytes, partitionMaxBytes))).responses[0]?.partitions.map(
      ({ records }) => records?.length,
    )
  expect(await sizes(10, 1_000_000)).toEqual([size, 0, 0])
  expect(await sizes(2 * size + 50, 2 * size)).toEqual([2 * size, 0, 0])
  expect(await sizes(3 * size, 2 * size)).toEqual([2 * size, size, 0])
  expect(await sizes(1_000_000, size + 7)).toEqual([size + 7, size + 7, size + 7])
})

test('what is cut off in the middle of a batch is read by the next fetch', async () => {
  await topicOf(client, 'cut')
  for (const value of ['a', 'b', 'c']) await produceTo(producer, 'cut', batchOf([value]))
  const { records } = await fetchFrom(client, 'cut', { partitionMaxBytes: batchOf(['a']).length + 20 })
  expect(valuesIn(records)).toEqual(['a'])
  expect(await readAll(client, 'cut')).toEqual(['a', 'b', 'c'])
})

test('a partition named twice is answered once', async () => {
  await topicOf(client, 'twice')
  await produceTo(producer, 'twice', batchOf(['a']))
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }
  const answer = await client.request(fetch, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [
      { topic: 'twice', partitions: [partition, partition] },
      { topic: 'twice', partitions: [partition] },
    ],
  })
  expect(answer.responses.flatMap(({ partitions }) => partitions)).toHaveLength(1)
})
