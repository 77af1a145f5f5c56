import { expect } from 'vitest'
import type { BrokerConnection } from './broker-connection.ts'
import { batchOf, createTopic, fetchFrom, metadataOf, produceTo, readAll } from './requests.ts'
import type { RunningCluster } from './running-cluster.ts'
import { until } from './until.ts'

/** What tests of whole clusters ask of a topic whose first partition has several replicas. */

export async function replicatedTopic(
  client: BrokerConnection,
  name: string,
  replicationFactor: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { error, errorMessage } = await createTopic(client, name, { replicationFactor, configs })
  expect([error, errorMessage]).toEqual(['NONE', null])
}

export async function partitionOf(client: BrokerConnection, topic: string) {
  const { topics } = await metadataOf(client, [topic])
  return topics[0]!.partitions[0]!
}

/** The leader and the others, by what the cluster says. */
export async function rolesOf(client: BrokerConnection, topic: string) {
  const { leaderId, replicaNodes } = await partitionOf(client, topic)
  return { leader: leaderId, followers: replicaNodes.filter(id => id !== leaderId) }
}

export async function write(
  cluster: RunningCluster,
  id: number,
  topic: string,
  values: readonly string[],
  acks = -1,
): Promise<void> {
  const client = await cluster.broker(id).connect()
  for (const value of values) {
    const { error } = await produceTo(client, topic, batchOf([value]), { acks })
    expect([value, error]).toEqual([value, 'NONE'])
  }
}

/** Everything this very broker has, once it knows that it is committed. */
export async function heldBy(
  cluster: RunningCluster,
  id: number,
  topic: string,
  highWatermark: number,
): Promise<(string | null)[]> {
  const client = await cluster.broker(id).connect()
  const knows = async () => (await fetchFrom(client, topic)).highWatermark === highWatermark
  await until(knows, `broker ${id} knows the watermark ${highWatermark}`)
  return readAll(client, topic)
}

export function inSync(client: BrokerConnection, topic: string, count: number): Promise<void> {
  const holds = async () => (await partitionOf(client, topic)).isrNodes.length === count
  return until(holds, `${count} replicas are in sync`, 20_000)
}

/** The log of partition 0 as it lies on the disk of this broker. */
export function logOf(cluster: RunningCluster, id: number, topic: string) {
  const partition = cluster.broker(id).broker.replication.partitions.get(topic, 0)
  if (partition === undefined) throw new Error(`Broker ${id} has no replica of ${topic}.`)
  return partition.log
}

export function bytesOf(cluster: RunningCluster, id: number, topic: string): Buffer {
  const log = logOf(cluster, id, topic)
  const read = log.read({
    offset: log.logStartOffset,
    maxBytes: 2 ** 26,
    minOneBatch: true,
    upTo: log.highWatermark,
  })
  if ('error' in read) throw new Error(read.error)
  const bytes = Buffer.alloc(read.records.length)
  read.records.readInto(bytes, 0)
  return bytes
}
