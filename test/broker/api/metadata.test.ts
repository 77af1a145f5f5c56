import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RequestContext, Unanswerable } from '../../../broker/api/handler.ts'
import { metadataHandler } from '../../../broker/api/metadata.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { errorName, metadata } from '../../../protocol/index.ts'
import { BrokerConnection } from '../../support/broker-connection.ts'
import { createTopic, metadataOf, topicOf } from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'
import { until } from '../../support/until.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'num.partitions': '3' } })
  client = await broker.connect()
  await topicOf(client, 'one', { partitions: 2 })
  await topicOf(client, 'two')
})

afterAll(() => broker.remove())

const names = (answer: { readonly topics: readonly { readonly name: string | null }[] }) =>
  answer.topics.map(({ name }) => name ?? '').sort()

const errors = (answer: { readonly topics: readonly { readonly errorCode: number }[] }) =>
  answer.topics.map(({ errorCode }) => errorName(errorCode))

test('brokers come with the address of the listener that was asked, and one is the controller', async () => {
  const answer = await metadataOf(client, [])
  expect(answer.brokers).toEqual([{ nodeId: 1, host: '127.0.0.1', port: broker.port, rack: null }])
  expect(answer.controllerId).toBe(1)
  expect(answer.clusterId).toBe(broker.broker.clusterId)
})

test('on each listener brokers come with the address of that listener', async () => {
  const two = await RunningBroker.start({
    settings: {
      listeners: 'ONE://127.0.0.1:0,TWO://127.0.0.1:0',
      'listener.security.protocol.map': 'ONE:PLAINTEXT,TWO:PLAINTEXT',
      'inter.broker.listener.name': 'ONE',
    },
  })
  const ports = two.broker.listeners.map(({ port }) => port)
  expect(new Set(ports).size).toBe(2)
  for (const port of ports) {
    const other = await BrokerConnection.connect(port)
    expect((await metadataOf(other, [])).brokers).toMatchObject([{ nodeId: 1, port }])
    await other.close()
  }
  await two.remove()
})

test('partitions come with leader, epoch and replicas', async () => {
  const [topic] = (await metadataOf(client, ['one'])).topics
  expect(topic?.partitions).toMatchObject(
    [0, 1].map(partitionIndex => ({
      errorCode: 0,
      partitionIndex,
      leaderId: 1,
      replicaNodes: [1],
      isrNodes: [1],
      offlineReplicas: [],
    })),
  )
  expect(topic?.partitions[0]?.leaderEpoch).toBeGreaterThanOrEqual(0)
})

test('in v0 no names mean all topics, later null does and no names mean none', async () => {
  expect(names(await client.request(metadata, 0, { topics: [] }))).toEqual(['one', 'two'])
  expect(names(await client.request(metadata, 1, { topics: [] }))).toEqual([])
  for (const version of [1, 9, 13]) {
    expect(names(await client.request(metadata, version, { topics: null }))).toEqual(['one', 'two'])
  }
})

test('topics are found by id from v12 on; before that an id is refused', async () => {
  const topicId = (await metadataOf(client, ['one'])).topics[0]?.topicId ?? ''
  const byId = await client.request(metadata, 12, { topics: [{ topicId, name: null }] })
  expect(byId.topics[0]).toMatchObject({ errorCode: 0, name: 'one', topicId })
  const unknown = await client.request(metadata, 12, {
    topics: [{ topicId: 'BAAAAAAAAAAAAAAAAAAAAA', name: null }],
  })
  expect(unknown.topics[0]).toMatchObject({ name: null, topicId: 'BAAAAAAAAAAAAAAAAAAAAA' })
  expect(errors(unknown)).toEqual(['UNKNOWN_TOPIC_ID'])
  for (const version of [10, 11]) {
    const early = await client.request(metadata, version, { topics: [{ topicId, name: null }] })
    expect(errors(early)).toEqual(['INVALID_REQUEST'])
    expect(early.topics[0]?.name).toBe('')
  }
})

test('a topic asked for many times is answered once', async () => {
  const topics = Array.from({ length: 1000 }, () => ({ name: 'one' }))
  expect(names(await client.request(metadata, 12, { topics }))).toEqual(['one'])
})

test('operations are told when asked for', async () => {
  const asked = {
    topics: [{ name: 'one' }],
    includeTopicAuthorizedOperations: true,
    includeClusterAuthorizedOperations: true,
  }
  const answer = await client.request(metadata, 8, asked)
  expect(answer.topics[0]?.topicAuthorizedOperations).toBe(0b1101_1111_1000 & ~(1 << 9))
  expect(answer.clusterAuthorizedOperations).toBeGreaterThan(0)
  expect((await metadataOf(client, ['one'])).topics[0]?.topicAuthorizedOperations).toBe(-(2 ** 31))
})

test('names that cannot be topics are told so, whether topics are created or not', async () => {
  const bad = ['', '.', '..', 'a/b', '../../etc', 'nul\0', 'ü', 'x'.repeat(250), ' ']
  for (const autoCreate of [true, false]) {
    const answer = await metadataOf(client, bad, { autoCreate })
    expect(errors(answer)).toEqual(bad.map(() => 'INVALID_TOPIC_EXCEPTION'))
    expect(answer.topics.map(({ name }) => name)).toEqual(bad)
  }
})

// ---- auto creation ----

async function exists(name: string): Promise<boolean> {
  return errors(await metadataOf(client, [name]))[0] === 'NONE'
}

test('a missing topic is created meanwhile, with the default number of partitions', async () => {
  expect(errors(await metadataOf(client, ['wanted'], { autoCreate: true }))).toEqual([
    'UNKNOWN_TOPIC_OR_PARTITION',
  ])
  await until(() => exists('wanted'), 'the topic is there')
  expect((await metadataOf(client, ['wanted'])).topics[0]?.partitions).toHaveLength(3)
})

test('a request that does not allow it creates nothing, and one by id neither', async () => {
  await metadataOf(client, ['unwanted'])
  await client.request(metadata, 12, { topics: [{ topicId: 'BAAAAAAAAAAAAAAAAAAAAA', name: null }] })
  await metadataOf(client, ['wanted-later'], { autoCreate: true })
  await until(() => exists('wanted-later'), 'a topic asked for later is there')
  expect(await exists('unwanted')).toBe(false)
})

test('__proto__ and constructor are names like others', async () => {
  const odd = ['__proto__', 'constructor', 'toString']
  expect(errors(await metadataOf(client, odd))).toEqual(odd.map(() => 'UNKNOWN_TOPIC_OR_PARTITION'))
  await metadataOf(client, odd, { autoCreate: true })
  for (const name of odd) await until(() => exists(name), `${name} is there`)
})

test('a flood of names is answered, creates few topics at a time and holds nobody up', async () => {
  const flooder = await broker.connect()
  const topics = Array.from({ length: 100_000 }, (_, at) => ({ name: `flood${at}` }))
  const flood = flooder.request(metadata, 12, { topics, allowAutoTopicCreation: true })
  expect(errors(await metadataOf(client, ['one']))).toEqual(['NONE'])
  expect((await flood).topics).toHaveLength(100_000)
  // The controller works in order, so what was to be created is there when this is.
  expect((await createTopic(client, 'after-the-flood')).error).toBe('NONE')
  const all = names(await metadataOf(client, null)).filter(name => name?.startsWith('flood'))
  expect(all.length).toBeLessThanOrEqual(100)
  expect(errors(await metadataOf(client, ['one']))).toEqual(['NONE'])
})

test('where it is switched off nothing is created', async () => {
  const strict = await RunningBroker.start({ settings: { 'auto.create.topics.enable': 'false' } })
  const other = await strict.connect()
  expect(errors(await metadataOf(other, ['wanted'], { autoCreate: true }))).toEqual([
    'UNKNOWN_TOPIC_OR_PARTITION',
  ])
  await topicOf(other, 'made')
  expect(names(await metadataOf(other, null))).toEqual(['made'])
  await strict.remove()
})

test('while no broker is registered there is no answer, which clients would take for an empty cluster', () => {
  const brokerless = metadataHandler({
    image: () => emptyImage,
    autoTopicCreation: { errorFor: () => 'UNKNOWN_TOPIC_OR_PARTITION' } as never,
  })
  const context = { apiVersion: 12, listenerName: 'PLAINTEXT' } as RequestContext
  expect(() => brokerless.handle({ topics: [] }, context)).toThrow(Unanswerable)
})
