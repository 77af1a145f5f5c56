import type { Logger } from '../../runtime/logger.ts'
import { type Clock, every, type Timer } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { ErrorName, Uuid } from '../../protocol/index.ts'
import type { TopicSettings } from '../config/topic-settings.ts'
import type { Log } from '../log/log.ts'
import type { LogDirectories } from '../log/log-directories.ts'
import type { MetadataImage, PartitionImage, TopicImage } from '../metadata/image.ts'
import { ExpectedFollowers } from './expected-followers.ts'
import type { Followers } from './followers.ts'
import type { LeaderParts } from './leadership.ts'
import { Partition } from './partition.ts'

/**
 * The registry of replicas on this broker. It does one thing: compare the old and the new picture of the cluster
 * and hand out roles: make logs for new replicas, change roles, close and delete what is gone.
 */
export class Partitions {
  readonly expectedFollowers: ExpectedFollowers
  readonly #options: PartitionsOptions
  readonly #topics = new Map<string, Map<number, Partition>>()
  #image: MetadataImage | undefined
  #count = 0
  #lagCheck: Timer | undefined

  constructor(options: PartitionsOptions) {
    this.#options = options
    this.expectedFollowers = new ExpectedFollowers(options.clock)
  }

  /** How many replicas live here. */
  get size(): number {
    return this.#count
  }

  get image(): MetadataImage | undefined {
    return this.#image
  }

  *all(): Iterable<Partition> {
    for (const partitions of this.#topics.values()) yield* partitions.values()
  }

  get(topic: string, index: number): Partition | undefined {
    return this.#topics.get(topic)?.get(index)
  }

  /**
   * The replica that leads, or the error a client is to get. A partition that the metadata knows but that does not
   * live here is NOT_LEADER_OR_FOLLOWER, so that the client asks for newer metadata; an unknown one is
   * UNKNOWN_TOPIC_OR_PARTITION.
   */
  leader(topic: string, index: number): Partition | ErrorName {
    const partition = this.#topics.get(topic)?.get(index)
    if (partition === undefined) {
      const known = this.#image?.topicsByName.get(topic)?.partitions[index] !== undefined
      return known ? this.#errorOfMissing(topic, index) : 'UNKNOWN_TOPIC_OR_PARTITION'
    }
    if (partition.isOffline) return 'KAFKA_STORAGE_ERROR'
    return partition.isLeader ? partition : 'NOT_LEADER_OR_FOLLOWER'
  }

  /**
   * A replica that a consumer may read: the leader, or where it knows how to go on to another broker (KIP-392), any. The
   * errors are those of `leader`.
   */
  readable(topic: string, index: number, options: { readonly mayFollow: boolean }): Partition | ErrorName {
    const partition = this.#topics.get(topic)?.get(index)
    return options.mayFollow && partition !== undefined && !partition.isOffline
      ? partition
      : this.leader(topic, index)
  }

  /** The name behind a topic id, as this broker's image knows it. */
  topicName(id: Uuid): string | undefined {
    return this.#image?.topicsById.get(id)?.name
  }

  /**
   * Takes the first image: opens every replica that lives here. Logs of replicas that went away while the broker
   * was down are put aside, never deleted at once.
   */
  start(image: MetadataImage): void {
    this.#image = image
    this.#options.logs.putStraysAside((topic, index, topicId) => {
      const known = image.topicsByName.get(topic)
      return (
        known?.id === topicId && known.partitions[index]?.replicas.includes(this.#options.brokerId) === true
      )
    })
    for (const topic of image.topicsByName.values()) this.#applyTopic(topic, topic)
    const { clock, leaderParts } = this.#options
    this.#lagCheck = every(clock, Math.max(1, leaderParts.maxLagMs() / 2), () => {
      for (const partition of this.all()) partition.dropLaggingMembers()
    })
  }

  /** Moves the replicas of the topics that changed to what `next` says. Called with each image, in order. */
  apply(next: MetadataImage, previous: MetadataImage, changedTopics: Iterable<Uuid>): void {
    this.#image = next
    for (const id of changedTopics) {
      const gone = previous.topicsById.get(id)
      const topic = next.topicsById.get(id)
      if (topic === undefined) {
        if (gone !== undefined) this.#removeTopic(gone.name, id)
      } else {
        this.#applyTopic(topic, gone)
        this.#expectFollowers(topic, gone)
      }
    }
  }

  /** The replica has a new log: it was moved to another directory. */
  replaceLog(topic: string, index: number, log: Log): void {
    this.get(topic, index)?.replaceLog(log)
  }

  /** Every replica stops leading: the broker goes down. */
  close(): void {
    this.#lagCheck?.cancel()
    for (const partition of this.all()) partition.close()
  }

  #applyTopic(topic: TopicImage, previous: TopicImage | undefined): void {
    for (const [index, state] of topic.partitions.entries()) {
      const existing = this.#current(topic, index)
      const lives = state.replicas.includes(this.#options.brokerId)
      if (existing !== undefined) {
        if (!lives) this.#remove(existing)
        else if (existing.state !== state) {
          existing.apply(state)
          this.#options.followers.update(existing)
        }
      } else if (lives) {
        this.#open(topic, index, state, previous?.partitions[index] === undefined)
      }
    }
  }

  /** Who follows what has a new leader in this broker asks it in a moment. */
  #expectFollowers(topic: TopicImage, previous: TopicImage | undefined): void {
    const { brokerId } = this.#options
    const ids = new Set<number>()
    for (const [index, { leader, leaderEpoch, replicas }] of topic.partitions.entries()) {
      if (leader !== brokerId || previous?.partitions[index]?.leaderEpoch === leaderEpoch) continue
      for (const id of replicas) if (id !== brokerId) ids.add(id)
    }
    this.expectedFollowers.expect(ids)
  }

  /** The replica that is here now; one of an earlier topic of the same name makes way first. */
  #current(topic: TopicImage, index: number): Partition | undefined {
    const existing = this.#topics.get(topic.name)?.get(index)
    if (existing === undefined || existing.topicId === topic.id) return existing
    this.#remove(existing)
    return undefined
  }

  #open(topic: TopicImage, index: number, state: PartitionImage, isNew: boolean): void {
    const { brokerId, clock, turn, logs, logger, leaderParts, followers } = this.#options
    const log = logs.create(topic.name, index, topic.id, { isNew })
    if ('error' in log) {
      logger.error({ topic: topic.name, partition: index, reason: log.message }, 'A replica has no log.')
      return
    }
    const settings = (): TopicSettings => this.#options.topicSettings(topic.name)
    const partition = new Partition({
      topic: topic.name,
      index,
      topicId: topic.id,
      brokerId,
      clock,
      turn,
      settings,
      log,
      state,
      leaderParts,
    })
    const siblings = this.#topics.get(topic.name)
    if (siblings === undefined) this.#topics.set(topic.name, new Map([[index, partition]]))
    else siblings.set(index, partition)
    this.#count++
    followers.update(partition)
  }

  #removeTopic(name: string, id: Uuid): void {
    // Removing from a map while walking it is sound.
    for (const partition of this.#topics.get(name)?.values() ?? []) {
      if (partition.topicId === id) this.#remove(partition)
    }
  }

  #remove(partition: Partition): void {
    const siblings = this.#topics.get(partition.topic)
    siblings?.delete(partition.index)
    if (siblings?.size === 0) this.#topics.delete(partition.topic)
    this.#count--
    this.#options.followers.remove(partition)
    partition.close()
    this.#options.logs.delete(partition.topic, partition.index)
  }

  #errorOfMissing(topic: string, index: number): ErrorName {
    const replicas = this.#image?.topicsByName.get(topic)?.partitions[index]?.replicas
    return replicas?.includes(this.#options.brokerId) === true
      ? 'KAFKA_STORAGE_ERROR'
      : 'NOT_LEADER_OR_FOLLOWER'
  }
}

export interface PartitionsOptions {
  readonly brokerId: number
  readonly clock: Clock
  readonly turn: EndOfTurn
  readonly logs: LogDirectories
  readonly topicSettings: (topic: string) => TopicSettings
  readonly logger: Logger
  readonly leaderParts: LeaderParts
  readonly followers: Pick<Followers, 'update' | 'remove'>
}
