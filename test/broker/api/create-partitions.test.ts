import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPartitions, errorName } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import { batchOf, metadataOf, produceTo, readAll, topicOf } from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start()
  client = await broker.connect()
})

afterAll(() => broker.remove())

async function grown(
  name: string,
  count: number,
  options: { readonly assignments?: readonly (readonly number[])[]; readonly validateOnly?: boolean } = {},
) {
  const assignments = options.assignments?.map(brokerIds => ({ brokerIds })) ?? null
  const answer = await client.request(createPartitions, 3, {
    topics: [{ name, count, assignments }],
    timeoutMs: 10_000,
    validateOnly: options.validateOnly ?? false,
  })
  return errorName(answer.results[0]?.errorCode ?? -1)
}

async function partitionsOf(name: string): Promise<number | undefined> {
  return (await metadataOf(client, [name])).topics[0]?.partitions.length
}

test('new partitions can be used at once, old ones keep what they hold', async () => {
  await topicOf(client, 'grows')
  await produceTo(client, 'grows', batchOf(['kept']))
  expect(await grown('grows', 3)).toBe('NONE')
  expect(await partitionsOf('grows')).toBe(3)
  expect((await produceTo(client, 'grows', batchOf(['new']), { partition: 2 })).error).toBe('NONE')
  expect(await readAll(client, 'grows')).toEqual(['kept'])
})

test('validate-only finds the mistakes and makes nothing', async () => {
  await topicOf(client, 'tried')
  expect(await grown('tried', 5, { validateOnly: true })).toBe('NONE')
  expect(await grown('tried', 1, { validateOnly: true })).toBe('INVALID_PARTITIONS')
  expect(await partitionsOf('tried')).toBe(1)
})

test.each([
  ['fixed', 2, 'INVALID_PARTITIONS'],
  ['fixed', 1, 'INVALID_PARTITIONS'],
  ['fixed', 0, 'INVALID_PARTITIONS'],
  ['fixed', -1, 'INVALID_PARTITIONS'],
  ['unknown', 5, 'UNKNOWN_TOPIC_OR_PARTITION'],
] as const)('%s cannot have %i partitions: %s', async (name, count, error) => {
  if ((await partitionsOf('fixed')) !== 2) await topicOf(client, 'fixed', { partitions: 2 })
  expect(await grown(name, count)).toBe(error)
  expect(await partitionsOf('fixed')).toBe(2)
})

test('replicas can be placed by hand, one list for each new partition', async () => {
  await topicOf(client, 'by-hand')
  expect(await grown('by-hand', 3, { assignments: [[1]] })).toBe('INVALID_REPLICA_ASSIGNMENT')
  expect(await grown('by-hand', 2, { assignments: [[7]] })).toBe('INVALID_REPLICA_ASSIGNMENT')
  expect(await grown('by-hand', 2, { assignments: [[]] })).toBe('INVALID_REPLICA_ASSIGNMENT')
  expect(await grown('by-hand', 3, { assignments: [[1], [1]] })).toBe('NONE')
  expect(await partitionsOf('by-hand')).toBe(3)
})
