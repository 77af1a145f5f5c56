import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteRecords, errorName, listOffsets } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import { batchOf, metadataOf, offsetAt, produceTo, topicOf } from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'

let broker: RunningBroker
let client: BrokerConnection
const start = Date.now() - 60_000
let epoch: number

const latest = -1
const earliest = -2
const maxTimestamp = -3
const earliestLocal = -4
const latestTiered = -5
const earliestPendingUpload = -6

beforeAll(async () => {
  broker = await RunningBroker.start()
  client = await broker.connect()
  await topicOf(client, 'times', { partitions: 2 })
  const at = (delta: number) => ({ value: Buffer.from('v'), timestamp: start + delta })
  await produceTo(client, 'times', batchOf([at(0), at(10), at(20)]))
  await produceTo(client, 'times', batchOf([at(50), at(40)], { compression: 'gzip' }))
  await produceTo(client, 'times', batchOf([at(30)]))
  epoch = (await metadataOf(client, ['times'])).topics[0]?.partitions[0]?.leaderEpoch ?? -2
})

afterAll(() => broker.remove())

test('latest is the high watermark, earliest the start of the log', async () => {
  expect(await offsetAt(client, 'times', latest)).toMatchObject({
    error: 'NONE',
    offset: 6,
    timestamp: -1,
    leaderEpoch: epoch,
  })
  expect(await offsetAt(client, 'times', earliest)).toMatchObject({ error: 'NONE', offset: 0, timestamp: -1 })
  expect(await offsetAt(client, 'times', earliestLocal)).toMatchObject({ error: 'NONE', offset: 0 })
  expect(await offsetAt(client, 'times', latest, { partition: 1 })).toMatchObject({
    error: 'NONE',
    offset: 0,
  })
})

test.each([
  [start - 1000, 0, start],
  [start, 0, start],
  [start + 1, 1, start + 10],
  [start + 20, 2, start + 20],
  [start + 21, 3, start + 50],
  [start + 50, 3, start + 50],
])('the first record at or after %i is offset %i', async (asked, offset, timestamp) => {
  expect(await offsetAt(client, 'times', asked)).toMatchObject({
    error: 'NONE',
    offset,
    timestamp,
    leaderEpoch: epoch,
  })
})

test('a time after all records finds nothing', async () => {
  for (const timestamp of [start + 51, Number.MAX_SAFE_INTEGER]) {
    expect(await offsetAt(client, 'times', timestamp)).toMatchObject({
      error: 'NONE',
      offset: -1,
      timestamp: -1,
    })
  }
})

test('the largest time is found wherever it stands; an empty log has none', async () => {
  expect(await offsetAt(client, 'times', maxTimestamp)).toMatchObject({
    error: 'NONE',
    offset: 3,
    timestamp: start + 50,
  })
  expect(await offsetAt(client, 'times', maxTimestamp, { partition: 1 })).toMatchObject({
    error: 'NONE',
    offset: -1,
    timestamp: -1,
  })
})

test('nothing is in tiers', async () => {
  expect(await offsetAt(client, 'times', latestTiered)).toMatchObject({ error: 'NONE', offset: -1 })
  expect(await offsetAt(client, 'times', earliestPendingUpload)).toMatchObject({ error: 'NONE', offset: -1 })
})

test.each([
  [maxTimestamp, 6],
  [earliestLocal, 7],
  [latestTiered, 8],
  [earliestPendingUpload, 10],
  [-7, 11],
])('the special time %i is unknown to version %i', async (timestamp, version) => {
  expect((await offsetAt(client, 'times', timestamp, { version })).error).toBe('UNSUPPORTED_VERSION')
})

test('the leader epoch that the client knows is checked', async () => {
  expect((await offsetAt(client, 'times', latest, { leaderEpoch: epoch + 1 })).error).toBe(
    'UNKNOWN_LEADER_EPOCH',
  )
  expect((await offsetAt(client, 'times', latest, { leaderEpoch: epoch })).error).toBe('NONE')
})

test('unknown topics and partitions are told, partitions asked for twice refused', async () => {
  expect((await offsetAt(client, 'unknown', latest)).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  expect((await offsetAt(client, 'times', latest, { partition: 9 })).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  const asked = (partitionIndex: number) => ({ partitionIndex, timestamp: latest })
  const answer = await client.request(listOffsets, 5, {
    replicaId: -1,
    topics: [
      { name: 'times', partitions: [asked(0), asked(1), asked(0)] },
      { name: 'times', partitions: [asked(0)] },
    ],
  })
  const errors = answer.topics.flatMap(({ partitions }) =>
    partitions.map(({ errorCode }) => errorName(errorCode)),
  )
  expect(errors).toEqual(['INVALID_REQUEST', 'NONE', 'INVALID_REQUEST', 'INVALID_REQUEST'])
})

test('records that were deleted are not found', async () => {
  await topicOf(client, 'cut')
  for (const delta of [0, 10]) await produceTo(client, 'cut', batchOf(['x'], { timestamp: start + delta }))
  await client.request(deleteRecords, 2, {
    topics: [{ name: 'cut', partitions: [{ partitionIndex: 0, offset: 1 }] }],
    timeoutMs: 1000,
  })
  expect(await offsetAt(client, 'cut', earliest)).toMatchObject({ offset: 1 })
  expect(await offsetAt(client, 'cut', start)).toMatchObject({ offset: 1, timestamp: start + 10 })
})
