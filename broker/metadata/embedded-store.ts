import { Writer } from '../../protocol/index.ts'
import { type Deferred, deferred } from '../../runtime/deferred.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Disk } from '../log/disk.ts'
import { checkTransaction } from './check-transaction.ts'
import { applyOperation, EmbeddedFiles } from './embedded-files.ts'
import {
  beginFrame,
  encodeTransaction,
  endFrame,
  type LoggedOperation,
  type LoggedTransaction,
} from './embedded-format.ts'
import { EmbeddedLeases } from './embedded-leases.ts'
import { EmbeddedWatches } from './embedded-watches.ts'
import {
  type CommitResult,
  type Lease,
  LeaseLost,
  type MetadataStore,
  OutcomeUnknown,
  type StoreEntry,
  type StoreEvent,
  type StoreGet,
  type StoreRead,
  StoreUnavailable,
  type Transaction,
  type Watch,
  type Watcher,
} from './metadata-store.ts'

/**
 * The metadata store of a cluster that has one machine: all entries in memory, a write-ahead log and snapshots in a
 * directory of its own.
 *
 * A commit is decided and applied in memory at once, in the order of the calls, and answered when its log frame is
 * on the disk. One frame carries all commits that came while the one before was synced. Readers and watchers see
 * nothing that is not on the disk.
 *
 * Leases live with the process: opening the store ends those of the process that had it before, so that a restart
 * does not wait for them to run out.
 */
export class EmbeddedStore implements MetadataStore {
  readonly #files: EmbeddedFiles
  readonly #logger: Logger
  readonly #snapshotAfterBytes: number
  readonly #entries: Map<string, StoreEntry>
  readonly #watches: EmbeddedWatches
  readonly #leases: EmbeddedLeases
  /** Of the state in memory; runs ahead of the disk by what is staged. */
  #revision: number
  #staged: StagedTransaction[] = []
  #flushing: Promise<void> | undefined
  #snapshot: Promise<void> | undefined
  #snapshotDueAtBytes: number
  #refusal: Error | undefined
  #closing: Promise<void> | undefined

  private constructor(options: EmbeddedStoreOptions, opened: Awaited<ReturnType<typeof EmbeddedFiles.open>>) {
    this.#files = opened.files
    this.#entries = opened.entries
    this.#revision = opened.revision
    this.#logger = options.logger
    this.#snapshotAfterBytes = options.snapshotAfterBytes ?? defaultSnapshotAfterBytes
    this.#snapshotDueAtBytes = this.#snapshotAfterBytes
    this.#watches = new EmbeddedWatches(opened.revision)
    this.#leases = new EmbeddedLeases(options.clock, `${opened.revision}`, lease =>
      this.#deleteBoundTo(lease),
    )
  }

  /**
   * Loads what is in the directory, or begins an empty store there. Throws with a sentence when another process has
   * it open, when the disk fails, and when what is there was damaged (a torn end is cut off, not refused).
   */
  static async open(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
    const opened = await EmbeddedFiles.open(options.disk, options.directory, options.logger)
    const store = new EmbeddedStore(options, opened)
    const leases = new Set<string>()
    for (const { lease } of opened.entries.values()) if (lease !== null) leases.add(lease)
    await Promise.all(Array.from(leases, lease => store.#deleteBoundTo(lease)))
    return store
  }

  async read(prefix: string): Promise<StoreRead> {
    await this.#untilFlushed()
    const entries: StoreEntry[] = []
    for (const entry of this.#entries.values()) if (entry.key.startsWith(prefix)) entries.push(entry)
    entries.sort(byKey)
    return { revision: this.#revision, entries }
  }

  async get(key: string): Promise<StoreGet> {
    await this.#untilFlushed()
    return { revision: this.#revision, entry: this.#entries.get(key) }
  }

  // Not `async`: a commit takes its place in the order before the call returns.
  commit(transaction: Transaction): Promise<CommitResult> {
    checkTransaction(transaction)
    if (this.#refusal !== undefined) return Promise.reject(unavailable(this.#refusal))
    const lost = transaction.put?.find(put => put.lease !== undefined && !this.#leases.has(put.lease))
    if (lost !== undefined) return Promise.reject(new LeaseLost(`The lease for ${lost.key} is gone.`))
    if (!this.#holds(transaction))
      return this.#untilFlushed().then(() => ({ ok: false, revision: this.#revision }))
    if (this.#staged.length >= mostStaged) {
      return Promise.reject(new StoreUnavailable(`${mostStaged} commits wait for the disk already.`))
    }
    const operations = loggedOperations(transaction, this.#entries)
    if (operations.length === 0)
      return this.#untilFlushed().then(() => ({ ok: true, revision: this.#revision }))
    return this.#stage(operations)
  }

  watch(prefix: string, fromRevision: number, watcher: Watcher): Watch {
    return this.#watches.add(prefix, fromRevision, watcher)
  }

  lease(ttlMs: number): Promise<Lease> {
    if (this.#refusal !== undefined) return Promise.reject(unavailable(this.#refusal))
    return Promise.resolve(this.#leases.grant(ttlMs))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#leases.close()
    this.#refusal ??= new Error('The metadata store is closed.')
    this.#files.stopSnapshot()
    await this.#flushing
    await this.#snapshot
    this.#watches.end(this.#refusal)
    this.#files.close()
  }

  #holds({ compare = [] }: Transaction): boolean {
    return compare.every(condition => {
      const entry = this.#entries.get(condition.key)
      if ('modRevision' in condition) return (entry?.modRevision ?? 0) === condition.modRevision
      return (entry?.createRevision ?? 0) === condition.createRevision
    })
  }

  #stage(operations: readonly LoggedOperation[]): Promise<CommitResult> {
    this.#revision++
    const logged: LoggedTransaction = { revision: this.#revision, operations }
    const undo = operations.map(({ key }) => ({ key, entry: this.#entries.get(key) }))
    const events = operations.map(operation => applied(this.#entries, operation, logged.revision))
    const outcome = deferred<CommitResult>()
    this.#staged.push({ logged, events, undo, outcome })
    this.#flushing ??= this.#flushAll()
    return outcome.promise
  }

  async #flushAll(): Promise<void> {
    try {
      while (this.#staged.length > 0) {
        // The rest of the turn may bring more commits; they share this flush.
        await Promise.resolve()
        const batch = this.#staged
        this.#staged = []
        await this.#flush(batch)
      }
    } finally {
      this.#flushing = undefined
    }
  }

  async #flush(batch: readonly StagedTransaction[]): Promise<void> {
    const snapshot = this.#wantsSnapshot() ? [...this.#entries.values()] : undefined
    const revision = this.#revision
    try {
      this.#files.append(encodeFrame(batch))
    } catch (error) {
      this.#undo(batch, error)
      return
    }
    try {
      await this.#files.sync()
    } catch (error) {
      this.#fail(batch, error)
      return
    }
    for (const { logged, events, outcome } of batch) {
      this.#watches.changed(logged.revision, events)
      outcome.resolve({ ok: true, revision: logged.revision })
    }
    if (snapshot !== undefined) await this.#beginSnapshot(revision, snapshot)
  }

  /** The log refused the frame and is as it was before: so is the memory, and nothing happened. */
  #undo(batch: readonly StagedTransaction[], cause: unknown): void {
    this.#logger.error({ err: cause }, 'The metadata store could not write; the changes were refused.')
    // Nothing was staged since the batch was taken: there was no await in between.
    for (const { undo } of batch.toReversed()) {
      for (const { key, entry } of undo) {
        if (entry === undefined) this.#entries.delete(key)
        else this.#entries.set(key, entry)
      }
    }
    this.#revision -= batch.length
    for (const { outcome } of batch) outcome.reject(unavailable(cause))
  }

  /** After a failed sync nobody knows what the disk holds: the store takes no more commits until it is opened anew. */
  #fail(batch: readonly StagedTransaction[], cause: unknown): void {
    this.#refusal ??= new Error('The metadata store stopped after its disk failed.', { cause })
    this.#logger.error({ err: cause }, 'The metadata store stopped: its log could not be synced.')
    const unsent = this.#staged
    this.#staged = []
    for (const { outcome } of batch) {
      outcome.reject(new OutcomeUnknown('The disk failed while the change was synced.', { cause }))
    }
    for (const { outcome } of unsent) outcome.reject(unavailable(this.#refusal))
    this.#watches.end(this.#refusal)
  }

  #wantsSnapshot(): boolean {
    return this.#snapshot === undefined && this.#files.loggedBytes > this.#snapshotDueAtBytes
  }

  /** Later frames go to a new log file; the snapshot is written beside them and then replaces the older files. */
  async #beginSnapshot(revision: number, entries: StoreEntry[]): Promise<void> {
    // Should it fail, the next try comes when as much again was logged.
    this.#snapshotDueAtBytes = this.#files.loggedBytes + this.#snapshotAfterBytes
    try {
      await this.#files.beginLog(revision)
    } catch (error) {
      this.#logger.error(
        { err: error },
        'The metadata store goes on with its old log file: a new one could not be made.',
      )
      return
    }
    this.#snapshot = this.#writeSnapshot(revision, entries).finally(() => {
      this.#snapshot = undefined
    })
  }

  async #writeSnapshot(revision: number, entries: StoreEntry[]): Promise<void> {
    try {
      await this.#files.writeSnapshot(revision, entries.sort(byKey))
      this.#snapshotDueAtBytes = this.#snapshotAfterBytes
    } catch (error) {
      this.#logger.error(
        { err: error },
        'The metadata store could not write a snapshot; its log keeps growing.',
      )
    }
  }

  async #untilFlushed(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing
    if (this.#refusal !== undefined) throw unavailable(this.#refusal)
  }

  /** Deletes the keys bound to a lease that has ended. */
  async #deleteBoundTo(lease: string): Promise<void> {
    const bound: string[] = []
    for (const entry of this.#entries.values()) if (entry.lease === lease) bound.push(entry.key)
    if (bound.length > 0) await this.commit({ delete: bound })
  }
}

export interface EmbeddedStoreOptions {
  /** Made when it does not exist; holds nothing but this store. */
  readonly directory: string
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  /** Logged bytes after which a snapshot is written. */
  readonly snapshotAfterBytes?: number
}

/** About twice the size of ten thousand partitions; replaying it takes some tens of milliseconds. */
const defaultSnapshotAfterBytes = 4 * 1024 * 1024

const mostStaged = 10_000

interface StagedTransaction {
  readonly logged: LoggedTransaction
  readonly events: readonly StoreEvent[]
  /** The entries before the transaction. */
  readonly undo: readonly { readonly key: string; readonly entry: StoreEntry | undefined }[]
  readonly outcome: Deferred<CommitResult>
}

/** Deleting what is not there is nothing to log. */
function loggedOperations(
  { put = [], delete: deletions = [] }: Transaction,
  entries: ReadonlyMap<string, StoreEntry>,
): LoggedOperation[] {
  const operations: LoggedOperation[] = []
  for (const { key, value, lease } of put) operations.push({ kind: 'put', key, value, lease: lease ?? null })
  for (const key of deletions) if (entries.has(key)) operations.push({ kind: 'delete', key })
  return operations
}

function applied(entries: Map<string, StoreEntry>, operation: LoggedOperation, revision: number): StoreEvent {
  const entry = applyOperation(entries, operation, revision)
  return entry === undefined ? { kind: 'delete', key: operation.key } : { kind: 'put', entry }
}

function encodeFrame(batch: readonly StagedTransaction[]): Buffer {
  const writer = new Writer(4096)
  const start = beginFrame(writer)
  for (const { logged } of batch) encodeTransaction(writer, logged)
  endFrame(writer, start)
  return writer.finish()
}

function byKey(left: StoreEntry, right: StoreEntry): number {
  return left.key < right.key ? -1 : 1
}

function unavailable(cause: unknown): StoreUnavailable {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StoreUnavailable(`The metadata store did not take the change: ${reason}`, { cause })
}
