/** Topics through the admin protocol, on a connection to the controller (or to any broker, which passes it on). */
import {
  createPartitions,
  createTopics,
  deleteTopics,
  errorName,
  errors,
  type ErrorName,
  metadata,
  zeroUuid,
} from '../../protocol/index.ts'
import type { Requester } from '../connection/connection.ts'

export interface DescribedTopic {
  readonly name: string
  readonly partitions: number
  /** Of the first partition. */
  readonly replicationFactor: number
  /** Every partition has a leader. */
  readonly hasLeaders: boolean
}

export interface AdminResult {
  readonly name: string
  readonly error: ErrorName
  /** A sentence; empty when there is no error. */
  readonly message: string
}

export interface NewTopic {
  readonly name: string
  /** Unset: the default of the cluster. */
  readonly partitions?: number | undefined
  readonly replicationFactor?: number | undefined
  readonly settings: ReadonlyMap<string, string>
}

/** Those of `names` that exist. Never creates one. */
export async function describeTopics(
  connection: Requester,
  names: readonly string[],
): Promise<readonly DescribedTopic[]> {
  const { topics } = await connection.send(metadata, {
    topics: names.map(name => ({ name })),
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
  return topics.flatMap(({ errorCode, name, partitions }) => {
    if (name === null || errorName(errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') return []
    const replicationFactor = partitions[0]?.replicaNodes.length ?? 0
    const hasLeaders = partitions.length > 0 && partitions.every(({ leaderId }) => leaderId >= 0)
    return [{ name, partitions: partitions.length, replicationFactor, hasLeaders }]
  })
}

/** One result per topic, in order. */
export async function createNewTopics(
  connection: Requester,
  topics: readonly NewTopic[],
  options: { readonly timeoutMs?: number; readonly validateOnly?: boolean } = {},
): Promise<readonly AdminResult[]> {
  const { timeoutMs = 30_000, validateOnly = false } = options
  const answer = await connection.send(
    createTopics,
    {
      topics: topics.map(({ name, partitions, replicationFactor, settings }) => ({
        name,
        numPartitions: partitions ?? -1,
        replicationFactor: replicationFactor ?? -1,
        assignments: [],
        configs: [...settings].map(([key, value]) => ({ name: key, value })),
      })),
      timeoutMs,
      validateOnly,
    },
    { timeoutMs: timeoutMs + 5000 },
  )
  return answer.topics.map(({ name, errorCode, errorMessage }) => resultOf(name, errorCode, errorMessage))
}

/** Raises the number of partitions to `partitions`. One result per topic, in order. */
export async function addPartitions(
  connection: Requester,
  topics: readonly { readonly name: string; readonly partitions: number }[],
  options: { readonly timeoutMs?: number; readonly validateOnly?: boolean } = {},
): Promise<readonly AdminResult[]> {
  const { timeoutMs = 30_000, validateOnly = false } = options
  const answer = await connection.send(
    createPartitions,
    {
      topics: topics.map(({ name, partitions }) => ({ name, count: partitions, assignments: null })),
      timeoutMs,
      validateOnly,
    },
    { timeoutMs: timeoutMs + 5000 },
  )
  return answer.results.map(({ name, errorCode, errorMessage }) => resultOf(name, errorCode, errorMessage))
}

/** Deletes topics with all their records. One result per topic, in order. */
export async function removeTopics(
  connection: Requester,
  names: readonly string[],
  options: { readonly timeoutMs?: number } = {},
): Promise<readonly AdminResult[]> {
  const { timeoutMs = 30_000 } = options
  const answer = await connection.send(
    deleteTopics,
    { topics: names.map(name => ({ name, topicId: zeroUuid })), topicNames: [...names], timeoutMs },
    { timeoutMs: timeoutMs + 5000 },
  )
  return answer.responses.map(({ name, errorCode, errorMessage }) =>
    resultOf(name ?? '', errorCode, errorMessage),
  )
}

export function resultOf(name: string, code: number, message: string | null): AdminResult {
  const error = errorName(code)
  return { name, error, message: error === 'NONE' ? '' : (message ?? errors[error].text) }
}
