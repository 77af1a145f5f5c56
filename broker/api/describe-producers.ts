import { describeProducers, errorCode } from '../../protocol/index.ts'
import type { Partitions } from '../replication/partitions.ts'
import { type ApiHandler, handler } from './handler.ts'

/** DescribeProducers: which producers a leader knows, with their epochs, sequences and open transactions. */
export function describeProducersHandler(parts: { readonly partitions: Partitions }): ApiHandler {
  return handler(describeProducers, {}, request => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(partitionIndex => {
        const replica = parts.partitions.leader(name, partitionIndex)
        return typeof replica === 'string'
          ? { partitionIndex, errorCode: errorCode(replica), errorMessage: null, activeProducers: [] }
          : {
              partitionIndex,
              errorCode: 0,
              errorMessage: null,
              activeProducers: replica.log.producers.describe(),
            }
      }),
    })),
  }))
}
