import {
  type Decoded,
  type ErrorName,
  errorName,
  fetch,
  listOffsets,
  type Uuid,
} from '../../protocol/index.ts'
import { AssertionError } from '../../runtime/assert.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { TopicTraffic } from '../metrics/topic-traffic.ts'
import type { PeerLink } from '../peers/peers.ts'
import { FollowedPartition } from './followed-partition.ts'
import { byTopic, FollowerSession } from './follower-session.ts'
import type { Partition } from './partition.ts'
import { isThrottled, type ReplicationThrottle } from './replication-throttle.ts'
import { outOfRange, truncationOffset } from './truncation.ts'

/**
 * Copies partitions from one leading broker: a fetch, one in flight; what came is appended; and when it is written, at the
 * end of the turn, the next fetch, which tells the leader how far this follower is.
 *
 * Records stay views of the receive buffer until the log has taken them; nothing here looks into a batch. A partition that
 * fails rests for a while and holds up no other.
 */
export class Follower {
  readonly #parts: FollowerParts
  readonly #session = new FollowerSession<FollowedPartition>()
  readonly #followed = new Map<Partition, FollowedPartition>()
  /** Appended to since the last request. */
  readonly #unwritten = new Set<FollowedPartition>()
  readonly #byTopic = new Map<Uuid, Map<number, FollowedPartition>>()
  #wake: (() => void) | undefined
  #isTroubled = false
  #stopped = false
  readonly #running: Promise<void>

  constructor(parts: FollowerParts) {
    this.#parts = parts
    this.#running = this.#run()
  }

  get size(): number {
    return this.#followed.size
  }

  /** How far the partition that is furthest behind its leader's watermark is behind. */
  get maxLag(): number {
    let most = 0
    for (const { partition, leaderHighWatermark } of this.#followed.values()) {
      most = Math.max(most, leaderHighWatermark - partition.log.nextOffset)
    }
    return most
  }

  /** Follows the partition in the leader epoch it is in now. */
  follow(partition: Partition): void {
    this.unfollow(partition)
    const { topicId, index } = partition
    const followed = new FollowedPartition(partition)
    this.#followed.set(partition, followed)
    const siblings = this.#byTopic.get(topicId)
    if (siblings === undefined) this.#byTopic.set(topicId, new Map([[index, followed]]))
    else siblings.set(index, followed)
    this.#fetchAgain(followed)
  }

  unfollow(partition: Partition): void {
    const followed = this.#followed.get(partition)
    if (followed === undefined) return
    this.#followed.delete(partition)
    const siblings = this.#byTopic.get(partition.topicId)
    siblings?.delete(partition.index)
    if (siblings?.size === 0) this.#byTopic.delete(partition.topicId)
    followed.stopWaiting()
    this.#session.leave(followed)
  }

  /** Resolves when nothing is appended any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const partition of this.#followed.keys()) this.unfollow(partition)
    this.#wake?.()
    await this.#parts.link.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { link } = this.#parts
    while (!this.#stopped) {
      if (this.#session.size === 0) {
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
        continue
      }
      try {
        await this.#fetch()
        link.worked()
        this.#isTroubled = false
      } catch (error) {
        if (error instanceof AssertionError) throw error
        if (this.#stopped) return
        this.#session.reset()
        link.failed()
        this.#tell(error)
      }
    }
  }

  #tell(err: unknown): void {
    const { logger, link } = this.#parts
    const facts = { leader: link.brokerId, partitions: this.#followed.size, err }
    const sentence = 'A leader cannot be fetched from; it is tried again.'
    if (this.#isTroubled) logger.debug(facts, sentence)
    else logger.warn(facts, sentence)
    this.#isTroubled = true
  }

  async #fetch(): Promise<void> {
    const { link, settings, turn } = this.#parts
    const connection = await link.connection()
    const brokerEpoch = this.#parts.brokerEpoch()
    // A fetch that does not say which incarnation it is of could bring a replica that lost data into the in-sync set.
    if (brokerEpoch === undefined) throw new Error('This broker is not registered at the moment.')
    this.#settleWrites()
    if (this.#session.size === 0) return
    const request = this.#request(brokerEpoch)
    const options = { timeoutMs: settings()['replica.socket.timeout.ms'], borrow: true }
    const answer = await connection.send(fetch, request, options)
    if (this.#stopped) return
    const error = errorName(answer.errorCode)
    if (error !== 'NONE') {
      this.#session.refused(error)
      if (!sessionErrors.has(error)) throw new Error(`The leader refused the fetch: ${error}.`)
      return
    }
    this.#session.answered(answer.sessionId)
    const beyond = this.#take(answer)
    // What came must be in the files before the next fetch says that it is here.
    await new Promise<void>(resolve => turn.send(resolve))
    if (beyond.length > 0) await this.#findRange(beyond)
  }

  #request(brokerEpoch: number) {
    const { settings, brokerId } = this.#parts
    const of = settings()
    const { sessionId, sessionEpoch, members, forgotten } = this.#session.next()
    return {
      replicaState: { replicaId: brokerId, replicaEpoch: brokerEpoch },
      maxWaitMs: of['replica.fetch.wait.max.ms'],
      minBytes: of['replica.fetch.min.bytes'],
      maxBytes: of['replica.fetch.response.max.bytes'],
      sessionId,
      sessionEpoch,
      topics: Array.from(byTopic(members), ([topicId, followed]) => ({
        topicId,
        partitions: followed.map(one => one.position(of['replica.fetch.max.bytes'])),
      })),
      forgottenTopicsData: Array.from(byTopic(forgotten), ([topicId, followed]) => ({
        topicId,
        partitions: followed.map(({ index }) => index),
      })),
    }
  }

  /** What was appended is in the files by now; or there was no room for it; or it waits for a sync (flush.messages). */
  #settleWrites(): void {
    for (const followed of this.#unwritten) {
      if (this.#followed.get(followed.partition) !== followed) continue
      const { log } = followed.partition
      if (log.nextOffset < followed.appendedTo) {
        this.#rest(followed, 'KAFKA_STORAGE_ERROR', 'What was copied could not be written: the disk is full.')
      } else if (log.logEndOffset < log.nextOffset) {
        this.#session.leave(followed)
        followed.waitForWrite(() => this.#fetchAgain(followed))
      } else {
        followed.failures = 0
      }
    }
    this.#unwritten.clear()
  }

  /** Answers the partitions whose next offset the leader does not have. Must not wait: records are views. */
  #take(answer: Decoded<typeof fetch.response>): FollowedPartition[] {
    const beyond: FollowedPartition[] = []
    for (const { topicId, partitions } of answer.responses) {
      const siblings = this.#byTopic.get(topicId)
      if (siblings === undefined) continue
      for (const one of partitions) {
        const followed = siblings.get(one.partitionIndex)
        if (followed === undefined || !followed.isAsked) continue
        const error = errorName(one.errorCode)
        if (error === 'OFFSET_OUT_OF_RANGE') {
          this.#session.leave(followed)
          beyond.push(followed)
        } else if (error !== 'NONE') {
          this.#rest(followed, error, 'The leader refused to give this partition.')
        } else if (one.divergingEpoch.epoch >= 0) {
          this.#cut(followed, one.divergingEpoch)
        } else {
          this.#append(followed, one)
        }
      }
    }
    return beyond
  }

  #append(followed: FollowedPartition, answer: PartitionAnswer): void {
    const { partition } = followed
    const { records } = answer
    if (records !== null && records.length > 0) {
      const before = partition.log.nextOffset
      const outcome = partition.appendFromLeader(records, followed.leaderEpoch)
      if (outcome.kind === 'refused') {
        this.#rest(followed, outcome.error, outcome.message)
        return
      }
      if (partition.log.nextOffset === before) {
        this.#rest(followed, 'NONE', 'The leader sent nothing that can be appended.')
        return
      }
      this.#parts.traffic.copied(partition.topic, records.length)
      this.#unwritten.add(followed)
      followed.appendedTo = partition.log.nextOffset
      this.#session.fetch(followed)
      if (answer.highWatermark > partition.log.nextOffset) this.#throttle(followed, records.length)
    } else {
      followed.failures = 0
    }
    followed.leaderHighWatermark = answer.highWatermark
    partition.leaderSaid(answer.highWatermark, answer.logStartOffset)
    if (followed.toldLogStartOffset !== partition.log.logStartOffset) this.#session.fetch(followed)
  }

  /** Only of what catches up. */
  #throttle(followed: FollowedPartition, bytes: number): void {
    const { throttle, brokerId, clock } = this.#parts
    const { partition } = followed
    const replicas = partition.settings['follower.replication.throttled.replicas']
    if (!isThrottled(replicas, partition.index, brokerId)) return
    throttle.take(bytes)
    const pauseMs = throttle.pauseMs()
    if (pauseMs === 0) return
    this.#session.leave(followed)
    followed.restFor(clock, pauseMs, () => this.#fetchAgain(followed))
  }

  #cut(followed: FollowedPartition, leaderEnd: { readonly epoch: number; readonly endOffset: number }): void {
    const { partition } = followed
    const { log } = partition
    const offset = truncationOffset({ epochs: log.leaderEpochs, endOffset: log.nextOffset }, leaderEnd)
    if (offset >= log.nextOffset) {
      this.#rest(followed, 'NONE', 'The leader says that its log parts from this one, but not where.')
      return
    }
    const reason = `On the leader epoch ${leaderEnd.epoch} ends at ${leaderEnd.endOffset}.`
    partition.cutTo({ kind: 'truncate', offset, reason })
    this.#session.fetch(followed)
  }

  /** Asks where the leader's logs begin and end, and goes on from there. */
  async #findRange(beyond: readonly FollowedPartition[]): Promise<void> {
    const ends = await this.#offsets(beyond, latest)
    const starts = await this.#offsets(beyond, earliest)
    for (const followed of beyond) {
      if (this.#followed.get(followed.partition) !== followed) continue
      const end = ends.get(followed)
      const start = starts.get(followed)
      const { partition } = followed
      if (typeof end !== 'number' || typeof start !== 'number') {
        const error = typeof end === 'string' ? end : typeof start === 'string' ? start : 'NONE'
        this.#rest(followed, error, 'The leader did not say where its log begins and ends.')
        continue
      }
      const next = outOfRange(partition.log.nextOffset, { logStartOffset: start, endOffset: end })
      if (next.kind === 'goOn') {
        this.#rest(followed, 'OFFSET_OUT_OF_RANGE', 'The leader has the offset by now.')
        continue
      }
      const reason = `The leader's log goes from ${start} to ${end}.`
      partition.cutTo({ ...next, reason })
      this.#fetchAgain(followed)
    }
  }

  async #offsets(
    beyond: readonly FollowedPartition[],
    timestamp: number,
  ): Promise<Map<FollowedPartition, number | ErrorName>> {
    const connection = await this.#parts.link.connection()
    const current = beyond.filter(followed => this.#followed.get(followed.partition) === followed)
    const found = new Map<FollowedPartition, number | ErrorName>()
    if (current.length === 0) return found
    const answer = await connection.send(listOffsets, {
      replicaId: this.#parts.brokerId,
      topics: Array.from(byTopic(current), ([, followed]) => ({
        name: followed[0]!.partition.topic,
        partitions: followed.map(({ index, leaderEpoch }) => ({
          partitionIndex: index,
          currentLeaderEpoch: leaderEpoch,
          timestamp,
        })),
      })),
    })
    const byName = new Map(
      current.map(followed => [`${followed.partition.topic}/${followed.index}`, followed]),
    )
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, offset } of partitions) {
        const followed = byName.get(`${name}/${partitionIndex}`)
        const error = errorName(errorCode)
        if (followed !== undefined) found.set(followed, error === 'NONE' ? offset : error)
      }
    }
    return found
  }

  /** Not fetched for a while. What a leader says while leadership moves is no news, and over in a moment. */
  #rest(followed: FollowedPartition, error: ErrorName, reason: string): void {
    const { clock, random, settings, logger } = this.#parts
    const { partition } = followed
    this.#session.leave(followed)
    if (partition.isOffline) {
      this.unfollow(partition)
      return
    }
    const facts = { topic: partition.topic, partition: partition.index, error, reason }
    const isUsual = whileLeadershipMoves.has(error) && followed.failures < 5
    if (isUsual) logger.debug(facts, 'A partition is not copied for a moment.')
    else logger.warn(facts, 'A partition is not copied for a while.')
    const mostMs = Math.max(1, settings()['replica.fetch.backoff.ms'])
    const delayMs = backoffMs(followed.failures++, { firstMs: Math.min(20, mostMs), mostMs }, random)
    followed.restFor(clock, delayMs, () => this.#fetchAgain(followed))
  }

  #fetchAgain(followed: FollowedPartition): void {
    if (this.#stopped || this.#followed.get(followed.partition) !== followed) return
    this.#session.fetch(followed)
    this.#wake?.()
  }
}

type PartitionAnswer = Decoded<typeof fetch.response>['responses'][number]['partitions'][number]

const latest = -1
const earliest = -2

const sessionErrors: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'FETCH_SESSION_TOPIC_ID_ERROR',
])

const whileLeadershipMoves: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'NOT_LEADER_OR_FOLLOWER',
  'UNKNOWN_LEADER_EPOCH',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_TOPIC_ID',
  'UNKNOWN_TOPIC_OR_PARTITION',
])

export interface FollowerParts {
  /** To the leading broker; closed with the follower. */
  readonly link: PeerLink
  readonly brokerId: number
  /** Undefined while this broker is not registered. */
  readonly brokerEpoch: () => number | undefined
  readonly settings: () => FollowerSettings
  readonly clock: Clock
  readonly random: Random
  readonly turn: EndOfTurn
  readonly logger: Logger
  readonly traffic: Pick<TopicTraffic, 'copied'>
  /** Shared by all followers of this broker. */
  readonly throttle: ReplicationThrottle
}

export interface FollowerSettings {
  readonly 'replica.fetch.max.bytes': number
  readonly 'replica.fetch.wait.max.ms': number
  readonly 'replica.fetch.backoff.ms': number
  readonly 'replica.fetch.min.bytes': number
  readonly 'replica.fetch.response.max.bytes': number
  readonly 'replica.socket.timeout.ms': number
}
