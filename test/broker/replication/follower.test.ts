import { afterEach, expect, test } from 'vitest'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import { RunningCluster } from '../../support/running-cluster.ts'
import { batchOf, createTopic, fetchFrom, metadataOf, produceTo, readAll } from '../../support/requests.ts'
import { until } from '../../support/until.ts'

let cluster: RunningCluster

afterEach(() => cluster.remove())

async function topicOf(client: BrokerConnection, name: string, replicationFactor: number, configs = {}) {
  const { error, errorMessage } = await createTopic(client, name, { replicationFactor, configs })
  expect([error, errorMessage]).toEqual(['NONE', null])
}

async function partitionOf(client: BrokerConnection, topic: string) {
  const { topics } = await metadataOf(client, [topic])
  return topics[0]!.partitions[0]!
}

test('three brokers hold the same records, and acks=all waits for them', async () => {
  cluster = await RunningCluster.start([1, 2, 3])
  const clients = new Map<number, BrokerConnection>()
  for (const [id, broker] of cluster.brokers) clients.set(id, await broker.connect())
  await topicOf(clients.get(1)!, 'topic', 3)
  const { leaderId } = await partitionOf(clients.get(1)!, 'topic')
  const leader = clients.get(leaderId)!
  for (const value of ['a', 'b', 'c']) {
    const { error } = await produceTo(leader, 'topic', batchOf([value]))
    expect(error).toBe('NONE')
  }
  expect(await readAll(leader, 'topic')).toEqual(['a', 'b', 'c'])
  for (const client of clients.values()) {
    await until(
      async () => (await fetchFrom(client, 'topic')).highWatermark === 3,
      'the watermark comes over',
    )
    expect(await readAll(client, 'topic')).toEqual(['a', 'b', 'c'])
  }
})

test('a broker that was away catches up and is back in the in-sync set', async () => {
  cluster = await RunningCluster.start([1, 2, 3])
  const client = await cluster.broker(1).connect()
  await topicOf(client, 'topic', 3, { 'min.insync.replicas': '2' })
  await cluster.leave(3)
  await until(async () => (await partitionOf(client, 'topic')).isrNodes.length === 2, 'the set is smaller')
  const { leaderId } = await partitionOf(client, 'topic')
  const leader = await cluster.broker(leaderId).connect()
  for (const value of ['a', 'b', 'c']) {
    expect((await produceTo(leader, 'topic', batchOf([value]))).error).toBe('NONE')
  }
  await cluster.join(3)
  await until(async () => (await partitionOf(client, 'topic')).isrNodes.length === 3, 'it is in sync again')
  const third = await cluster.broker(3).connect()
  await until(async () => (await fetchFrom(third, 'topic')).highWatermark === 3, 'the watermark comes over')
  expect(await readAll(third, 'topic')).toEqual(['a', 'b', 'c'])
})
