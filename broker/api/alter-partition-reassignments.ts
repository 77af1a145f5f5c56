import { alterPartitionReassignments, type Encodable, errorCode } from '../../protocol/index.ts'
import type { ControllerClient, PartitionResult } from '../controller/controller-client.ts'
import { type ApiHandler, handler } from './handler.ts'

/** AlterPartitionReassignments: starts, changes and cancels moves of replicas (KIP-455). */
export function alterPartitionReassignmentsHandler(parts: {
  readonly controller: ControllerClient
}): ApiHandler {
  return handler(alterPartitionReassignments, {}, async request => {
    const allowsReplicationFactorChange = request.allowReplicationFactorChange
    const result = await parts.controller.reassignPartitions({
      partitions: request.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, replicas }) => ({
          topic: name,
          partition: partitionIndex,
          replicas,
        })),
      ),
      allowsReplicationFactorChange,
      timeoutMs: request.timeoutMs,
    })
    return {
      throttleTimeMs: 0,
      allowReplicationFactorChange: allowsReplicationFactorChange,
      errorCode: errorCode(result.error),
      errorMessage: result.message,
      responses: byTopic(result.partitions),
    }
  })
}

function byTopic(
  partitions: readonly PartitionResult[],
): Encodable<typeof alterPartitionReassignments.response>['responses'] {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  return [...topics].map(([name, results]) => ({
    name,
    partitions: results.map(({ partition, error, message }) => ({
      partitionIndex: partition,
      errorCode: errorCode(error),
      errorMessage: message,
    })),
  }))
}
