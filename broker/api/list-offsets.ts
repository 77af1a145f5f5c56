import { type ErrorName, errorCode, listOffsets } from '../../protocol/index.ts'
import type { Partition } from '../replication/partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import { type ApiHandler, handler } from './handler.ts'
import { checkLeaderEpoch } from './read-partitions.ts'

/** Timestamps with a meaning of their own, and the version of ListOffsets that brought each. */
const latest = -1
const earliest = -2
const maxTimestamp = -3
const earliestLocal = -4
const latestTiered = -5
const earliestPendingUpload = -6
const firstVersionOf: Readonly<Record<number, number>> = {
  [maxTimestamp]: 7,
  [earliestLocal]: 8,
  [latestTiered]: 9,
  [earliestPendingUpload]: 11,
}

/** ListOffsets: offsets by time or by one of the special timestamps, from the leader only. */
export function listOffsetsHandler(parts: { readonly partitions: Partitions }): ApiHandler {
  return handler(listOffsets, {}, async (request, context) => {
    const isReplica = request.replicaId >= 0
    const topics = []
    const duplicatesByTopic = duplicateIndexes(request.topics)
    for (const topic of request.topics) {
      const duplicates = duplicatesByTopic.get(topic.name)
      const partitions = []
      for (const { partitionIndex, currentLeaderEpoch, timestamp } of topic.partitions) {
        const result =
          duplicates?.has(partitionIndex) === true
            ? notFound('INVALID_REQUEST')
            : await offsetOf(parts.partitions, topic.name, partitionIndex, {
                timestamp,
                currentLeaderEpoch,
                apiVersion: context.apiVersion,
                readCommitted: request.isolationLevel === 1,
                isReplica,
              })
        partitions.push({
          partitionIndex,
          errorCode: errorCode(result.error),
          timestamp: result.timestamp,
          offset: result.offset,
          ...(context.apiVersion >= 4 ? { leaderEpoch: result.leaderEpoch } : {}),
        })
      }
      topics.push({ name: topic.name, partitions })
    }
    return { throttleTimeMs: 0, topics }
  })
}

interface Asked {
  readonly timestamp: number
  readonly currentLeaderEpoch: number
  readonly apiVersion: number
  readonly readCommitted: boolean
  readonly isReplica: boolean
}

interface Found {
  readonly error: ErrorName
  readonly timestamp: number
  readonly offset: number
  readonly leaderEpoch: number
}

async function offsetOf(partitions: Partitions, topic: string, index: number, asked: Asked): Promise<Found> {
  const replica = partitions.leader(topic, index)
  if (typeof replica === 'string') return notFound(replica)
  const fenced = checkLeaderEpoch(replica, asked.currentLeaderEpoch)
  if (fenced !== undefined) return notFound(fenced)
  const needed = firstVersionOf[asked.timestamp]
  if (asked.timestamp < earliestPendingUpload || (needed !== undefined && asked.apiVersion < needed)) {
    return notFound('UNSUPPORTED_VERSION')
  }
  const { log } = replica
  const readableEnd = asked.isReplica
    ? log.logEndOffset
    : asked.readCommitted
      ? log.lastStableOffset
      : log.highWatermark

  switch (asked.timestamp) {
    case latest:
      if (!asked.isReplica && !replica.hasCaughtUpWithEpoch) return notFound(notAvailable(asked.apiVersion))
      return found(-1, readableEnd, replica.state.leaderEpoch)
    case earliest:
    case earliestLocal:
      return found(-1, log.logStartOffset, log.leaderEpochs.epochOf(log.logStartOffset))
    case latestTiered:
    case earliestPendingUpload:
      return found(-1, -1, -1) // nothing is tiered
    case maxTimestamp:
      return readable(replica, await log.offsetOfMaxTimestamp(), readableEnd, asked)
    default:
      return readable(replica, await log.offsetForTimestamp(asked.timestamp), readableEnd, asked)
  }
}

/** A record beyond what may be read counts as not there; after an election the client is to ask again (KIP-207). */
function readable(
  replica: Partition,
  record: { readonly offset: number; readonly timestamp: number; readonly leaderEpoch: number } | undefined,
  readableEnd: number,
  asked: Asked,
): Found {
  if (record === undefined) return notFound('NONE')
  if (record.offset < readableEnd) return found(record.timestamp, record.offset, record.leaderEpoch)
  const mayComeYet = !asked.isReplica && !replica.hasCaughtUpWithEpoch
  return notFound(mayComeYet ? notAvailable(asked.apiVersion) : 'NONE')
}

function notAvailable(apiVersion: number): ErrorName {
  return apiVersion >= 5 ? 'OFFSET_NOT_AVAILABLE' : 'LEADER_NOT_AVAILABLE'
}

function found(timestamp: number, offset: number, leaderEpoch: number): Found {
  return { error: 'NONE', timestamp, offset, leaderEpoch }
}

function notFound(error: ErrorName): Found {
  return { error, timestamp: -1, offset: -1, leaderEpoch: -1 }
}

/** By topic: the partitions that are asked for more than once, be it under one mention of the topic or several. */
function duplicateIndexes(
  topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number }[]
  }[],
): Map<string, Set<number>> {
  const seen = new Map<string, Set<number>>()
  const duplicates = new Map<string, Set<number>>()
  for (const { name, partitions } of topics) {
    const seenOfTopic = seen.get(name) ?? new Set()
    seen.set(name, seenOfTopic)
    for (const { partitionIndex } of partitions) {
      if (seenOfTopic.has(partitionIndex)) {
        duplicates.set(name, (duplicates.get(name) ?? new Set()).add(partitionIndex))
      }
      seenOfTopic.add(partitionIndex)
    }
  }
  return duplicates
}
