import { zeroUuid, type ErrorName, type Uuid } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import { type Random, randomInt } from '../../runtime/random.ts'
import {
  type AskedPartition,
  FetchedPartition,
  FetchSession,
  type Heartbeat,
  saysSomethingNew,
  type SessionResult,
} from './fetch-session.ts'

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
      if (sessionId !== 0) this.#drop(sessionId)
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
    const heartbeat = neverFetched()
    return {
      ...sessionlessPlan(partitions),
      heartbeat,
      finish: results => {
        const session = this.#make(request, partitions, heartbeat)
        session?.told(results, () => true)
        return { sessionId: session?.id ?? 0, error: 'NONE', included: results }
      },
    }
  }

  #incrementalPlan(
    session: FetchSession,
    request: FetchSessionRequest,
  ): FetchPlan | { readonly error: ErrorName } {
    const sizeBefore = session.partitions.size
    for (const [key, partition] of partitionsOf(request)) session.ask(key, partition)
    if (session.partitions.size > sizeBefore && this.partitionCount > this.#mostPartitions) {
      this.#drop(session.id)
      return { error: 'FETCH_SESSION_ID_NOT_FOUND' }
    }
    const forgotten: FetchedPartition[] = []
    for (const { topic, topicId, partitions } of request.forgotten) {
      for (const index of partitions) {
        const gone = session.forget(partitionKey(topic, topicId, index))
        if (gone !== undefined) forgotten.push(gone)
      }
    }
    if (session.partitions.size === 0) {
      this.#drop(session.id)
      return { ...sessionlessPlan(session.partitions), forgotten }
    }
    session.begin(this.#clock.monotonicMs(), request.readUpTo)
    const answeredEpoch = nextSessionEpoch(session.epoch)
    session.epoch = answeredEpoch
    return {
      partitions: () => session.busy,
      isEmpty: false,
      heartbeat: session.heartbeat,
      forgotten,
      onMoved: listener => session.onMoved(listener),
      finish: results => {
        if (session.epoch !== answeredEpoch) {
          return { sessionId: session.id, error: 'INVALID_FETCH_SESSION_EPOCH', included: [] }
        }
        const included = results.filter(result => saysSomethingNew(result))
        const isIncluded = new Set<SessionResult>(included)
        session.told(results, result => isIncluded.has(result))
        return { sessionId: session.id, error: 'NONE', included }
      },
    }
  }

  #make(
    request: FetchSessionRequest,
    partitions: Map<string, FetchedPartition>,
    heartbeat: Heartbeat,
  ): FetchSession | undefined {
    if (this.partitionCount + partitions.size > this.#mostPartitions) return undefined
    const nowMs = this.#clock.monotonicMs()
    if (this.#sessions.size >= this.#slots && !this.#evictFor(request.isFollower, partitions.size, nowMs)) {
      return undefined
    }
    let id = 0
    while (id === 0 || this.#sessions.has(id)) id = 1 + randomInt(this.#random, 2 ** 31 - 1)
    const { usesTopicIds, isFollower, readUpTo } = request
    const session = new FetchSession({ id, usesTopicIds, isFollower, readUpTo, partitions, heartbeat, nowMs })
    this.#sessions.set(id, session)
    return session
  }

  #drop(id: number): void {
    this.#sessions.get(id)?.close()
    this.#sessions.delete(id)
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
    this.#drop(victim.id)
    this.evictions++
    return true
  }
}

export interface FetchSessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly usesTopicIds: boolean
  readonly isFollower: boolean
  /** Where the client may read to; when that changes everything is read anew. */
  readonly readUpTo: string
  readonly topics: readonly {
    readonly topic: string
    readonly topicId: Uuid
    readonly partitions: readonly AskedPartition[]
  }[]
  readonly forgotten: readonly {
    readonly topic: string
    readonly topicId: Uuid
    readonly partitions: readonly number[]
  }[]
}

export interface FetchPlan {
  /**
   * In the order in which they are to be read; asked again for a second reading. Of a session only those that may have
   * something new.
   */
  partitions(): Iterable<FetchedPartition>
  /** Nothing is fetched, so there is nothing to wait for. */
  readonly isEmpty: boolean
  readonly heartbeat: Heartbeat
  /** What the request has taken out of its session. */
  readonly forgotten: readonly FetchedPartition[]
  /** Calls `listener` when a partition has moved, until the function that is returned is called. Undefined: watch what was read. */
  readonly onMoved?: (listener: () => void) => () => void
  finish<R extends SessionResult>(
    results: readonly R[],
  ): { readonly sessionId: number; readonly error: ErrorName; readonly included: readonly R[] }
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
    isEmpty: partitions.size === 0,
    heartbeat: neverFetched(),
    forgotten: [],
    finish: results => ({ sessionId: 0, error: 'NONE', included: results }),
  }
}

function neverFetched(): Heartbeat {
  return { fetchedAtMs: Number.NEGATIVE_INFINITY }
}

function partitionKey(topic: string, topicId: Uuid, index: number): string {
  return topicId === zeroUuid ? `${topic}\0${index}` : `${topicId}${index}`
}

function partitionsOf(request: FetchSessionRequest): Map<string, FetchedPartition> {
  const partitions = new Map<string, FetchedPartition>()
  for (const { topic, topicId, partitions: asked } of request.topics) {
    for (const one of asked) {
      partitions.set(partitionKey(topic, topicId, one.partition), new FetchedPartition(topic, topicId, one))
    }
  }
  return partitions
}

function isWeaker(
  session: FetchSession,
  newcomer: { readonly isFollower: boolean; readonly size: number },
  nowMs: number,
): boolean {
  if (session.isFollower !== newcomer.isFollower) return newcomer.isFollower
  return nowMs - session.createdMs > evictionMs && session.partitions.size < newcomer.size
}
