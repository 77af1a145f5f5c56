/** What a test asks a cluster about itself, by hand-written requests that never wait longer than they say. */
import { WireConnection } from '../targets/wire-connection.ts'
import { WireReader, apiKeys, int8, metadataBody } from '../targets/wire.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface PartitionView {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** -1: nobody. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}

export interface ClusterView {
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[]
  /** What Metadata says; Apache Kafka says any broker. */
  readonly controller: number
  readonly partitions: readonly PartitionView[]
}

/** Sends one request on a connection of its own; rejects after `deadlineMs`. */
export async function ask(
  { host, port }: Address,
  apiKey: number,
  version: number,
  body: Buffer,
  deadlineMs = 3_000,
): Promise<Buffer> {
  const late = AbortSignal.timeout(deadlineMs)
  const connection = await WireConnection.open(port, host, late)
  try {
    return await Promise.race([connection.request(apiKey, version, body), rejection(late)])
  } finally {
    connection.close()
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

/** Metadata as one broker sees it, of the topics named. */
export async function askCluster(
  address: Address,
  topics: readonly string[],
  deadlineMs = 3_000,
): Promise<ClusterView> {
  return metadataView(await ask(address, apiKeys.metadata, 7, metadataBody(topics), deadlineMs))
}

/** The body of a Metadata v7 answer. */
function metadataView(payload: Buffer): ClusterView {
  const reader = new WireReader(payload, 4)
  reader.int32()
  const brokers = Array.from({ length: reader.arrayLength() }, () => {
    const id = reader.int32()
    const host = reader.string() ?? ''
    const port = reader.int32()
    reader.string()
    return { id, host, port }
  })
  reader.string()
  const controller = reader.int32()
  const ids = (): number[] => Array.from({ length: reader.arrayLength() }, () => reader.int32())
  const partitions = Array.from({ length: reader.arrayLength() }, () => {
    const topicError = reader.int16()
    const topic = reader.string() ?? ''
    reader.skip(1)
    const count = reader.arrayLength()
    if (topicError !== 0 && count === 0) return []
    return Array.from({ length: count }, (): PartitionView => {
      const errorCode = reader.int16()
      const partition = reader.int32()
      const leader = reader.int32()
      const leaderEpoch = reader.int32()
      const replicas = ids()
      const inSync = ids()
      ids() // offline
      return { topic, partition, errorCode, leader, leaderEpoch, replicas, inSync }
    })
  })
  return { brokers, controller, partitions: partitions.flat() }
}

/** The leader of Apache Kafka's controllers, by DescribeQuorum v0 for the partition of the cluster's metadata. */
export async function askQuorumLeader(address: Address): Promise<number> {
  const topic = Buffer.from('__cluster_metadata')
  const body = Buffer.concat([
    int8(0), // no tags in the header
    int8(2),
    int8(topic.length + 1),
    topic,
    int8(2),
    Buffer.alloc(4), // partition 0
    Buffer.alloc(3), // no tags
  ])
  const payload = await ask(address, 55, 0, body)
  const reader = new WireReader(payload, 4)
  reader.skip(1) // tags of the header
  const errorCode = reader.int16()
  if (errorCode !== 0) throw new Error(`DescribeQuorum was refused with error code ${errorCode}.`)
  reader.skip(1 + 1 + topic.length + 1 + 4) // one topic, its name, one partition, its index
  reader.int16()
  return reader.int32()
}
