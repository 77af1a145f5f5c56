import type { ErrorName } from '../../protocol/index.ts'
import type { LogRead } from '../log/log.ts'
import type { Partition } from '../replication/partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import { isThrottled, type ReplicationThrottle } from '../replication/replication-throttle.ts'
import type { FetchedPartition, Heartbeat, SessionResult } from './fetch-session.ts'

/**
 * Reads what a Fetch asks for: which bytes of which partition go into the answer, by Kafka's size rules. Only
 * finds out where the bytes are; they are read when the answer is encoded.
 */
export function readPartitions(
  partitions: Pick<Partitions, 'readable' | 'topicName'>,
  wanted: Iterable<FetchedPartition>,
  limits: FetchLimits,
): PartitionRead[] {
  const reads: PartitionRead[] = []
  let remainingBytes = limits.maxBytes
  let hasRecords = false
  for (const partition of wanted) {
    const read = readPartition(
      partitions,
      partition,
      limits,
      remainingBytes,
      !hasRecords && limits.firstBatchWhole,
    )
    reads.push(read)
    if (read.recordsLength > 0) {
      hasRecords = true
      remainingBytes = Math.max(0, remainingBytes - read.recordsLength)
    }
  }
  return reads
}

export interface FetchLimits {
  /** Over all partitions; the first batch may be larger when `firstBatchWhole`. */
  readonly maxBytes: number
  /** Fetch v3+: the first partition that has records gives at least one whole batch. */
  readonly firstBatchWhole: boolean
  /** Where readers may read to. */
  readonly readUpTo: 'logEnd' | 'highWatermark' | 'lastStable'
  /** Who replicates; undefined for a consumer. */
  readonly follower: AskingFollower | undefined
  /** For consumers that can be sent on to the nearest replica (Fetch v11+): any replica may serve them. */
  readonly mayReadFollower: boolean
  /** The replica that a consumer should rather read from, -1 for this one; undefined where nobody is sent anywhere. */
  readonly preferredReplica: ((leader: Partition, fetchOffset: number) => number) | undefined
  /** Fetch v13+: topics come by id alone. */
  readonly byTopicId: boolean
}

export interface AskingFollower {
  /** For what followers that are not in sync are given (leader.replication.throttled.rate). */
  readonly throttle: ReplicationThrottle
  readonly brokerId: number
  readonly brokerEpoch: number
  /** Whether whoever asks may replicate: what followers read and say is for brokers alone. */
  readonly isAllowed: boolean
}

export interface PartitionRead extends SessionResult {
  /** Name of the topic; undefined when its id is unknown here. */
  readonly topicName: string | undefined
  readonly replica: Partition | undefined
  readonly lastStableOffset: number
  /** When it was read; -1 on an error. */
  readonly logEndOffset: number
  readonly records: LogRead | undefined
  /** The bytes, if any, reach to the end of a segment that is not the last; more are there, but in the next one. */
  readonly endsInOldSegment: boolean
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | undefined
}

function readPartition(
  partitions: Pick<Partitions, 'readable' | 'topicName'>,
  wanted: FetchedPartition,
  limits: FetchLimits,
  remainingBytes: number,
  firstBatchWhole: boolean,
): PartitionRead {
  const topicName = limits.byTopicId ? partitions.topicName(wanted.topicId) : wanted.topic
  if (topicName === undefined) return failed(wanted, undefined, 'UNKNOWN_TOPIC_ID')

  const replica = partitions.readable(topicName, wanted.index, { mayFollow: limits.mayReadFollower })
  if (typeof replica === 'string') return failed(wanted, topicName, replica)
  if (limits.byTopicId && replica.topicId !== wanted.topicId) {
    return failed(wanted, topicName, 'INCONSISTENT_TOPIC_ID')
  }
  const fenced = checkLeaderEpoch(replica, wanted.currentLeaderEpoch)
  if (fenced !== undefined) return failed(wanted, topicName, fenced, replica)
  const { follower } = limits
  if (follower !== undefined && !follower.isAllowed) {
    return failed(wanted, topicName, 'TOPIC_AUTHORIZATION_FAILED')
  }
  if (follower !== undefined && !replica.isFollower(follower.brokerId, follower.brokerEpoch)) {
    return failed(wanted, topicName, 'NOT_LEADER_OR_FOLLOWER', replica)
  }
  if (limits.preferredReplica !== undefined && replica.isLeader) {
    const preferredReadReplica = limits.preferredReplica(replica, wanted.fetchOffset)
    if (preferredReadReplica >= 0) {
      const { highWatermark, lastStableOffset, logStartOffset } = replica.log
      const offsets = { highWatermark, lastStableOffset, logStartOffset }
      return { ...empty(wanted, topicName, replica), ...offsets, preferredReadReplica }
    }
  }
  return readLog(
    replica,
    wanted,
    topicName,
    limits,
    Math.min(remainingBytes, wanted.maxBytes),
    firstBatchWhole,
  )
}

/**
 * What a follower asks for shows what it has: the leaders of all partitions it was given take note. Once for each request,
 * after the first reading: what is read later, when the request has waited, says nothing new of the follower.
 */
export function noteFollower(
  reads: readonly PartitionRead[],
  { brokerId, brokerEpoch }: AskingFollower,
  heartbeat: Heartbeat,
  nowMs: number,
): void {
  for (const { error, diverges, replica, partition, logEndOffset } of reads) {
    if (replica === undefined) continue
    if (error !== 'NONE' || diverges) {
      replica.followerPaused(brokerId)
      continue
    }
    const { fetchOffset, logStartOffset } = partition
    replica.followerFetched(brokerId, {
      brokerEpoch,
      fetchOffset,
      logStartOffset,
      leaderEndOffset: logEndOffset,
      heartbeat,
    })
  }
  heartbeat.fetchedAtMs = nowMs
}

/** The rule of KIP-320: -1 is not checked, an older epoch is fenced, a newer one is not known here yet. */
export function checkLeaderEpoch(replica: Partition, currentLeaderEpoch: number): ErrorName | undefined {
  if (currentLeaderEpoch < 0) return undefined
  if (currentLeaderEpoch < replica.state.leaderEpoch) return 'FENCED_LEADER_EPOCH'
  return currentLeaderEpoch > replica.state.leaderEpoch ? 'UNKNOWN_LEADER_EPOCH' : undefined
}

function readLog(
  replica: Partition,
  wanted: FetchedPartition,
  topicName: string,
  limits: FetchLimits,
  maxBytes: number,
  firstBatchWhole: boolean,
): PartitionRead {
  const { log } = replica
  // Taken before the data is read: what is promised must not be newer than what is sent.
  const highWatermark = log.highWatermark
  const lastStableOffset = log.lastStableOffset
  const logStartOffset = log.logStartOffset
  const { logEndOffset } = log
  const offsets = { highWatermark, lastStableOffset, logStartOffset, logEndOffset }

  if (wanted.lastFetchedEpoch >= 0) {
    const end = log.leaderEpochs.endOffsetFor(wanted.lastFetchedEpoch, logEndOffset)
    if (end.epoch < 0 || wanted.fetchOffset < logStartOffset) {
      return failed(wanted, topicName, 'OFFSET_OUT_OF_RANGE', replica)
    }
    if (end.epoch < wanted.lastFetchedEpoch || end.endOffset < wanted.fetchOffset) {
      return { ...empty(wanted, topicName, replica), ...offsets, diverges: true, divergingEpoch: end }
    }
  }
  if (limits.follower !== undefined && isHeldBack(replica, limits.follower)) {
    return { ...empty(wanted, topicName, replica), ...offsets, isUnfinished: true }
  }
  const upTo =
    limits.readUpTo === 'logEnd'
      ? logEndOffset
      : limits.readUpTo === 'highWatermark'
        ? highWatermark
        : lastStableOffset
  const read = log.read({
    offset: wanted.fetchOffset,
    maxBytes,
    minOneBatch: firstBatchWhole,
    upTo,
    readCommitted: limits.readUpTo === 'lastStable',
  })
  if ('error' in read) return failed(wanted, topicName, read.error, replica)
  return {
    ...empty(wanted, topicName, replica),
    ...offsets,
    recordsLength: read.records.length,
    isUnfinished: wanted.fetchOffset < upTo || waitsToJoin(replica, limits),
    records: read,
    endsInOldSegment: read.endsInOldSegment,
  }
}

/** Whether a replica that catches up has had its share for now. */
function isHeldBack(replica: Partition, { brokerId, throttle }: AskingFollower): boolean {
  return isThrottledFor(replica, brokerId) && throttle.pauseMs() > 0
}

/** Whether what this follower is given counts, and may have to wait. */
export function isThrottledFor(replica: Partition, brokerId: number): boolean {
  if (replica.isr.includes(brokerId)) return false
  const replicas = replica.settings['leader.replication.throttled.replicas']
  return replicas.length > 0 && isThrottled(replicas, replica.index, replica.state.leader)
}

/** Whether it may join the in-sync set can change with every fetch, though nothing is written. */
function waitsToJoin(replica: Partition, { follower }: FetchLimits): boolean {
  return follower !== undefined && !replica.isr.includes(follower.brokerId)
}

function empty(wanted: FetchedPartition, topicName: string | undefined, replica: Partition | undefined) {
  return {
    partition: wanted,
    topicName,
    replica,
    error: 'NONE' as ErrorName,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    logEndOffset: -1,
    recordsLength: 0,
    isUnfinished: false,
    records: undefined,
    diverges: false,
    endsInOldSegment: false,
    divergingEpoch: undefined,
    preferredReadReplica: -1,
  }
}

function failed(
  wanted: FetchedPartition,
  topicName: string | undefined,
  error: ErrorName,
  replica?: Partition,
): PartitionRead {
  return { ...empty(wanted, topicName, replica), error }
}
