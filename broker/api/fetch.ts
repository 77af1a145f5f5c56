import { type Encodable, errorCode, type ErrorName, fetch, type RecordsSource } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { TopicTraffic } from '../metrics/topic-traffic.ts'
import type { Partition, PartitionWatcher } from '../replication/partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import { preferredReplica } from '../replication/preferred-replica.ts'
import type { ReplicationThrottle } from '../replication/replication-throttle.ts'
import type { FetchedPartition } from './fetch-session.ts'
import type { FetchPlan, FetchSessions } from './fetch-sessions.ts'
import { type ApiHandler, handler, LateAnswer, type RequestContext } from './handler.ts'
import { LeaderHints, namesLeader } from './leader-hints.ts'
import {
  type AskingFollower,
  type FetchLimits,
  isThrottledFor,
  noteFollower,
  type PartitionRead,
  readPartitions,
} from './read-partitions.ts'

/**
 * Fetch. Finds the bytes at once; when there are too few of them the request waits, watching its partitions,
 * until there are enough, something is wrong, or its time is up; then everything is read anew.
 */
export function fetchHandler(parts: FetchParts): ApiHandler {
  return handler(fetch, { answerSize }, (request, context) => {
    parts.traffic.fetchRequests++
    const { replicaId, replicaEpoch } =
      context.apiVersion >= 15 ? request.replicaState : { replicaId: request.replicaId, replicaEpoch: -1 }
    const follower =
      replicaId < 0
        ? undefined
        : {
            brokerId: replicaId,
            brokerEpoch: replicaEpoch,
            isAllowed: context.listenerName === parts.interBrokerListener,
            throttle: parts.leaderThrottle,
          }
    const readUpTo =
      follower !== undefined ? 'logEnd' : request.isolationLevel === 1 ? 'lastStable' : 'highWatermark'
    const plan = parts.sessions.open({
      sessionId: request.sessionId,
      sessionEpoch: request.sessionEpoch,
      usesTopicIds: context.apiVersion >= 13,
      isFollower: follower !== undefined,
      readUpTo,
      topics: request.topics,
      forgotten: request.forgottenTopicsData,
    })
    if ('error' in plan) return refusal(plan.error, 0)

    const limits: FetchLimits = {
      maxBytes: Math.min(request.maxBytes, parts.maxBytes),
      firstBatchWhole: true,
      readUpTo,
      follower,
      mayReadFollower: follower === undefined && context.apiVersion >= 11,
      preferredReplica:
        follower === undefined && request.rackId !== '' && parts.selectsByRack
          ? nearestTo(parts, request.rackId, context.listenerName)
          : undefined,
      byTopicId: context.apiVersion >= 13,
    }
    const minBytes = Math.min(request.minBytes, limits.maxBytes)
    const reads = readPartitions(parts.partitions, plan.partitions(), limits)
    if (follower !== undefined) {
      for (const { topic, topicId, index } of plan.forgotten) {
        const name = limits.byTopicId ? parts.partitions.topicName(topicId) : topic
        parts.partitions.get(name ?? '', index)?.followerPaused(follower.brokerId)
      }
      noteFollower(reads, follower, plan.heartbeat, parts.clock.monotonicMs())
    }
    if (request.maxWaitMs <= 0 || plan.isEmpty || isEnough(reads, minBytes)) {
      return answer(parts, plan, limits, reads, context)
    }
    const maxWaitMs =
      follower === undefined ? request.maxWaitMs : longestWaitMs(parts, follower, reads, request.maxWaitMs)
    return waitForMore(parts, { plan, limits, minBytes, maxWaitMs }, reads, context)
  })
}

/** -1 while the image of the cluster is not there yet: the leader serves. */
function nearestTo(parts: FetchParts, rackId: string, listenerName: string): FetchLimits['preferredReplica'] {
  return (leader, fetchOffset) => {
    const { image } = parts.partitions
    return image === undefined ? -1 : preferredReplica(leader, image, { rackId, listenerName, fetchOffset })
  }
}

export interface FetchParts {
  readonly partitions: Partitions
  readonly sessions: FetchSessions
  /** Fetches that wait for more; calling one answers it with what there is. */
  readonly waitingFetches: Set<() => void>
  readonly traffic: TopicTraffic
  readonly clock: Clock
  readonly turn: EndOfTurn
  /** The setting fetch.max.bytes. */
  readonly maxBytes: number
  /** The listener that brokers use among themselves: followers fetch there and nowhere else. */
  readonly interBrokerListener: string
  readonly leaderThrottle: ReplicationThrottle
  /** Whether consumers are sent to a replica in their rack (replica.selector.class). */
  readonly selectsByRack: boolean
}

type FetchResponse = Encodable<typeof fetch.response>

function isEnough(reads: readonly PartitionRead[], minBytes: number): boolean {
  let bytes = 0
  for (const read of reads) {
    if (read.error !== 'NONE' || read.diverges || read.preferredReadReplica >= 0) return true
    // What is behind the end of an old segment is there already, and does not come into this answer by waiting.
    if (read.endsInOldSegment) return true
    bytes += read.recordsLength
  }
  return bytes >= minBytes
}

interface WaitingFetch {
  readonly plan: FetchPlan
  readonly limits: FetchLimits
  readonly minBytes: number
  readonly maxWaitMs: number
}

function waitForMore(
  parts: FetchParts,
  { plan, limits, minBytes, maxWaitMs }: WaitingFetch,
  firstReads: readonly PartitionRead[],
  context: RequestContext,
): LateAnswer<FetchResponse> {
  const late = new LateAnswer<FetchResponse>()

  let isWaiting = true
  let isCheckQueued = false
  const stopWaiting = (): void => {
    isWaiting = false
    timer.cancel()
    parts.waitingFetches.delete(answerNow)
    stopWatching()
    stopExpecting?.()
    context.signal.removeEventListener('abort', abandon)
  }
  const finish = (reads: readonly PartitionRead[]): void => {
    stopWaiting()
    const response = answer(parts, plan, limits, reads, context)
    if (response instanceof Promise) {
      response.then(
        loaded => late.answer(loaded),
        (error: unknown) => late.fail(error),
      )
    } else {
      late.answer(response)
    }
  }
  const readAgain = (): PartitionRead[] => readPartitions(parts.partitions, plan.partitions(), limits)
  const check = (): void => {
    isCheckQueued = false
    if (!isWaiting) return
    const reads = readAgain()
    if (isEnough(reads, minBytes)) finish(reads)
    else if (limits.follower !== undefined && reads.some(isNews)) hurry()
  }
  // Once for all partitions that moved in this turn, when the last of them has.
  const moved = (): void => {
    if (isCheckQueued) return
    isCheckQueued = true
    parts.turn.write(check)
  }
  // Where nothing is produced followers would learn of the watermark and the log start only when their time is up.
  const hurry = (): void => {
    timer.cancel()
    timer = parts.clock.after(Math.min(watermarkDelayMs, maxWaitMs), answerNow)
  }
  // The connection is gone: nobody reads the answer, so it makes no session and moves none.
  const abandon = (): void => {
    stopWaiting()
    late.answer(refusal('NONE', 0))
  }
  const stopWatching = plan.onMoved?.(moved) ?? watchAll(firstReads, moved)
  const answerNow = (): void => finish(readAgain())
  const stopExpecting =
    limits.follower === undefined
      ? undefined
      : parts.partitions.expectedFollowers.whileWaiting(limits.follower.brokerId, answerNow)
  parts.waitingFetches.add(answerNow)
  let timer = parts.clock.after(maxWaitMs, answerNow)
  context.signal.addEventListener('abort', abandon, { once: true })
  return late
}

/** What is held back for a while is given when that is over, not when the follower's time is up. */
function longestWaitMs(
  { partitions }: FetchParts,
  { brokerId, throttle }: AskingFollower,
  reads: readonly PartitionRead[],
  askedMs: number,
): number {
  const isHeldBack = reads.some(({ replica }) => replica !== undefined && isThrottledFor(replica, brokerId))
  const pauseMs = isHeldBack ? throttle.pauseMs() : 0
  const mostMs = pauseMs > 0 ? Math.min(askedMs, pauseMs) : askedMs
  return partitions.expectedFollowers.longestWaitMs(brokerId, mostMs)
}

/** The function that is returned ends it. */
function watchAll(reads: readonly PartitionRead[], partitionMoved: () => void): () => void {
  const watcher: PartitionWatcher = { partitionMoved }
  const watched = new Set<Partition>()
  for (const { replica } of reads) if (replica !== undefined) watched.add(replica)
  for (const replica of watched) replica.watch(watcher)
  return () => {
    for (const replica of watched) replica.unwatch(watcher)
  }
}

/** How long a follower may not know of a new high watermark or log start while there are no records to send along. */
const watermarkDelayMs = 10

function isNews({ highWatermark, logStartOffset, partition }: PartitionRead): boolean {
  return highWatermark !== partition.toldHighWatermark || logStartOffset !== partition.toldLogStartOffset
}

/** So that an answer is written into one buffer of the right size. */
function answerSize(response: FetchResponse): number {
  let bytes = 128
  for (const { partitions = [] } of response.responses ?? []) {
    for (const { records } of partitions) bytes += 96 + (records?.length ?? 0)
  }
  return bytes
}

function answer(
  parts: FetchParts,
  plan: FetchPlan,
  limits: FetchLimits,
  reads: readonly PartitionRead[],
  context: RequestContext,
): FetchResponse | Promise<FetchResponse> {
  const { sessionId, error, included } = plan.finish(reads)
  if (error !== 'NONE') return refusal(error, sessionId)
  for (const read of included) {
    if (read.error !== 'NONE') parts.traffic.fetchFailed()
    else if (read.recordsLength === 0) continue
    else if (limits.follower === undefined) parts.traffic.fetched(read.topicName ?? '', read.recordsLength)
    else {
      parts.traffic.givenToFollower(read.topicName ?? '', read.recordsLength)
      const { brokerId, throttle } = limits.follower
      if (read.replica !== undefined && isThrottledFor(read.replica, brokerId))
        throttle.take(read.recordsLength)
    }
  }
  const cold = included.filter(
    read => read.records !== undefined && read.recordsLength > 0 && !read.records.recent,
  )
  if (cold.length === 0) return response(parts, sessionId, included, context, new Map())
  return loadCold(cold).then(loaded => response(parts, sessionId, included, context, loaded))
}

/** Bytes that are likely not in the page cache are read off the loop, so that a slow disk holds up nobody else. */
async function loadCold(cold: readonly PartitionRead[]): Promise<Map<FetchedPartition, Buffer>> {
  const loaded = new Map<FetchedPartition, Buffer>()
  for (const read of cold) {
    if (read.records !== undefined) loaded.set(read.partition, await read.records.load())
  }
  return loaded
}

function response(
  parts: FetchParts,
  sessionId: number,
  reads: readonly PartitionRead[],
  context: RequestContext,
  loaded: ReadonlyMap<FetchedPartition, Buffer>,
): FetchResponse {
  const responses: TopicAnswer[] = []
  const hints =
    context.apiVersion >= 16 ? new LeaderHints(() => parts.partitions.image, context.listenerName) : undefined
  let current: TopicAnswer | undefined
  for (const read of reads) {
    const { topic, topicId } = read.partition
    if (current === undefined || current.topic !== topic || current.topicId !== topicId) {
      current = { topic, topicId, partitions: [] }
      responses.push(current)
    }
    current.partitions.push(partitionAnswer(read, context.apiVersion, loaded.get(read.partition), hints))
  }
  const nodeEndpoints = hints?.endpoints ?? []
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    sessionId,
    responses,
    ...(nodeEndpoints.length === 0 ? {} : { nodeEndpoints }),
  }
}

type TopicAnswer = { topic: string; topicId: string; partitions: PartitionAnswer[] }
type PartitionAnswer = NonNullable<NonNullable<FetchResponse['responses']>[number]['partitions']>[number]

function partitionAnswer(
  read: PartitionRead,
  apiVersion: number,
  loaded: Buffer | undefined,
  hints: LeaderHints | undefined,
): PartitionAnswer {
  return {
    partitionIndex: read.partition.index,
    errorCode: errorCode(errorForVersion(read.error, apiVersion)),
    highWatermark: read.highWatermark,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.logStartOffset,
    abortedTransactions: read.records?.abortedTransactions ?? null,
    preferredReadReplica: read.preferredReadReplica,
    records: loaded ?? read.records?.records ?? noRecords,
    ...(read.divergingEpoch === undefined ? {} : { divergingEpoch: read.divergingEpoch }),
    ...(hints !== undefined && read.topicName !== undefined && namesLeader(read.error)
      ? { currentLeader: hints.leaderOf(read.topicName, read.partition.index) }
      : {}),
  }
}

function refusal(error: ErrorName, sessionId: number): FetchResponse {
  return { throttleTimeMs: 0, errorCode: errorCode(error), sessionId, responses: [] }
}

const noRecords: RecordsSource = { length: 0, readInto() {} }

/** Clients below v6 do not know KAFKA_STORAGE_ERROR. */
function errorForVersion(error: ErrorName, apiVersion: number): ErrorName {
  return error === 'KAFKA_STORAGE_ERROR' && apiVersion <= 5 ? 'NOT_LEADER_OR_FOLLOWER' : error
}
