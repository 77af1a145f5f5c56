/** A cluster as one of its brokers sees it: its brokers, and the replicas of all partitions. */
import { describeCluster, describeConfigs, errorName, metadata } from '../../protocol/index.ts'
import type { Connection, Requester } from '../connection/connection.ts'
import { ConnectionError } from '../connection/connection-error.ts'

export interface DescribedCluster {
  readonly clusterId: string
  /** -1 when there is none. */
  readonly controllerId: number
  readonly brokers: readonly DescribedBroker[]
}

export interface DescribedBroker {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
  /** Registered, and not let in by the controller. Brokers before Kafka 4 do not tell. */
  readonly isFenced: boolean
}

export interface DescribedReplicas {
  readonly topic: string
  readonly partition: number
  /** -1 when there is none. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

/** Rejects with a ConnectionError when the broker does not tell. */
export async function describeBrokers(
  connection: Pick<Connection, 'send' | 'versionFor'>,
): Promise<DescribedCluster> {
  const tellsFenced = (connection.versionFor(describeCluster) ?? 0) >= 2
  const answer = await connection.send(describeCluster, {
    includeClusterAuthorizedOperations: false,
    ...(tellsFenced ? { includeFencedBrokers: true } : {}),
  })
  if (answer.errorCode !== 0) {
    const reason = answer.errorMessage ?? errorName(answer.errorCode)
    throw new ConnectionError(`The broker does not describe its cluster: ${reason}`)
  }
  return {
    clusterId: answer.clusterId,
    controllerId: answer.controllerId,
    brokers: answer.brokers
      .map(({ brokerId, host, port, rack, isFenced }) => ({ id: brokerId, host, port, rack, isFenced }))
      .sort((left, right) => left.id - right.id),
  }
}

/** Every partition of every topic, internal ones too, by topic and number. */
export async function describeAllReplicas(connection: Requester): Promise<readonly DescribedReplicas[]> {
  const { topics } = await connection.send(metadata, {
    topics: null,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
  return topics
    .flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
        topic: name ?? '',
        partition: partitionIndex,
        leader: leaderId,
        replicas: replicaNodes,
        isr: isrNodes,
      })),
    )
    .sort((left, right) =>
      left.topic === right.topic ? left.partition - right.partition : left.topic < right.topic ? -1 : 1,
    )
}

/** What one setting is for each topic, its own or inherited; topics that do not exist are left out. */
export async function describeTopicSetting(
  connection: Requester,
  topics: readonly string[],
  setting: string,
): Promise<ReadonlyMap<string, string>> {
  if (topics.length === 0) return new Map()
  const { results } = await connection.send(describeConfigs, {
    resources: topics.map(name => ({
      resourceType: topicResource,
      resourceName: name,
      configurationKeys: [setting],
    })),
    includeSynonyms: false,
    includeDocumentation: false,
  })
  return new Map(
    results.flatMap(({ errorCode, resourceName, configs }) => {
      const value = configs.find(({ name }) => name === setting)?.value
      return errorCode !== 0 || value === undefined || value === null ? [] : [[resourceName, value] as const]
    }),
  )
}

const topicResource = 2
