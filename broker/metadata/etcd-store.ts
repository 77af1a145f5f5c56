import { setImmediate as endOfTurn } from 'node:timers/promises'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { QueueRefused, SerialQueue } from '../../runtime/serial-queue.ts'
import { checkTransaction } from './check-transaction.ts'
import { EtcdClient, type EtcdConnection } from './etcd-client.ts'
import { Compacted } from './etcd-failures.ts'
import { EtcdHistory, type HistoryFile } from './etcd-history.ts'
import { EtcdLeases } from './etcd-lease.ts'
import { EtcdKeys, keyAfter, type RangeAnswer, revisionOf, type TxnAnswer } from './etcd-messages.ts'
import { EtcdStats } from './etcd-stats.ts'
import { EtcdWatch } from './etcd-watch.ts'
import {
  type CommitResult,
  type Lease,
  type MetadataStore,
  type StoreEntry,
  type StoreGet,
  type StoreRead,
  StoreUnavailable,
  type Transaction,
  type Watch,
  type Watcher,
} from './metadata-store.ts'

/**
 * The metadata store of a cluster of several machines: all keys below `<prefix>/<cluster uid>/` of an etcd, 3.4 or
 * later, which may hold other things.
 *
 * Every read is one that the members agree on. Commits go one after the other, in the order of the calls; each has
 * the request timeout, counted from its call.
 */
export class EtcdStore implements MetadataStore {
  readonly stats = new EtcdStats()
  readonly #options: EtcdStoreOptions
  readonly #keys: EtcdKeys
  readonly #history: EtcdHistory
  readonly #client: EtcdClient
  readonly #leases: EtcdLeases
  readonly #watches = new Set<EtcdWatch>()
  readonly #commits = new SerialQueue(mostQueuedCommits)
  /** The keys that the last read of everything found, until a watch takes them over. */
  #lastRead: { readonly revision: number; readonly keys: Set<string> } | undefined
  #refusal: Error | undefined
  #closing: Promise<void> | undefined

  private constructor(options: EtcdStoreOptions) {
    const { clock, random, logger, connection, prefix, clusterUid, historyFile } = options
    this.#options = options
    this.#keys = new EtcdKeys(prefix, clusterUid)
    this.#history = new EtcdHistory({
      clock,
      logger,
      restoredKey: this.#keys.full(restoredKey).toString(),
      ...(historyFile === undefined ? {} : { file: historyFile }),
    })
    this.#client = new EtcdClient({
      connection,
      clock,
      random,
      logger,
      history: this.#history,
      stats: this.stats,
      onRestored: refusal => this.#refuse(refusal),
    })
    this.#leases = new EtcdLeases({
      client: this.#client,
      stats: this.stats,
      clock,
      requestTimeoutMs: connection.requestTimeoutMs,
      confirm: timeoutMs => this.#revision(timeoutMs),
    })
  }

  /**
   * Throws StoreUnavailable with a sentence when etcd does not answer, does not let us in, or is not the one that
   * this broker knew (StoreRestored). Trying again later is then right.
   */
  static async open(options: EtcdStoreOptions): Promise<EtcdStore> {
    const store = new EtcdStore(options)
    try {
      await store.#meet()
    } catch (error) {
      await store.close()
      throw error
    }
    return store
  }

  /** The latest revision that etcd told of. */
  get knownRevision(): number {
    return this.#history.revision
  }

  /** The revision up to which watchers were told everything; undefined while nobody watches. */
  get toldRevision(): number | undefined {
    let least: number | undefined
    for (const { toldRevision } of this.#watches) least = Math.min(least ?? toldRevision, toldRevision)
    return least
  }

  async read(prefix: string): Promise<StoreRead> {
    for (;;) {
      try {
        const result = await this.#readPages(prefix)
        if (prefix === '') {
          this.#lastRead = { revision: result.revision, keys: new Set(result.entries.map(({ key }) => key)) }
        }
        return result
      } catch (error) {
        // The revision was compacted between two pages: a newer one is there.
        if (!(error instanceof Compacted)) throw error
      }
    }
  }

  async get(key: string): Promise<StoreGet> {
    const { header, kvs } = await this.#range({ key: this.#keys.full(key) })
    const kv = kvs[0]
    return {
      revision: revisionOf(header.revision),
      entry: kv === undefined ? undefined : this.#keys.entry(kv),
    }
  }

  // Not `async`: a commit takes its place in the order before the call returns.
  commit(transaction: Transaction): Promise<CommitResult> {
    checkTransaction(transaction)
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal)
    const { clock, connection } = this.#options
    const deadline = clock.monotonicMs() + connection.requestTimeoutMs
    const request = this.#keys.transaction(transaction)
    return this.#commits
      .run(() => this.#commit(request, deadline))
      .catch((error: unknown) => {
        if (error instanceof QueueRefused) throw new StoreUnavailable(`etcd is too slow: ${error.message}`)
        throw error
      })
  }

  watch(prefix: string, fromRevision: number, watcher: Watcher): Watch {
    const { clock, random, logger, connection } = this.#options
    const known = this.#lastRead
    this.#lastRead = undefined
    const watch = new EtcdWatch({
      client: this.#client,
      history: this.#history,
      keys: this.#keys,
      stats: this.stats,
      clock,
      random,
      logger,
      requestTimeoutMs: connection.requestTimeoutMs,
      prefix,
      fromRevision,
      keysBefore: known?.revision === fromRevision - 1 ? known.keys : undefined,
      watcher,
      isOwn,
      confirm: () => this.#revision(),
      tick: () => this.commit({ put: [{ key: progressKey, value: '' }] }),
      readAll: () => this.#readPages(''),
      onRestored: refusal => this.#refuse(refusal),
    })
    if (this.#refusal === undefined) this.#watches.add(watch)
    else queueMicrotask(() => watch.end(this.#refusal ?? new Error('The store is closed.')))
    return {
      requestProgress: () => watch.requestProgress(),
      cancel: () => {
        this.#watches.delete(watch)
        watch.cancel()
      },
    }
  }

  async lease(ttlMs: number): Promise<Lease> {
    if (this.#refusal !== undefined) throw this.#refusal
    return this.#leases.grant(ttlMs)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#refusal === undefined) await this.#leases.close()
    this.#refuse(new StoreUnavailable('The metadata store is closed.'))
    this.#client.close()
    this.#history.close()
    await this.#commits.close()
    // Streams that were cancelled tell so once more.
    await endOfTurn()
  }

  #refuse(reason: Error): void {
    this.#refusal ??= reason
    const watches = [...this.#watches]
    this.#watches.clear()
    for (const watch of watches) watch.end(this.#refusal)
  }

  async #commit(request: object, deadline: number): Promise<CommitResult> {
    if (this.#refusal !== undefined) throw this.#refusal
    const timeoutMs = deadline - this.#options.clock.monotonicMs()
    if (timeoutMs < leastForCommitMs)
      throw new StoreUnavailable('etcd was too slow with the changes before this one.')
    const { header, succeeded } = await this.#client.call<TxnAnswer>({ ...txn, timeoutMs }, request)
    return { ok: succeeded, revision: revisionOf(header.revision) }
  }

  async #readPages(prefix: string): Promise<StoreRead> {
    const entries: StoreEntry[] = []
    const { key, range_end } = this.#keys.range(prefix)
    let from = key
    let revision = 0
    for (;;) {
      const page = await this.#range({ key: from, range_end, revision, limit: entriesPerPage })
      if (revision === 0) revision = revisionOf(page.header.revision)
      for (const kv of page.kvs) {
        const entry = this.#keys.entry(kv)
        if (!isOwn(entry.key)) entries.push(entry)
      }
      const last = page.kvs.at(-1)
      if (!page.more || last === undefined) return { revision, entries }
      from = keyAfter(last.key)
    }
  }

  #range(request: object, timeoutMs?: number): Promise<RangeAnswer> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal)
    const timed = timeoutMs === undefined ? range : { ...range, timeoutMs }
    return this.#client.call<RangeAnswer>(timed, request)
  }

  /** The store's revision now, as its members agree on it. */
  async #revision(timeoutMs?: number): Promise<number> {
    const { header } = await this.#range({ key: this.#keys.full(restoredKey) }, timeoutMs)
    return revisionOf(header.revision)
  }

  /** The first answer of all: is this the store that the broker knew? */
  async #meet(): Promise<void> {
    const first = { ...range, judged: 'not' } as const
    const { header, kvs } = await this.#client.call<RangeAnswer>(first, { key: this.#keys.full(restoredKey) })
    const acknowledgedUpTo = Number(kvs[0]?.value.toString('utf8') ?? Number.NaN)
    const refusal = this.#history.begin(header, acknowledgedUpTo)
    if (refusal !== undefined) throw refusal
  }
}

export interface EtcdStoreOptions {
  readonly connection: EtcdConnection
  /** etcd.prefix */
  readonly prefix: string
  /** What tells this cluster's keys from those of others: without a slash. */
  readonly clusterUid: string
  /** Absent: that etcd went back is noticed only while this store is open. */
  readonly historyFile?: HistoryFile
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Written so that a watch has something to tell. */
const progressKey = 'progress'
/** Written by people: the revision up to which it is known that changes are lost. */
const restoredKey = 'restored'

function isOwn(key: string): boolean {
  return key === progressKey || key === restoredKey
}

const entriesPerPage = 2000
const mostQueuedCommits = 10_000
/** What has less time left is not sent: its outcome would most likely be unknown. */
const leastForCommitMs = 20

const range = {
  operation: 'read',
  service: 'KV',
  method: 'range',
  repeatable: true,
  judged: 'as agreed',
} as const
const txn = {
  operation: 'commit',
  service: 'KV',
  method: 'txn',
  repeatable: false,
  judged: 'as agreed',
} as const
