import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { alterReplicaLogDirs, describeLogDirs, errorName } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import { batchOf, fetchFrom, produceTo, readAll, topicOf } from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'
import { until } from '../../support/until.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ logDirectories: ['one', 'two'] })
  client = await broker.connect()
  await topicOf(client, 'spread', { partitions: 4 })
})

afterAll(() => broker.remove())

type Asked = readonly { readonly topic: string; readonly partitions: readonly number[] }[]

async function described(topics: Asked | null = null) {
  const answer = await client.request(describeLogDirs, 4, { topics })
  expect(answer.errorCode).toBe(0)
  return answer.results
}

/** The directories in which the replica, or a copy of it, stands. */
async function placesOf(topic: string, partition: number): Promise<string[]> {
  const found = await described([{ topic, partitions: [partition] }])
  return found.filter(({ topics }) => topics.length > 0).map(({ logDir }) => logDir)
}

test('every directory tells its size and the replicas in it', async () => {
  await produceTo(client, 'spread', batchOf(['a']), { partition: 1 })
  const directories = await described()
  expect(directories.map(({ logDir }) => logDir).sort()).toEqual(
    ['one', 'two'].map(name => join(broker.directory, name)),
  )
  for (const directory of directories) {
    expect(directory.errorCode).toBe(0)
    expect(directory.totalBytes).toBeGreaterThan(directory.usableBytes)
  }
  const partitions = directories.flatMap(({ topics }) => topics.flatMap(topic => topic.partitions))
  expect(new Set(partitions.map(({ partitionIndex }) => partitionIndex))).toEqual(new Set([0, 1, 2, 3]))
  expect(partitions.find(({ partitionIndex }) => partitionIndex === 1)).toMatchObject({
    partitionSize: batchOf(['a']).length,
    offsetLag: 0,
    isFutureKey: false,
  })
})

test('only what was asked for is told', async () => {
  const partitions = (await described([{ topic: 'spread', partitions: [2, 9] }])).flatMap(({ topics }) =>
    topics.flatMap(topic => topic.partitions),
  )
  expect(partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([2])
  expect((await described([])).flatMap(({ topics }) => topics)).toEqual([])
})

async function moved(topic: string, partition: number, path: string): Promise<string> {
  const answer = await client.request(alterReplicaLogDirs, 2, {
    dirs: [{ path, topics: [{ name: topic, partitions: [partition] }] }],
  })
  return errorName(answer.results[0]?.partitions[0]?.errorCode ?? -1)
}

test('a replica moves to another directory while it is written and read', async () => {
  await topicOf(client, 'moving')
  const values: string[] = []
  const write = async (): Promise<void> => {
    values.push(`v${values.length}`)
    expect((await produceTo(client, 'moving', batchOf(values.slice(-1)))).error).toBe('NONE')
  }
  for (let at = 0; at < 20; at++) await write()
  const [from] = await placesOf('moving', 0)
  const to = join(broker.directory, from?.endsWith('one') === true ? 'two' : 'one')
  expect(await moved('moving', 0, to)).toBe('NONE')
  await until(async () => {
    await write()
    return (await placesOf('moving', 0)).join() === to
  }, 'the replica has moved')
  await write()
  expect(await readAll(client, 'moving')).toEqual(values)
})

test('a fetch that waits for a replica is woken after it has moved', async () => {
  await topicOf(client, 'moving-watched')
  const [from] = await placesOf('moving-watched', 0)
  const to = join(broker.directory, from?.endsWith('one') === true ? 'two' : 'one')
  const consumer = await broker.connect()
  const woken = fetchFrom(consumer, 'moving-watched', { maxWaitMs: 60_000 })
  expect(await moved('moving-watched', 0, to)).toBe('NONE')
  await until(async () => (await placesOf('moving-watched', 0)).join() === to, 'the replica has moved')
  await produceTo(client, 'moving-watched', batchOf(['a']))
  expect((await woken).highWatermark).toBe(1)
})

test('a directory that is not one of the broker and a replica that is not there are refused', async () => {
  expect(await moved('spread', 0, join(broker.directory, 'three'))).toBe('LOG_DIR_NOT_FOUND')
  expect(['REPLICA_NOT_AVAILABLE', 'NONE']).toContain(
    await moved('unknown', 0, join(broker.directory, 'one')),
  )
})
