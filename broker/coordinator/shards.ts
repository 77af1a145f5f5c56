import type { CompressionType, ErrorName } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { Partition } from '../replication/partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import { coordinatorPartition } from './locate.ts'
import type { ShardKind } from './shard-kind.ts'
import { PartitionShardLog } from './shard-log.ts'
import { Shard } from './shard.ts'

/**
 * The shards of one internal topic that this broker leads. They come and go with leadership, as the metadata image
 * tells; a shard of an older leader epoch is never used again.
 */
export class Shards<State, Entry> {
  readonly topic: string
  readonly #options: ShardsOptions<State, Entry>
  readonly #shards = new Map<number, { readonly shard: Shard<State, Entry>; readonly replica: Partition }>()
  #partitionCount = 0
  #closed = false

  constructor(options: ShardsOptions<State, Entry>) {
    this.topic = options.topic
    this.#options = options
  }

  /** Called with the first image and with every later one, after the replicas have taken their roles from it. */
  apply(image: MetadataImage): void {
    if (this.#closed) return
    const partitions = image.topicsByName.get(this.topic)?.partitions ?? []
    this.#partitionCount = partitions.length
    for (const index of this.#shards.keys()) if (index >= partitions.length) this.#close(index)
    for (const [index, state] of partitions.entries()) {
      const existing = this.#shards.get(index)
      const replica =
        state.leader === this.#options.brokerId ? this.#options.partitions.get(this.topic, index) : undefined
      if (existing !== undefined) {
        if (existing.replica === replica && existing.shard.epoch === state.leaderEpoch) continue
        this.#close(index)
      }
      if (replica !== undefined && replica.isLeader) this.#open(index, replica, state.leaderEpoch)
    }
  }

  /** The shard that `key` belongs to, or why a client does not find it here. */
  forKey(key: string): Shard<State, Entry> | ErrorName {
    if (this.#closed || this.#partitionCount === 0) return 'COORDINATOR_NOT_AVAILABLE'
    const found = this.#shards.get(coordinatorPartition(key, this.#partitionCount))
    return found === undefined ? 'NOT_COORDINATOR' : found.shard
  }

  /** The shard of a partition of the internal topic. */
  at(partition: number): Shard<State, Entry> | undefined {
    return this.#shards.get(partition)?.shard
  }

  *all(): Iterable<Shard<State, Entry>> {
    for (const { shard } of this.#shards.values()) yield shard
  }

  /** Before the log directories close. */
  close(): void {
    this.#closed = true
    for (const index of this.#shards.keys()) this.#close(index)
  }

  #open(index: number, replica: Partition, epoch: number): void {
    const { kind, clock, turn, logger, writeTimeoutMs, loadSliceBytes, compression } = this.#options
    const log = new PartitionShardLog(replica)
    const shard = new Shard({
      kind,
      log,
      epoch,
      clock,
      turn,
      logger,
      writeTimeoutMs,
      loadSliceBytes,
      compression,
    })
    this.#shards.set(index, { shard, replica })
  }

  #close(index: number): void {
    const found = this.#shards.get(index)
    this.#shards.delete(index)
    found?.shard.close()
  }
}

export interface ShardsOptions<State, Entry> {
  readonly topic: string
  readonly brokerId: number
  readonly kind: ShardKind<State, Entry>
  readonly partitions: Pick<Partitions, 'get'>
  readonly clock: Clock
  readonly turn: EndOfTurn
  readonly logger: Logger
  readonly writeTimeoutMs: () => number
  readonly loadSliceBytes: () => number
  readonly compression: () => CompressionType
}
