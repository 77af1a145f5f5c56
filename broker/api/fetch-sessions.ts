import { zeroUuid, type ErrorName, type Uuid } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import { type Random, randomInt } from '../../runtime/random.ts'

/**
 * Fetch sessions (KIP-227): what a client fetches is remembered here, so that its next requests name only what
 * changed and answers hold only partitions that have something to say.
 *
 * A request is opened into a plan (which partitions, in which order); when they were read, `finish` says which of
 * the results go into the answer. Session state moves only in `finish`, that is when the answer is really sent.
 */
export class FetchSessions {
  readonly #slots: number
  /** Over all sessions: what a client can make the broker remember must not depend on how much it names. */
  readonly #mostPartitions: number
  readonly #clock: Clock
  readonly #random: Random
  readonly #sessions = new Map<number, FetchSession>()
  /** Sessions pushed out by others so far. */
  evictions = 0

  constructor(slots: number, clock: Clock, random: Random) {
    this.#slots = slots
    this.#mostPartitions = Math.max(leastRoom, slots * partitionsPerSlot)
    this.#clock = clock
    this.#random = random
  }

  get size(): number {
    return this.#sessions.size
  }

  get partitionCount(): number {
    let count = 0
    for (const session of this.#sessions.values()) count += session.partitions.size
    return count
  }

  open(request: FetchSessionRequest): FetchPlan | { readonly error: ErrorName } {
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === initialEpoch || sessionEpoch === finalEpoch) {
      if (sessionId !== 0) this.#sessions.delete(sessionId)
      const partitions = partitionsOf(request)
      return sessionEpoch === finalEpoch || partitions.size === 0
        ? sessionlessPlan(partitions)
        : this.#newSessionPlan(request, partitions)
    }
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return { error: 'FETCH_SESSION_ID_NOT_FOUND' }
    if (session.epoch !== sessionEpoch) return { error: 'INVALID_FETCH_SESSION_EPOCH' }
    if (session.usesTopicIds !== request.usesTopicIds) return { error: 'FETCH_SESSION_TOPIC_ID_ERROR' }
    return this.#incrementalPlan(session, request)
  }

  #newSessionPlan(request: FetchSessionRequest, partitions: Map<string, FetchedPartition>): FetchPlan {
    return {
      partitions: () => partitions.values(),
      finish: results => {
        const sessionId = this.#make(request, partitions)
        if (sessionId !== 0) for (const result of results) remember(result.partition, result)
        return { sessionId, error: 'NONE', included: results }
      },
    }
  }

  #incrementalPlan(
    session: FetchSession,
    request: FetchSessionRequest,
  ): FetchPlan | { readonly error: ErrorName } {
    let hasGrown = false
    for (const [key, partition] of partitionsOf(request)) {
      const known = session.partitions.get(key)
      if (known !== undefined) {
        updateAsked(known, partition)
      } else {
        session.partitions.set(key, partition)
        hasGrown = true
      }
    }
    if (hasGrown && this.partitionCount > this.#mostPartitions) {
      this.#sessions.delete(session.id)
      return { error: 'FETCH_SESSION_ID_NOT_FOUND' }
    }
    for (const { topic, topicId, partitions } of request.forgotten) {
      for (const index of partitions) session.partitions.delete(partitionKey(topic, topicId, index))
    }
    session.lastUsedMs = this.#clock.monotonicMs()
    if (session.partitions.size === 0) {
      this.#sessions.delete(session.id)
      return sessionlessPlan(session.partitions)
    }
    const answeredEpoch = nextSessionEpoch(session.epoch)
    session.epoch = answeredEpoch
    return {
      partitions: () => session.partitions.values(),
      finish: results => {
        if (session.epoch !== answeredEpoch) {
          return { sessionId: session.id, error: 'INVALID_FETCH_SESSION_EPOCH', included: [] }
        }
        const included = results.filter(result => saysSomethingNew(result))
        for (const result of included) {
          remember(result.partition, result)
          if (result.recordsLength > 0) moveToEnd(session.partitions, result.partition)
        }
        return { sessionId: session.id, error: 'NONE', included }
      },
    }
  }

  #make(request: FetchSessionRequest, partitions: Map<string, FetchedPartition>): number {
    if (this.partitionCount + partitions.size > this.#mostPartitions) return 0
    const nowMs = this.#clock.monotonicMs()
    if (this.#sessions.size >= this.#slots && !this.#evictFor(request.isFollower, partitions.size, nowMs)) {
      return 0
    }
    let id = 0
    while (id === 0 || this.#sessions.has(id)) id = 1 + randomInt(this.#random, 2 ** 31 - 1)
    this.#sessions.set(id, {
      id,
      epoch: 1,
      usesTopicIds: request.usesTopicIds,
      isFollower: request.isFollower,
      partitions,
      createdMs: nowMs,
      lastUsedMs: nowMs,
    })
    return id
  }

  /** Makes room by dropping a session: one long unused, else one that counts for less than the newcomer. */
  #evictFor(isFollower: boolean, size: number, nowMs: number): boolean {
    let stalest: FetchSession | undefined
    let weakest: FetchSession | undefined
    for (const session of this.#sessions.values()) {
      if (stalest === undefined || session.lastUsedMs < stalest.lastUsedMs) stalest = session
      if (isWeaker(session, { isFollower, size }, nowMs)) {
        if (weakest === undefined || session.partitions.size < weakest.partitions.size) weakest = session
      }
    }
    const victim = stalest !== undefined && nowMs - stalest.lastUsedMs > evictionMs ? stalest : weakest
    if (victim === undefined) return false
    this.#sessions.delete(victim.id)
    this.evictions++
    return true
  }
}

export interface FetchSessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly usesTopicIds: boolean
  readonly isFollower: boolean
  readonly topics: readonly {
    readonly topic: string
    readonly topicId: Uuid
    readonly partitions: readonly {
      readonly partition: number
      readonly currentLeaderEpoch: number
      readonly fetchOffset: number
      readonly lastFetchedEpoch: number
      readonly logStartOffset: number
      readonly partitionMaxBytes: number
    }[]
  }[]
  readonly forgotten: readonly {
    readonly topic: string
    readonly topicId: Uuid
    readonly partitions: readonly number[]
  }[]
}

/** One partition as a client asked for it, with what the last answer said about it. */
export interface FetchedPartition {
  readonly topic: string
  readonly topicId: Uuid
  readonly index: number
  fetchOffset: number
  maxBytes: number
  currentLeaderEpoch: number
  lastFetchedEpoch: number
  /** Of a follower's log; -1 for a consumer. */
  logStartOffset: number
  /** What the client was last told; -1 = nothing, or an error. */
  toldHighWatermark: number
  toldLogStartOffset: number
}

/** What reading one partition gave, as far as sessions care. */
export interface SessionResult {
  readonly partition: FetchedPartition
  readonly error: ErrorName
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly recordsLength: number
  readonly diverges: boolean
  readonly preferredReadReplica: number
}

export interface FetchPlan {
  /** In the order in which they are to be read; asked again for a second reading. */
  partitions(): Iterable<FetchedPartition>
  finish<R extends SessionResult>(
    results: readonly R[],
  ): { readonly sessionId: number; readonly error: ErrorName; readonly included: readonly R[] }
}

interface FetchSession {
  readonly id: number
  epoch: number
  readonly usesTopicIds: boolean
  readonly isFollower: boolean
  readonly partitions: Map<string, FetchedPartition>
  readonly createdMs: number
  lastUsedMs: number
}

/** Many more than consumers and followers need on average. */
const partitionsPerSlot = 200
const leastRoom = 10_000

const initialEpoch = 0
const finalEpoch = -1
/** A session unused for this long may be pushed out by any other. */
const evictionMs = 120_000

/** After 2147483647 comes 1: 0 and -1 have meanings of their own. */
export function nextSessionEpoch(epoch: number): number {
  return epoch === 2 ** 31 - 1 ? 1 : epoch + 1
}

function sessionlessPlan(partitions: Map<string, FetchedPartition>): FetchPlan {
  return {
    partitions: () => partitions.values(),
    finish: results => ({ sessionId: 0, error: 'NONE', included: results }),
  }
}

function partitionKey(topic: string, topicId: Uuid, index: number): string {
  return topicId === zeroUuid ? `${topic}\0${index}` : `${topicId}${index}`
}

function partitionsOf(request: FetchSessionRequest): Map<string, FetchedPartition> {
  const partitions = new Map<string, FetchedPartition>()
  for (const { topic, topicId, partitions: asked } of request.topics) {
    for (const one of asked) {
      partitions.set(partitionKey(topic, topicId, one.partition), {
        topic,
        topicId,
        index: one.partition,
        fetchOffset: one.fetchOffset,
        maxBytes: one.partitionMaxBytes,
        currentLeaderEpoch: one.currentLeaderEpoch,
        lastFetchedEpoch: one.lastFetchedEpoch,
        logStartOffset: one.logStartOffset,
        toldHighWatermark: -1,
        toldLogStartOffset: -1,
      })
    }
  }
  return partitions
}

function updateAsked(known: FetchedPartition, asked: FetchedPartition): void {
  known.fetchOffset = asked.fetchOffset
  known.maxBytes = asked.maxBytes
  known.currentLeaderEpoch = asked.currentLeaderEpoch
  known.lastFetchedEpoch = asked.lastFetchedEpoch
  known.logStartOffset = asked.logStartOffset
}

function saysSomethingNew(result: SessionResult): boolean {
  return (
    result.recordsLength > 0 ||
    result.error !== 'NONE' ||
    result.highWatermark !== result.partition.toldHighWatermark ||
    result.logStartOffset !== result.partition.toldLogStartOffset ||
    result.diverges ||
    result.preferredReadReplica >= 0
  )
}

/** An error is told every time, and the recovery from it too: so nothing counts as told. */
function remember(partition: FetchedPartition, result: SessionResult): void {
  const failed = result.error !== 'NONE'
  partition.toldHighWatermark = failed ? -1 : result.highWatermark
  partition.toldLogStartOffset = failed ? -1 : result.logStartOffset
}

/** What delivered data goes to the end of the order, so that no partition starves. */
function moveToEnd(partitions: Map<string, FetchedPartition>, partition: FetchedPartition): void {
  const key = partitionKey(partition.topic, partition.topicId, partition.index)
  if (partitions.delete(key)) partitions.set(key, partition)
}

function isWeaker(
  session: FetchSession,
  newcomer: { readonly isFollower: boolean; readonly size: number },
  nowMs: number,
): boolean {
  if (session.isFollower !== newcomer.isFollower) return newcomer.isFollower
  return nowMs - session.createdMs > evictionMs && session.partitions.size < newcomer.size
}
