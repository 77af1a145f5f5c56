import type { ShardLog } from '../../broker/coordinator/shard-log.ts'
import { batchesOf, type ErrorName, RecordBatchView } from '../../protocol/index.ts'

/** A coordinator's partition in memory. What is appended is committed at once, or when the test says so. */
export class FakeShardLog implements ShardLog {
  readonly topic = '__consumer_offsets'
  readonly partition: number
  readonly batches: Buffer[] = []
  startOffset = 0
  endOffset = 0
  committedOffset = 0
  mostBatchBytes = 1_048_588
  /** Asked before records are taken. */
  refuses: ErrorName | null = null
  /** Not asked: what an append comes back with all the same. */
  failsAppends: ErrorName | null = null
  commitsAtOnce = true
  readFailure: Error | undefined
  /** Offsets read at most at a time, so that a load takes several reads. */
  #watchers = new Set<() => void>()

  constructor(partition = 0) {
    this.partition = partition
  }

  refusal(): ErrorName | null {
    return this.refuses
  }

  append(
    batch: Buffer,
  ): { readonly endOffset: number } | { readonly error: ErrorName; readonly message: string } {
    if (this.failsAppends !== null) return { error: this.failsAppends, message: 'The test says so.' }
    const view = new RecordBatchView(batch)
    view.setBaseOffset(this.endOffset)
    this.batches.push(batch)
    this.endOffset = view.nextOffset
    if (this.commitsAtOnce) this.commit()
    return { endOffset: this.endOffset }
  }

  async read(offset: number, maxBytes: number): Promise<Buffer> {
    if (this.readFailure !== undefined) throw this.readFailure
    const from = this.batches.findIndex(batch => new RecordBatchView(batch).nextOffset > offset)
    const found: Buffer[] = []
    let size = 0
    for (const batch of from < 0 ? [] : this.batches.slice(from)) {
      if (found.length > 0 && size + batch.length > maxBytes) break
      found.push(batch)
      size += batch.length
    }
    return Buffer.concat(found)
  }

  watch(moved: () => void): () => void {
    this.#watchers.add(moved)
    return () => this.#watchers.delete(moved)
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0
  }

  /** Everything up to `offset`, or all there is, is replicated. */
  commit(offset = this.endOffset): void {
    this.committedOffset = offset
    this.moved()
  }

  moved(): void {
    for (const watcher of this.#watchers) watcher()
  }

  /** The same bytes under a new leader. */
  reopened(): FakeShardLog {
    const log = new FakeShardLog(this.partition)
    for (const batch of this.batches) log.batches.push(Buffer.from(batch))
    log.endOffset = this.endOffset
    log.committedOffset = this.committedOffset
    return log
  }

  get views(): RecordBatchView[] {
    return this.batches.flatMap(batch => [...batchesOf(batch)])
  }
}
