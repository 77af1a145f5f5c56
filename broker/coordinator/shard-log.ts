import type { ErrorName } from '../../protocol/index.ts'
import { assert } from '../../runtime/assert.ts'
import type { Partition } from '../replication/partition.ts'

/** What a shard needs of the partition that it replays and writes. */
export interface ShardLog {
  readonly topic: string
  readonly partition: number
  readonly startOffset: number
  /** Exclusive end of what can be read. */
  readonly endOffset: number
  /** Exclusive end of what is replicated. */
  readonly committedOffset: number
  /** The largest batch that the topic takes. */
  readonly mostBatchBytes: number
  /** Why nothing can be appended just now; null when it can. */
  refusal(): ErrorName | null
  /** The batch is changed in place. */
  append(
    batch: Buffer,
  ): { readonly endOffset: number } | { readonly error: ErrorName; readonly message: string }
  /** Whole batches from the one that contains `offset` on, and perhaps a part of another. At least one while there is one. */
  read(offset: number, maxBytes: number): Promise<Buffer>
  /** `moved` is called at the end of a turn in which more was committed, or the role or the disk was lost. */
  watch(moved: () => void): () => void
}

export class PartitionShardLog implements ShardLog {
  readonly #replica: Partition

  constructor(replica: Partition) {
    this.#replica = replica
  }

  get topic(): string {
    return this.#replica.topic
  }

  get partition(): number {
    return this.#replica.index
  }

  get startOffset(): number {
    return this.#replica.log.logStartOffset
  }

  get endOffset(): number {
    return this.#replica.log.logEndOffset
  }

  get committedOffset(): number {
    return this.#replica.log.highWatermark
  }

  get mostBatchBytes(): number {
    const { settings } = this.#replica
    return Math.min(settings['max.message.bytes'], settings['segment.bytes'])
  }

  refusal(): ErrorName | null {
    if (this.#replica.isOffline) return 'KAFKA_STORAGE_ERROR'
    if (!this.#replica.isLeader) return 'NOT_LEADER_OR_FOLLOWER'
    return this.#replica.isUnderMinInsyncReplicas ? 'NOT_ENOUGH_REPLICAS' : null
  }

  append(
    batch: Buffer,
  ): { readonly endOffset: number } | { readonly error: ErrorName; readonly message: string } {
    const outcome = this.#replica.append(batch, { acks: -1, origin: 'coordinator' })
    if (outcome.kind === 'refused') return outcome
    assert(outcome.kind === 'appended', 'A batch without sequence numbers is never a duplicate.')
    return { endOffset: outcome.lastOffset + 1 }
  }

  async read(offset: number, maxBytes: number): Promise<Buffer> {
    const { log } = this.#replica
    const found = log.read({ offset, maxBytes, minOneBatch: true, upTo: log.logEndOffset })
    if ('error' in found)
      throw new Error(`Offset ${offset} of ${log.topic}-${log.partition} cannot be read: ${found.error}.`)
    return found.load()
  }

  watch(moved: () => void): () => void {
    const watcher = { partitionMoved: moved }
    this.#replica.watch(watcher)
    return () => this.#replica.unwatch(watcher)
  }
}
