import type { Uuid } from '../../protocol/index.ts'
import { type Timeline, TimelineMap } from '../coordinator/timeline.ts'

/** A position as it was committed. Immutable. */
export interface CommittedOffset {
  readonly offset: number
  /** -1: unknown. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** -1: expires by the broker's retention. */
  readonly expireTimestampMs: number
  /** Zero uuid: committed by name alone, before topics had ids. */
  readonly topicId: Uuid
}

export type TopicOffsets = TimelineMap<number, CommittedOffset>

/**
 * The positions of all groups of one shard: group → topic → partition. Those of open transactions stand aside, per
 * producer, until the marker comes; the younger record of the two wins then.
 */
export class CommittedOffsets {
  readonly #timeline: Timeline
  readonly #groups: TimelineMap<string, TimelineMap<string, TopicOffsets>>
  readonly #pending = new PendingOffsets()
  #count = 0

  constructor(timeline: Timeline) {
    this.#timeline = timeline
    this.#groups = timeline.map()
  }

  /** Positions, those of open transactions left out. */
  get size(): number {
    return this.#count
  }

  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(group)?.get(topic)?.get(partition)
  }

  /** As readers may see it. */
  committed(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.committed(group)?.committed(topic)?.committed(partition)
  }

  /** Everything readers may see of a group. */
  *committedOf(
    group: string,
  ): Iterable<readonly [topic: string, offsets: Iterable<[number, CommittedOffset]>]> {
    const topics = this.#groups.committed(group)
    if (topics === undefined) return
    for (const [topic, offsets] of topics.committedEntries()) yield [topic, offsets.committedEntries()]
  }

  *of(group: string): Iterable<readonly [topic: string, partition: number, offset: CommittedOffset]> {
    for (const [topic, offsets] of this.#groups.get(group)?.entries() ?? []) {
      for (const [partition, offset] of offsets.entries()) yield [topic, partition, offset]
    }
  }

  /** Groups that have positions. */
  groups(): Iterable<string> {
    return this.#groups.keys()
  }

  hasAny(group: string): boolean {
    return this.#groups.has(group)
  }

  ofTopic(group: string, topic: string): Iterable<readonly [partition: number, offset: CommittedOffset]> {
    return this.#groups.get(group)?.get(topic)?.entries() ?? []
  }

  /** An open transaction has committed a position here. */
  isPending(group: string, topic: string, partition: number): boolean {
    return this.#pending.has(group, topic, partition)
  }

  hasPending(group: string): boolean {
    return this.#pending.hasGroup(group)
  }

  /** Positions of the group that only open transactions know. */
  pendingOf(group: string): Iterable<readonly [topic: string, partition: number]> {
    return this.#pending.of(group)
  }

  set(group: string, topic: string, partition: number, offset: CommittedOffset): void {
    let topics = this.#groups.get(group)
    if (topics === undefined) {
      topics = this.#timeline.map()
      this.#groups.set(group, topics)
    }
    let offsets = topics.get(topic)
    if (offsets === undefined) {
      offsets = this.#timeline.map()
      topics.set(topic, offsets)
    }
    if (!offsets.has(partition)) this.#count++
    offsets.set(partition, offset)
    this.#pending.overtaken(group, topic, partition)
  }

  setPending(
    producerId: number,
    group: string,
    topic: string,
    partition: number,
    offset: CommittedOffset,
  ): void {
    this.#pending.set(producerId, { group, topic, partition, offset, overtaken: false })
  }

  delete(group: string, topic: string, partition: number): void {
    this.#pending.delete(group, topic, partition)
    const topics = this.#groups.get(group)
    const offsets = topics?.get(topic)
    if (topics === undefined || offsets === undefined || !offsets.has(partition)) return
    this.#count--
    offsets.delete(partition)
    if (offsets.size > 0) return
    topics.delete(topic)
    if (topics.size === 0) this.#groups.delete(group)
  }

  endTransaction(producerId: number, outcome: 'commit' | 'abort'): void {
    for (const { group, topic, partition, offset, overtaken } of this.#pending.take(producerId)) {
      if (outcome === 'commit' && !overtaken) this.set(group, topic, partition, offset)
    }
  }
}

interface PendingOffset {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: CommittedOffset
  /** Somebody committed outside the transaction meanwhile: that record is the younger one. */
  overtaken: boolean
}

/** Positions of open transactions; there are few. */
class PendingOffsets {
  readonly #byProducer = new Map<number, Map<string, PendingOffset>>()
  readonly #producersByGroup = new Map<string, Set<number>>()

  set(producerId: number, pending: PendingOffset): void {
    let offsets = this.#byProducer.get(producerId)
    if (offsets === undefined) {
      offsets = new Map()
      this.#byProducer.set(producerId, offsets)
    }
    offsets.set(placeOf(pending.group, pending.topic, pending.partition), pending)
    const producers = this.#producersByGroup.get(pending.group)
    if (producers === undefined) this.#producersByGroup.set(pending.group, new Set([producerId]))
    else producers.add(producerId)
  }

  hasGroup(group: string): boolean {
    return this.#producersByGroup.has(group)
  }

  has(group: string, topic: string, partition: number): boolean {
    return [...this.#at(group, topic, partition)].length > 0
  }

  *of(group: string): Iterable<readonly [topic: string, partition: number]> {
    for (const producerId of this.#producersByGroup.get(group) ?? []) {
      for (const pending of this.#byProducer.get(producerId)?.values() ?? []) {
        if (pending.group === group) yield [pending.topic, pending.partition]
      }
    }
  }

  overtaken(group: string, topic: string, partition: number): void {
    if (this.#producersByGroup.size === 0) return
    for (const { pending } of this.#at(group, topic, partition)) pending.overtaken = true
  }

  delete(group: string, topic: string, partition: number): void {
    if (this.#producersByGroup.size === 0) return
    for (const { producerId } of this.#at(group, topic, partition)) {
      this.#byProducer.get(producerId)?.delete(placeOf(group, topic, partition))
      this.#forgetIfEmpty(producerId, group)
    }
  }

  take(producerId: number): readonly PendingOffset[] {
    const taken = [...(this.#byProducer.get(producerId)?.values() ?? [])]
    this.#byProducer.delete(producerId)
    for (const { group } of taken) this.#forgetIfEmpty(producerId, group)
    return taken
  }

  *#at(
    group: string,
    topic: string,
    partition: number,
  ): Iterable<{ producerId: number; pending: PendingOffset }> {
    const place = placeOf(group, topic, partition)
    for (const producerId of this.#producersByGroup.get(group) ?? []) {
      const pending = this.#byProducer.get(producerId)?.get(place)
      if (pending !== undefined) yield { producerId, pending }
    }
  }

  #forgetIfEmpty(producerId: number, group: string): void {
    const offsets = this.#byProducer.get(producerId)
    if (offsets !== undefined) for (const pending of offsets.values()) if (pending.group === group) return
    if (offsets?.size === 0) this.#byProducer.delete(producerId)
    const producers = this.#producersByGroup.get(group)
    producers?.delete(producerId)
    if (producers?.size === 0) this.#producersByGroup.delete(group)
  }
}

function placeOf(group: string, topic: string, partition: number): string {
  return `${partition}/${topic.length}:${topic}/${group}`
}
