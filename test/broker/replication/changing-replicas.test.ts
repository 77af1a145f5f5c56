import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import {
  alterPartitionReassignments,
  createTopics,
  deleteTopics,
  errorName,
  zeroUuid,
} from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import {
  bytesOf,
  heldBy,
  inSync,
  logOf,
  partitionOf,
  rolesOf,
  write,
} from '../../support/replicated-topic.ts'
import { metadataOf, topicOf } from '../../support/requests.ts'
import { RunningCluster } from '../../support/running-cluster.ts'
import { until } from '../../support/until.ts'

let cluster: RunningCluster

afterEach(() => cluster.remove())

async function createOn(client: BrokerConnection, name: string, brokerIds: readonly number[]): Promise<void> {
  const assignments = [{ partitionIndex: 0, brokerIds }]
  const topics = [{ name, numPartitions: -1, replicationFactor: -1, assignments, configs: [] }]
  const answer = await client.request(createTopics, 7, { topics, timeoutMs: 30_000, validateOnly: false })
  expect([errorName(answer.topics[0]!.errorCode), answer.topics[0]!.errorMessage]).toEqual(['NONE', null])
}

async function moveTo(client: BrokerConnection, name: string, replicas: readonly number[]): Promise<void> {
  const topics = [{ name, partitions: [{ partitionIndex: 0, replicas }] }]
  const answer = await client.request(alterPartitionReassignments, 1, {
    timeoutMs: 30_000,
    allowReplicationFactorChange: true,
    topics,
  })
  const [result] = answer.responses[0]!.partitions
  expect([errorName(answer.errorCode), errorName(result!.errorCode)]).toEqual(['NONE', 'NONE'])
}

/** The folders that the broker has for partition 0, those put aside or about to go included. */
function foldersOf(id: number, topic: string): string[] {
  const data = join(cluster.broker(id).directory, 'data')
  return readdirSync(data).filter(name => name === `${topic}-0` || name.startsWith(`${topic}-0.`))
}

test('a broker that was away while its topic was deleted and made anew has none of the old records', async () => {
  cluster = await RunningCluster.start([1, 2, 3])
  const client = await cluster.broker(1).connect()
  await topicOf(client, 'topic', { replicationFactor: 3 })
  const { leader } = await rolesOf(client, 'topic')
  await write(cluster, leader, 'topic', ['old', 'older', 'oldest'])
  expect(await heldBy(cluster, 3, 'topic', 3)).toEqual(['old', 'older', 'oldest'])
  await cluster.leave(3)
  const deleted = await client.request(deleteTopics, 6, {
    topics: [{ name: 'topic', topicId: zeroUuid }],
    timeoutMs: 30_000,
  })
  expect(errorName(deleted.responses[0]!.errorCode)).toBe('NONE')
  await createOn(client, 'topic', [1, 2])
  await until(
    async () => (await partitionOf(client, 'topic')).isrNodes.length === 2,
    'the new topic is there',
  )
  await write(cluster, (await rolesOf(client, 'topic')).leader, 'topic', ['new'])

  await cluster.join(3)
  // Its log of the old topic is not one of the new topic, nor is it when the new one is to be here.
  await moveTo(client, 'topic', [3, 1, 2])
  await inSync(client, 'topic', 3)
  expect(await heldBy(cluster, 3, 'topic', 1)).toEqual(['new'])
  expect(bytesOf(cluster, 3, 'topic').equals(bytesOf(cluster, 1, 'topic'))).toBe(true)
  // Nobody is sure that nobody needs the old one.
  expect(foldersOf(3, 'topic').filter(name => name.endsWith('-stray'))).toHaveLength(1)
})

test('a replica that the broker had of an earlier topic of this name makes way for one of the new topic', async () => {
  cluster = await RunningCluster.start([1, 2])
  const client = await cluster.broker(1).connect()
  await createOn(client, 'topic', [2, 1])
  await write(cluster, 2, 'topic', ['old', 'older'])
  expect(await heldBy(cluster, 1, 'topic', 2)).toEqual(['old', 'older'])
  // It hears of the deletion and of the new topic in one go.
  cluster.cutFromStore(2)
  await until(async () => (await partitionOf(client, 'topic')).leaderId === 1, 'broker 2 is given up')
  const deleted = await client.request(deleteTopics, 6, {
    topics: [{ name: 'topic', topicId: zeroUuid }],
    timeoutMs: 30_000,
  })
  expect(errorName(deleted.responses[0]!.errorCode)).toBe('NONE')
  await createOn(client, 'topic', [1])
  await until(async () => (await metadataOf(client, ['topic'])).topics[0]!.errorCode === 0, 'it is there')
  await write(cluster, 1, 'topic', ['new'])
  expect(logOf(cluster, 2, 'topic').logEndOffset).toBe(2)
  cluster.reconnect(2)
  const comesBack = async () => (await metadataOf(client, null)).brokers.length === 2
  await until(comesBack, 'broker 2 is registered again')
  await moveTo(client, 'topic', [1, 2])
  await inSync(client, 'topic', 2)
  expect(await heldBy(cluster, 2, 'topic', 1)).toEqual(['new'])
})

test('a partition that moves is copied to its new broker and goes from the old one', async () => {
  cluster = await RunningCluster.start([1, 2, 3], {}, ['data'])
  const client = await cluster.broker(2).connect()
  await createOn(client, 'topic', [1, 2])
  await write(cluster, 1, 'topic', ['a', 'b', 'c'])
  const before = bytesOf(cluster, 1, 'topic')
  await moveTo(client, 'topic', [3, 2])
  await until(async () => {
    const { replicaNodes, isrNodes, leaderId } = await partitionOf(client, 'topic')
    return String(replicaNodes) === '3,2' && isrNodes.length === 2 && [2, 3].includes(leaderId)
  }, 'it has moved')
  expect(await heldBy(cluster, 3, 'topic', 3)).toEqual(['a', 'b', 'c'])
  expect(bytesOf(cluster, 3, 'topic').equals(before)).toBe(true)
  const { replication } = cluster.broker(1).broker
  await until(() => replication.partitions.get('topic', 0) === undefined, 'broker 1 has no replica any more')
  // Renamed at once, removed after file.delete.delay.ms.
  expect(existsSync(join(cluster.broker(1).directory, 'data', 'topic-0'))).toBe(false)
  expect(foldersOf(1, 'topic').filter(name => !name.endsWith('-delete'))).toEqual([])
  await write(cluster, (await rolesOf(client, 'topic')).leader, 'topic', ['d'])
  expect(await heldBy(cluster, 3, 'topic', 4)).toEqual(['a', 'b', 'c', 'd'])
})
