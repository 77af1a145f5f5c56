import { type ErrorName, errorCode, offsetForLeaderEpoch } from '../../protocol/index.ts'
import type { Partitions } from '../replication/partitions.ts'
import { type ApiHandler, handler } from './handler.ts'
import { checkLeaderEpoch } from './read-partitions.ts'

/** OffsetForLeaderEpoch: where an epoch ended on the leader, so that a client can tell whether its position survived. */
export function offsetForLeaderEpochHandler(parts: { readonly partitions: Partitions }): ApiHandler {
  return handler(offsetForLeaderEpoch, {}, request => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) =>
        epochEnd(parts.partitions, topic, partition, currentLeaderEpoch, leaderEpoch),
      ),
    })),
  }))
}

function epochEnd(
  partitions: Partitions,
  topic: string,
  partition: number,
  currentLeaderEpoch: number,
  leaderEpoch: number,
) {
  const failed = (error: ErrorName) => ({
    partition,
    errorCode: errorCode(error),
    leaderEpoch: -1,
    endOffset: -1,
  })
  const replica = partitions.leader(topic, partition)
  if (typeof replica === 'string') return failed(replica)
  const fenced = checkLeaderEpoch(replica, currentLeaderEpoch)
  if (fenced !== undefined) return failed(fenced)
  const end = replica.log.leaderEpochs.endOffsetFor(leaderEpoch, replica.log.logEndOffset)
  return { partition, errorCode: 0, leaderEpoch: end.epoch, endOffset: end.endOffset }
}
