/** Partitions of topics as one of the brokers sees them. */
import { metadata, type Uuid } from '../../protocol/index.ts'
import type { Requester } from '../connection/connection.ts'

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
