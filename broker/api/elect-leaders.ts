import { electLeaders, type Encodable, errorCode } from '../../protocol/index.ts'
import type { ControllerClient, PartitionResults } from '../controller/controller-client.ts'
import { type ApiHandler, handler } from './handler.ts'

const preferred = 0
const unclean = 1

/** ElectLeaders: the preferred replica, or anyone alive where nobody leads (KIP-460). */
export function electLeadersHandler(parts: { readonly controller: ControllerClient }): ApiHandler {
  return handler(electLeaders, {}, async request => {
    if (request.electionType !== preferred && request.electionType !== unclean) {
      return { throttleTimeMs: 0, errorCode: errorCode('INVALID_REQUEST'), replicaElectionResults: [] }
    }
    const partitions = request.topicPartitions?.flatMap(({ topic, partitions: indexes }) =>
      indexes.map(partition => ({ topic, partition })),
    )
    const result = await parts.controller.electLeaders({
      election: request.electionType === preferred ? 'preferred' : 'unclean',
      partitions: partitions ?? null,
      timeoutMs: request.timeoutMs,
    })
    return {
      throttleTimeMs: 0,
      errorCode: errorCode(result.error),
      replicaElectionResults: byTopic(result.partitions),
    }
  })
}

function byTopic(
  partitions: PartitionResults['partitions'],
): Encodable<typeof electLeaders.response>['replicaElectionResults'] {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  return [...topics].map(([topic, results]) => ({
    topic,
    partitionResult: results.map(({ partition, error, message }) => ({
      partitionId: partition,
      errorCode: errorCode(error),
      errorMessage: message,
    })),
  }))
}
