/** Moves of partitions between brokers through the admin protocol. */
import {
  alterPartitionReassignments,
  errorName,
  errors,
  listPartitionReassignments,
} from '../../protocol/index.ts'
import type { Requester } from '../connection/connection.ts'
import type { AdminResult } from './topics.ts'

export interface Reassignment {
  readonly topic: string
  readonly partition: number
  /** The replicas it is to have, the preferred leader first; null cancels a move. */
  readonly replicas: readonly number[] | null
}

export interface MoveInProgress {
  readonly topic: string
  readonly partition: number
  readonly adding: readonly number[]
  readonly removing: readonly number[]
}

/** Starts moves. One result per move, in order; `name` is "topic-partition". */
export async function startReassignments(
  connection: Requester,
  moves: readonly Reassignment[],
  options: { readonly timeoutMs?: number } = {},
): Promise<readonly AdminResult[]> {
  const { timeoutMs = 30_000 } = options
  const byTopic = Map.groupBy(moves, ({ topic }) => topic)
  const answer = await connection.send(
    alterPartitionReassignments,
    {
      timeoutMs,
      topics: [...byTopic].map(([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition, replicas }) => ({
          partitionIndex: partition,
          replicas: replicas === null ? null : [...replicas],
        })),
      })),
    },
    { timeoutMs: timeoutMs + 5000 },
  )
  const told = new Map<string, { readonly errorCode: number; readonly errorMessage: string | null }>()
  for (const { name, partitions } of answer.responses) {
    for (const each of partitions) told.set(`${name}-${each.partitionIndex}`, each)
  }
  return moves.map(({ topic, partition }) => {
    const name = `${topic}-${partition}`
    const { errorCode, errorMessage } = told.get(name) ?? answer
    const error = errorName(errorCode)
    return { name, error, message: error === 'NONE' ? '' : (errorMessage ?? errors[error].text) }
  })
}

/** Throws a sentence when the broker refuses. */
export async function listReassignments(
  connection: Requester,
  options: { readonly timeoutMs?: number } = {},
): Promise<readonly MoveInProgress[]> {
  const { timeoutMs = 30_000 } = options
  const answer = await connection.send(
    listPartitionReassignments,
    { timeoutMs, topics: null },
    { timeoutMs: timeoutMs + 5000 },
  )
  if (answer.errorCode !== 0) {
    const error = errorName(answer.errorCode)
    throw new Error(`Moves were not listed: ${answer.errorMessage ?? errors[error].text} (${error})`)
  }
  return answer.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, addingReplicas, removingReplicas }) => ({
      topic: name,
      partition: partitionIndex,
      adding: addingReplicas,
      removing: removingReplicas,
    })),
  )
}
