import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteRecords, errorName, fetch } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import {
  batchOf,
  fetchFrom,
  newProducerId,
  offsetAt,
  produceTo,
  readAll,
  topicOf,
} from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start()
  client = await broker.connect()
})

afterAll(() => broker.remove())

async function deletedBefore(name: string, offset: number, partitionIndex = 0) {
  const answer = await client.request(deleteRecords, 2, {
    topics: [{ name, partitions: [{ partitionIndex, offset }] }],
    timeoutMs: 1000,
  })
  const [result] = answer.topics[0]?.partitions ?? []
  return { error: errorName(result?.errorCode ?? -1), lowWatermark: result?.lowWatermark }
}

async function filled(name: string, records: number): Promise<void> {
  await topicOf(client, name)
  for (let at = 0; at < records; at++) await produceTo(client, name, batchOf([`v${at}`]))
}

test('records before the offset are out of range, those from it on are there', async () => {
  await filled('cut', 4)
  expect(await deletedBefore('cut', 2)).toEqual({ error: 'NONE', lowWatermark: 2 })
  expect((await fetchFrom(client, 'cut', { offset: 1 })).error).toBe('OFFSET_OUT_OF_RANGE')
  expect(await readAll(client, 'cut', { offset: 2 })).toEqual(['v2', 'v3'])
  expect((await fetchFrom(client, 'cut', { offset: 2 })).logStartOffset).toBe(2)
  expect((await offsetAt(client, 'cut', -2)).offset).toBe(2)
})

test('the start never goes back', async () => {
  await filled('forwards', 3)
  await deletedBefore('forwards', 2)
  expect(await deletedBefore('forwards', 1)).toEqual({ error: 'NONE', lowWatermark: 2 })
})

test('-1 deletes everything up to the high watermark; the next record goes on from there', async () => {
  await filled('emptied', 3)
  expect(await deletedBefore('emptied', -1)).toEqual({ error: 'NONE', lowWatermark: 3 })
  expect(await fetchFrom(client, 'emptied', { offset: 3 })).toMatchObject({
    highWatermark: 3,
    logStartOffset: 3,
  })
  expect((await produceTo(client, 'emptied', batchOf(['next']))).baseOffset).toBe(3)
})

test('beyond the high watermark, and below nothing, is out of range', async () => {
  await filled('bounds', 1)
  for (const offset of [2, -2, Number.MAX_SAFE_INTEGER]) {
    expect(await deletedBefore('bounds', offset)).toEqual({ error: 'OFFSET_OUT_OF_RANGE', lowWatermark: -1 })
  }
})

test('unknown partitions, internal topics and topics that are only compacted are refused', async () => {
  await topicOf(client, 'compacted', { configs: { 'cleanup.policy': 'compact' } })
  await topicOf(client, 'both', { configs: { 'cleanup.policy': 'compact,delete' } })
  await topicOf(client, '__consumer_offsets')
  expect((await deletedBefore('unknown', 0)).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  expect((await deletedBefore('both', 0, 1)).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  expect((await deletedBefore('compacted', 0)).error).toBe('POLICY_VIOLATION')
  expect((await deletedBefore('__consumer_offsets', 0)).error).toBe('INVALID_TOPIC_EXCEPTION')
  expect((await deletedBefore('both', 0)).error).toBe('NONE')
})

test('a producer whose records were all deleted goes on where it was', async () => {
  await topicOf(client, 'producer')
  const producerId = await newProducerId(client)
  const send = (baseSequence: number) =>
    produceTo(client, 'producer', batchOf(['x'], { producerId, producerEpoch: 0, baseSequence }))
  await send(0)
  await deletedBefore('producer', -1)
  expect((await send(5)).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(await send(1)).toMatchObject({ error: 'NONE', baseOffset: 1 })
})

test('a session is told of the new start', async () => {
  await filled('in-session', 2)
  const partition = { partition: 0, fetchOffset: 2, partitionMaxBytes: 1000 }
  const ask = (
    sessionId: number,
    sessionEpoch: number,
    topics: { topic: string; partitions: (typeof partition)[] }[],
  ) => client.request(fetch, 12, { maxWaitMs: 0, minBytes: 1, sessionId, sessionEpoch, topics })
  const { sessionId } = await ask(0, 0, [{ topic: 'in-session', partitions: [partition] }])
  expect((await ask(sessionId, 1, [])).responses).toEqual([])
  await deletedBefore('in-session', 1)
  expect((await ask(sessionId, 2, [])).responses[0]?.partitions[0]).toMatchObject({ logStartOffset: 1 })
})
