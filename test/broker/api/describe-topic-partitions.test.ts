import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeTopicPartitions, errorName } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import { topicOf } from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'max.request.partition.size.limit': '6' } })
  client = await broker.connect()
  await topicOf(client, 'a', { partitions: 3 })
  await topicOf(client, 'b', { partitions: 4 })
  await topicOf(client, 'c')
})

afterAll(() => broker.remove())

interface Cursor {
  readonly topicName: string
  readonly partitionIndex: number
}

async function page(names: readonly string[], responsePartitionLimit: number, cursor: Cursor | null = null) {
  const topics = names.map(name => ({ name }))
  const answer = await client.request(describeTopicPartitions, 0, { topics, responsePartitionLimit, cursor })
  const told = answer.topics.map(
    ({ name, partitions }) => `${name}:${partitions.map(({ partitionIndex }) => partitionIndex).join()}`,
  )
  return { told, topics: answer.topics, next: answer.nextCursor }
}

test('topics come in the order of their names, each partition with its leader', async () => {
  const { told, topics, next } = await page(['c', 'a'], 100)
  expect(told).toEqual(['a:0,1,2', 'c:0'])
  expect(next).toBe(null)
  expect(topics[0]?.partitions[0]).toMatchObject({
    leaderId: 1,
    replicaNodes: [1],
    isrNodes: [1],
    offlineReplicas: [],
  })
})

test('no names mean all topics', async () => {
  expect((await page([], 100)).told).toEqual(['a:0,1,2', 'b:0,1,2'])
})

test('pages follow one another without a gap, also in the middle of a topic', async () => {
  const all: string[] = []
  let cursor: Cursor | null = null
  do {
    const { told, next }: Awaited<ReturnType<typeof page>> = await page([], 2, cursor)
    all.push(...told)
    cursor = next
  } while (cursor !== null)
  expect(all).toEqual(['a:0,1', 'a:2', 'b:0', 'b:1,2', 'b:3', 'c:0'])
})

test('the limit of the broker holds when the client asks for more, and at least one partition comes', async () => {
  expect((await page([], 2 ** 31 - 1)).next).toEqual({ topicName: 'b', partitionIndex: 3 })
  for (const limit of [0, -1]) expect((await page([], limit)).told).toEqual(['a:0'])
})

test('a topic that is not there is told, unless it lies before the cursor', async () => {
  const { topics } = await page(['b', 'a-no', 'zz'], 100)
  expect(topics.map(({ name, errorCode }) => `${name} ${errorName(errorCode)}`)).toEqual([
    'a-no UNKNOWN_TOPIC_OR_PARTITION',
    'b NONE',
    'zz UNKNOWN_TOPIC_OR_PARTITION',
  ])
  expect((await page(['a-no', 'b'], 100, { topicName: 'b', partitionIndex: 2 })).told).toEqual(['b:2,3'])
  expect((await page(['a', 'c'], 100, { topicName: 'b', partitionIndex: 9 })).told).toEqual(['c:0'])
})
