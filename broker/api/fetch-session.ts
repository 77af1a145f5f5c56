import type { ErrorName, Uuid } from '../../protocol/index.ts'
import type { Partition, PartitionWatcher } from '../replication/partition.ts'

/**
 * What one client fetches, as its session remembers it. A request reads only the partitions that may have something new to
 * say: those that moved since they were read last, that the client asks for from elsewhere, that have more, or that fail. So
 * what a fetch costs depends on how many partitions are busy, not on how many there are. From time to time all are read.
 */
export class FetchSession {
  readonly id: number
  readonly usesTopicIds: boolean
  readonly isFollower: boolean
  readonly createdMs: number
  readonly heartbeat: Heartbeat
  readonly partitions: Map<string, FetchedPartition>
  epoch = 1
  lastUsedMs: number
  /** In the order in which they are to be read. */
  readonly #busy = new Set<FetchedPartition>()
  readonly #waiting = new Set<() => void>()
  #readAllAtMs: number
  #readUpTo: string

  constructor(options: {
    readonly id: number
    readonly usesTopicIds: boolean
    readonly isFollower: boolean
    readonly readUpTo: string
    readonly partitions: Map<string, FetchedPartition>
    readonly heartbeat: Heartbeat
    readonly nowMs: number
  }) {
    this.id = options.id
    this.usesTopicIds = options.usesTopicIds
    this.isFollower = options.isFollower
    this.partitions = options.partitions
    this.heartbeat = options.heartbeat
    this.createdMs = options.nowMs
    this.lastUsedMs = options.nowMs
    this.#readAllAtMs = options.nowMs + readAllEveryMs
    this.#readUpTo = options.readUpTo
    for (const partition of this.partitions.values()) partition.session = this
  }

  /** What the next answer is made of. */
  get busy(): Iterable<FetchedPartition> {
    return this.#busy
  }

  ask(key: string, asked: FetchedPartition): void {
    const known = this.partitions.get(key)
    if (known === undefined) {
      this.partitions.set(key, asked)
      asked.session = this
      this.#busy.add(asked)
    } else {
      known.askFrom(asked)
      this.#busy.add(known)
    }
  }

  forget(key: string): FetchedPartition | undefined {
    const partition = this.partitions.get(key)
    if (partition === undefined) return undefined
    this.partitions.delete(key)
    this.#busy.delete(partition)
    partition.watch(undefined)
    return partition
  }

  begin(nowMs: number, readUpTo: string): void {
    this.lastUsedMs = nowMs
    if (nowMs < this.#readAllAtMs && readUpTo === this.#readUpTo) return
    this.#readAllAtMs = nowMs + readAllEveryMs
    this.#readUpTo = readUpTo
    for (const partition of this.partitions.values()) this.#busy.add(partition)
  }

  /** What was read is sent: it counts as told. */
  told(results: readonly SessionResult[], isIncluded: (result: SessionResult) => boolean): void {
    for (const result of results) {
      const { partition } = result
      partition.watch(result.replica)
      if (isSettled(result)) this.#busy.delete(partition)
      else this.#busy.add(partition)
      if (!isIncluded(result)) continue
      partition.remember(result)
      // What delivered data goes to the end of the order, so that no partition starves.
      if (result.recordsLength > 0 && this.#busy.delete(partition)) this.#busy.add(partition)
    }
  }

  moved(partition: FetchedPartition): void {
    this.#busy.add(partition)
    for (const listener of this.#waiting) listener()
  }

  /** `listener` is called when a partition of the session has moved; the answer ends that. */
  onMoved(listener: () => void): () => void {
    this.#waiting.add(listener)
    return () => this.#waiting.delete(listener)
  }

  close(): void {
    for (const partition of this.partitions.values()) partition.watch(undefined)
  }
}

const readAllEveryMs = 5000

/** When a follower fetched last with this session; shared by what its leaders know of it. */
export interface Heartbeat {
  fetchedAtMs: number
}

/** One partition as a client asked for it, with what the last answer said about it. */
export class FetchedPartition implements PartitionWatcher {
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
  toldHighWatermark = -1
  toldLogStartOffset = -1
  session: FetchSession | undefined
  #watched: WatchedReplica | undefined

  constructor(topic: string, topicId: Uuid, asked: AskedPartition) {
    this.topic = topic
    this.topicId = topicId
    this.index = asked.partition
    this.fetchOffset = asked.fetchOffset
    this.maxBytes = asked.partitionMaxBytes
    this.currentLeaderEpoch = asked.currentLeaderEpoch
    this.lastFetchedEpoch = asked.lastFetchedEpoch
    this.logStartOffset = asked.logStartOffset
  }

  partitionMoved(): void {
    this.session?.moved(this)
  }

  askFrom(asked: FetchedPartition): void {
    this.fetchOffset = asked.fetchOffset
    this.maxBytes = asked.maxBytes
    this.currentLeaderEpoch = asked.currentLeaderEpoch
    this.lastFetchedEpoch = asked.lastFetchedEpoch
    this.logStartOffset = asked.logStartOffset
  }

  watch(replica: WatchedReplica | undefined): void {
    if (replica === this.#watched) return
    this.#watched?.unwatch(this)
    this.#watched = replica
    replica?.watch(this)
  }

  /** An error is told every time, and the recovery from it too: so nothing counts as told. */
  remember(result: SessionResult): void {
    const failed = result.error !== 'NONE'
    this.toldHighWatermark = failed ? -1 : result.highWatermark
    this.toldLogStartOffset = failed ? -1 : result.logStartOffset
  }
}

type WatchedReplica = Pick<Partition, 'watch' | 'unwatch'>

export interface AskedPartition {
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  readonly lastFetchedEpoch: number
  readonly logStartOffset: number
  readonly partitionMaxBytes: number
}

/** What reading one partition gave, as far as sessions care. */
export interface SessionResult {
  readonly partition: FetchedPartition
  /** Which tells when there is something new; undefined where none was found. */
  readonly replica: WatchedReplica | undefined
  readonly error: ErrorName
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly recordsLength: number
  /** There is more to read than was read, or something that is not told by the replica may change. */
  readonly isUnfinished: boolean
  readonly diverges: boolean
  readonly preferredReadReplica: number
}

export function saysSomethingNew(result: SessionResult): boolean {
  return (
    result.recordsLength > 0 ||
    result.error !== 'NONE' ||
    result.highWatermark !== result.partition.toldHighWatermark ||
    result.logStartOffset !== result.partition.toldLogStartOffset ||
    result.diverges ||
    result.preferredReadReplica >= 0
  )
}

/** Nothing is to be read until the replica moves or the client asks from elsewhere. */
function isSettled(result: SessionResult): boolean {
  const { replica, error, isUnfinished, diverges, preferredReadReplica } = result
  return replica !== undefined && error === 'NONE' && !isUnfinished && !diverges && preferredReadReplica < 0
}
