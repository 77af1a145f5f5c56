import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteTopics, errorName, fetch } from '../../../protocol/index.ts'
import { type BrokerConnection, frameOf, readAnswer } from '../../support/broker-connection.ts'
import {
  batchOf,
  fetchFrom,
  fetchRequest,
  produceTo,
  readAll,
  topicOf,
  valuesIn,
} from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'
import { until } from '../../support/until.ts'

let broker: RunningBroker
let client: BrokerConnection
let producer: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'max.incremental.fetch.session.cache.slots': '20' } })
  client = await broker.connect()
  producer = await broker.connect()
})

afterAll(() => broker.remove())

/** Sends a fetch that is to wait, and resolves with its answer; `parked` tells that the broker has it. */
async function parkedFetch(topic: string, options: Parameters<typeof fetchRequest>[1]) {
  const connection = await broker.connect()
  const before = await fetchesInWork()
  const answer = fetchFrom(connection, topic, options)
  await until(async () => (await fetchesInWork()) > before, 'the fetch waits')
  return { answer, connection }
}

/** Asked over HTTP, so that the broker's loop has turned in between. */
async function fetchesInWork(): Promise<number> {
  const text = await broker.metric()
  const values = text.matchAll(/^kafka_network_requestchannel_requestqueuesize(?:\{[^}]*\})? (\d+)/gm)
  return [...values].reduce((sum, [, value]) => sum + Number(value), 0)
}

// ---- waiting ----

test('a fetch that waits is answered by the produce it waits for, and holds nobody up', async () => {
  await topicOf(client, 'waiting')
  const { answer } = await parkedFetch('waiting', { maxWaitMs: 60_000 })
  await topicOf(client, 'not-held-up')
  await produceTo(producer, 'waiting', batchOf(['woken']))
  expect(valuesIn((await answer).records)).toEqual(['woken'])
})

test('a fetch waits for its minimum of bytes over all its partitions', async () => {
  await topicOf(client, 'minimum')
  const size = batchOf(['x'.repeat(100)]).length
  const { answer } = await parkedFetch('minimum', { maxWaitMs: 60_000, minBytes: 3 * size })
  for (let at = 0; at < 3; at++) await produceTo(producer, 'minimum', batchOf(['x'.repeat(100)]))
  expect((await answer).records).toHaveLength(3 * size)
})

test('a minimum larger than the largest answer does not make a fetch wait for ever', async () => {
  await topicOf(client, 'minimum-too-large')
  await produceTo(producer, 'minimum-too-large', batchOf(['x'.repeat(1000)]))
  const { records } = await fetchFrom(client, 'minimum-too-large', {
    maxWaitMs: 60_000,
    minBytes: 2 ** 30,
    maxBytes: 1000,
  })
  expect(valuesIn(records)).toHaveLength(1)
})

test('at the end of an old segment a fetch does not wait for more than is in it', async () => {
  await topicOf(client, 'segments', { configs: { 'segment.bytes': '1048576' } })
  const half = 'x'.repeat(600_000)
  for (let at = 0; at < 2; at++) await produceTo(producer, 'segments', batchOf([half]))
  const { records } = await fetchFrom(client, 'segments', {
    maxWaitMs: 60_000,
    minBytes: 1_000_000,
    partitionMaxBytes: 10_000_000,
  })
  expect(valuesIn(records)).toHaveLength(1)
  expect(await readAll(client, 'segments')).toHaveLength(2)
})

test('when its time is up a fetch gets what there is', async () => {
  await topicOf(client, 'time-up')
  await produceTo(producer, 'time-up', batchOf(['a']))
  const { records } = await fetchFrom(client, 'time-up', { maxWaitMs: 5, minBytes: 1_000_000 })
  expect(valuesIn(records)).toEqual(['a'])
  expect(await fetchFrom(client, 'time-up', { offset: 1, maxWaitMs: 5 })).toMatchObject({
    error: 'NONE',
    highWatermark: 1,
  })
})

test('a waiting fetch is told at once when its topic is deleted', async () => {
  await topicOf(client, 'deleted-meanwhile')
  const { answer } = await parkedFetch('deleted-meanwhile', { maxWaitMs: 60_000 })
  await client.request(deleteTopics, 5, { topicNames: ['deleted-meanwhile'], timeoutMs: 10_000 })
  expect((await answer).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
})

test('a fetch whose partition has an error does not wait', async () => {
  expect((await fetchFrom(client, 'nowhere', { maxWaitMs: 60_000 })).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
})

test('a fetch for nothing is answered at once', async () => {
  const answer = await client.request(fetch, 12, { maxWaitMs: 60_000, minBytes: 1, topics: [] })
  expect(answer).toMatchObject({ errorCode: 0, sessionId: 0, responses: [] })
})

test('a client that goes away while it waits leaves no session and no waiting request behind', async () => {
  await topicOf(client, 'gone')
  const before = await fetchesInWork()
  const sessions = await sessionCount()
  const { answer, connection } = await parkedFetch('gone', { maxWaitMs: 60_000, sessionEpoch: 0 })
  const failed = answer.catch((error: Error) => error.message)
  await connection.close()
  expect(await failed).toContain('closed')
  await until(async () => (await fetchesInWork()) === before, 'the request is gone')
  await produceTo(producer, 'gone', batchOf(['nobody reads this']))
  expect(await sessionCount()).toBe(sessions)
})

async function sessionCount(): Promise<number> {
  const found = /^kafka_server_fetchsessioncache_numincrementalfetchsessions (\d+)/m.exec(
    await broker.metric(),
  )
  return Number(found?.[1] ?? Number.NaN)
}

// ---- sessions ----

function sessionRequest(
  sessionId: number,
  sessionEpoch: number,
  topics: readonly { readonly topic: string; readonly offsets: Readonly<Record<number, number>> }[] = [],
  forgotten: readonly { readonly topic: string; readonly partitions: readonly number[] }[] = [],
) {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    sessionId,
    sessionEpoch,
    topics: topics.map(({ topic, offsets }) => ({
      topic,
      partitions: Object.entries(offsets).map(([partition, fetchOffset]) => ({
        partition: Number(partition),
        fetchOffset,
        partitionMaxBytes: 100_000,
      })),
    })),
    forgottenTopicsData: forgotten,
  }
}

function told(answer: Awaited<ReturnType<typeof askInSession>>): string[] {
  return answer.responses.flatMap(({ topic, partitions }) =>
    partitions.map(
      ({ partitionIndex, records }) => `${topic}-${partitionIndex}:${valuesIn(records).join('')}`,
    ),
  )
}

function askInSession(...parts: Parameters<typeof sessionRequest>) {
  return client.request(fetch, 12, sessionRequest(...parts))
}

test('in a session later answers hold only what is new, and later requests only what changes', async () => {
  await topicOf(client, 'session', { partitions: 3 })
  const opened = await askInSession(0, 0, [{ topic: 'session', offsets: { 0: 0, 1: 0 } }])
  const { sessionId } = opened
  expect(sessionId).toBeGreaterThan(0)
  expect(told(opened)).toEqual(['session-0:', 'session-1:'])
  expect(told(await askInSession(sessionId, 1))).toEqual([])
  await produceTo(producer, 'session', batchOf(['a']), { partition: 1 })
  expect(told(await askInSession(sessionId, 2))).toEqual(['session-1:a'])
  const moved = await askInSession(sessionId, 3, [{ topic: 'session', offsets: { 1: 1, 2: 0 } }])
  expect(told(moved)).toEqual(['session-2:'])
  await produceTo(producer, 'session', batchOf(['b']), { partition: 0 })
  const forgot = await askInSession(sessionId, 4, [], [{ topic: 'session', partitions: [0] }])
  expect(told(forgot)).toEqual([])
  const closed = await askInSession(sessionId, 5, [], [{ topic: 'session', partitions: [1, 2] }])
  expect(closed).toMatchObject({ errorCode: 0, sessionId: 0 })
  expect(errorName((await askInSession(sessionId, 6)).errorCode)).toBe('FETCH_SESSION_ID_NOT_FOUND')
})

test('a session waits for its partitions without naming them', async () => {
  await topicOf(client, 'session-waits')
  const connection = await broker.connect()
  const { sessionId } = await connection.request(
    fetch,
    12,
    sessionRequest(0, 0, [{ topic: 'session-waits', offsets: { 0: 0 } }]),
  )
  const before = await fetchesInWork()
  const answer = connection.request(fetch, 12, { ...sessionRequest(sessionId, 1), maxWaitMs: 60_000 })
  await until(async () => (await fetchesInWork()) > before, 'the fetch waits')
  await produceTo(producer, 'session-waits', batchOf(['a']))
  expect(told(await answer)).toEqual(['session-waits-0:a'])
})

test('a wrong epoch, an unknown session and topic ids in a session of names are refused', async () => {
  const topicId = await topicOf(client, 'session-errors')
  const { sessionId } = await askInSession(0, 0, [{ topic: 'session-errors', offsets: { 0: 0 } }])
  expect(errorName((await askInSession(sessionId, 2)).errorCode)).toBe('INVALID_FETCH_SESSION_EPOCH')
  expect(errorName((await askInSession(sessionId === 1 ? 2 : sessionId - 1, 1)).errorCode)).toBe(
    'FETCH_SESSION_ID_NOT_FOUND',
  )
  const byId = await client.request(
    fetch,
    13,
    fetchRequest('', { version: 13, topicId, sessionId, sessionEpoch: 1 }),
  )
  expect(errorName(byId.errorCode)).toBe('FETCH_SESSION_TOPIC_ID_ERROR')
  expect(byId.responses).toEqual([])
})

test('in a session of ids a topic made again is told as unknown, every time', async () => {
  const topicId = await topicOf(client, 'session-again')
  const opened = await client.request(fetch, 13, fetchRequest('', { version: 13, topicId, sessionEpoch: 0 }))
  await client.request(deleteTopics, 5, { topicNames: ['session-again'], timeoutMs: 10_000 })
  await topicOf(client, 'session-again')
  for (const sessionEpoch of [1, 2]) {
    const next = { maxWaitMs: 0, minBytes: 1, sessionId: opened.sessionId, sessionEpoch, topics: [] }
    const answer = await client.request(fetch, 13, next)
    const error = answer.responses[0]?.partitions[0]?.errorCode ?? 0
    expect(errorName(error)).toBe('UNKNOWN_TOPIC_ID')
  }
})

test('a flood of sessions leaves those that are in use alone; newcomers fetch without', async () => {
  await topicOf(client, 'flood')
  const kept = await askInSession(0, 0, [{ topic: 'flood', offsets: { 0: 0 } }])
  const flooder = await broker.connect()
  const request = sessionRequest(0, 0, [{ topic: 'flood', offsets: { 0: 0 } }])
  for (let at = 0; at < 500; at++) flooder.send(frameOf(fetch, 12, request, { correlationId: at }))
  const frames = await flooder.frames(500)
  const made = frames.filter(frame => readAnswer(fetch, 12, frame).response.sessionId !== 0)
  expect(made.length).toBeLessThan(20)
  expect(await sessionCount()).toBe(20)
  expect((await askInSession(kept.sessionId, 1)).errorCode).toBe(0)
})
