/** The cluster as a whole through the admin protocol: its brokers, and every partition of its topics. */
import {
  describeCluster as describeClusterApi,
  errorName,
  errors,
  metadata,
  type Uuid,
} from '../../protocol/index.ts'
import type { Requester } from '../connection/connection.ts'

export interface DescribedCluster {
  readonly clusterId: string
  /** -1: nobody knows. */
  readonly controllerId: number
  readonly brokers: readonly DescribedBroker[]
}

export interface DescribedBroker {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
  /** It is known, and may not lead or follow now. */
  readonly isFenced: boolean
}

export interface TopicPartitions {
  readonly name: string
  readonly id: Uuid
  readonly isInternal: boolean
  readonly partitions: readonly DescribedPartition[]
}

export interface DescribedPartition {
  readonly index: number
  /** -1: none. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}

/** Fenced brokers are told too. Throws a sentence when the broker refuses. */
export async function describeCluster(connection: Requester): Promise<DescribedCluster> {
  const answer = await connection.send(describeClusterApi, {
    includeClusterAuthorizedOperations: false,
    includeFencedBrokers: true,
  })
  if (answer.errorCode !== 0) {
    const error = errorName(answer.errorCode)
    throw new Error(`The cluster was not described: ${answer.errorMessage ?? errors[error].text} (${error})`)
  }
  return {
    clusterId: answer.clusterId,
    controllerId: answer.controllerId,
    brokers: answer.brokers.map(({ brokerId, host, port, rack, isFenced }) => ({
      id: brokerId,
      host,
      port,
      rack,
      isFenced,
    })),
  }
}

/** Every partition of `names`, or of all topics, internal ones too. Topics that do not exist are left out. */
export async function describePartitions(
  connection: Requester,
  names?: readonly string[],
): Promise<readonly TopicPartitions[]> {
  const { topics } = await connection.send(metadata, {
    topics: names === undefined ? null : names.map(name => ({ name })),
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
  return topics.flatMap(({ errorCode, name, topicId, isInternal, partitions }) => {
    if (name === null || errorCode !== 0) return []
    return [
      {
        name,
        id: topicId,
        isInternal,
        partitions: partitions
          .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
            index: partitionIndex,
            leader: leaderId,
            replicas: replicaNodes,
            inSync: isrNodes,
          }))
          .sort((a, b) => a.index - b.index),
      },
    ]
  })
}
