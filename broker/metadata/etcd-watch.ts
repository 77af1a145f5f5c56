import { backoffMs } from '../../runtime/backoff.ts'
import { type Clock, every, sleep, type Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { EtcdClient, EtcdStream } from './etcd-client.ts'
import { Compacted } from './etcd-failures.ts'
import type { EtcdHistory } from './etcd-history.ts'
import { type EtcdKeys, revisionOf, type WatchAnswer, type WatchEvent } from './etcd-messages.ts'
import type { EtcdStats } from './etcd-stats.ts'
import type { StoreEvent, StoreRead, Watch, Watcher } from './metadata-store.ts'

/**
 * One watch, for as long as its owner wants it, over as many streams as that takes. Each stream begins right after
 * what was told last: the revision of an event, or of a progress notice. (Not the revision in the answer that says
 * the stream is open: events before it are still to come.)
 *
 * The stream always carries all keys of the cluster, whatever the watch's prefix: so each of them tells of progress.
 */
export class EtcdWatch implements Watch {
  readonly #options: EtcdWatchOptions
  readonly #ending = new AbortController()
  /** All keys there are as of `#next - 1`; undefined: not known. */
  readonly #keys: Set<string> | undefined
  /** First revision not told yet. */
  #next: number
  #progress: Timer | undefined
  #silence: Timer | undefined
  readonly #lookout: Timer
  /** Where the store was, as far as known, when that was looked at last. */
  #seen = 0
  /** Gives up the stream that is open. */
  #leave: (() => void) | undefined

  constructor(options: EtcdWatchOptions) {
    this.#options = options
    this.#next = options.fromRevision
    this.#keys = options.keysBefore
    this.#lookout = every(options.clock, lookoutMs, () => this.#look())
    void this.#run()
  }

  /** The revision up to which everything was told. */
  get toldRevision(): number {
    return this.#next - 1
  }

  /**
   * When the event that is waited for does not come by itself, a small write of our own comes after all that was
   * written before it. (etcd's own answer to a request for progress may overtake events: up to 3.4.24 and 3.5.7.)
   */
  requestProgress(): void {
    if (this.#ending.signal.aborted) return
    this.#progress ??= this.#options.clock.after(progressAfterMs, () => void this.#askForProgress())
  }

  cancel(): void {
    this.#progress?.cancel()
    this.#silence?.cancel()
    this.#lookout.cancel()
    this.#ending.abort()
  }

  /** For good: the store is closed or refused. */
  end(reason: Error): void {
    if (this.#ending.signal.aborted) return
    this.cancel()
    this.#options.watcher.ended(reason)
  }

  async #run(): Promise<void> {
    const { clock, random, logger } = this.#options
    const { signal } = this.#ending
    for (let attempt = 0; !signal.aborted; attempt++) {
      const before = this.#next
      try {
        await this.#follow(() => {
          attempt = 0
        })
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof Compacted) await this.#compareAll().catch(told(logger))
        else told(logger)(error)
      }
      if (this.#next > before) attempt = 0
      await sleep(clock, backoffMs(attempt, { firstMs: 20, mostMs: 1000 }, random), signal).catch(
        () => undefined,
      )
    }
  }

  /** One stream, until it ends. Rejects with what ended it; Compacted when it cannot begin where we are. */
  async #follow(onOpen: () => void): Promise<void> {
    const { client, keys, stats } = this.#options
    const opened = await client.stream<object, WatchAnswer>('Watch', 'watch')
    const { stream, member } = opened
    if (this.#ending.signal.aborted) return stream.cancel()
    const leave = (): void => stream.cancel()
    this.#leave = leave
    this.#ending.signal.addEventListener('abort', leave, { once: true })
    const unsubscribe = client.onSuspicion(suspected => {
      if (suspected === member) leave()
    })
    try {
      stats.watchesOpened++
      stream.write({
        create_request: {
          ...keys.range(''),
          start_revision: this.#next,
          progress_notify: true,
          fragment: true,
        },
      })
      await this.#receive(opened, onOpen)
    } catch (error) {
      client.suspect(member)
      throw error
    } finally {
      stream.cancel()
      unsubscribe()
      this.#ending.signal.removeEventListener('abort', leave)
    }
  }

  #receive({ stream }: EtcdStream<object, WatchAnswer>, onOpen: () => void): Promise<void> {
    const { client, clock, history, requestTimeoutMs, confirm, onRestored } = this.#options
    return new Promise((resolve, reject) => {
      const tooLate = clock.after(requestTimeoutMs, () =>
        reject(new Error('etcd did not open the watch in time.')),
      )
      let parts: WatchEvent[] = []
      stream.on('data', (answer: WatchAnswer) => {
        if (this.#ending.signal.aborted) return
        const refusal = history.observe(answer.header)
        if (refusal !== undefined) return onRestored(refusal)
        if (answer.canceled) {
          if (answer.compact_revision !== '0')
            return reject(new Compacted('What the watch missed was compacted.'))
          client.forgetToken()
          return reject(new Error(`etcd refused the watch: ${answer.cancel_reason || 'it gave no reason'}.`))
        }
        if (answer.created) {
          tooLate.cancel()
          onOpen()
          // After every new beginning: whether this is still the store that we knew.
          confirm().catch(reject)
          return
        }
        if (answer.events.length === 0) return this.#tellProgress(revisionOf(answer.header.revision))
        parts = parts.length === 0 ? [...answer.events] : parts.concat(answer.events)
        if (answer.fragment) return
        const events = parts
        parts = []
        this.#tell(events)
      })
      stream.on('error', reject)
      stream.on('end', () => reject(new Error('etcd ended the watch.')))
      stream.on('close', () => {
        tooLate.cancel()
        resolve()
      })
    })
  }

  /** Whole revisions, in order: etcd never spreads one over two answers, fragments apart. */
  #tell(events: readonly WatchEvent[]): void {
    let from = 0
    while (from < events.length) {
      const revision = revisionOf(events[from]?.kv.mod_revision ?? '')
      let to = from + 1
      while (to < events.length && revisionOf(events[to]?.kv.mod_revision ?? '') === revision) to++
      if (revision >= this.#next)
        this.#tellOne(
          revision,
          events.slice(from, to).map(event => this.#event(event)),
        )
      if (this.#ending.signal.aborted) return
      from = to
    }
  }

  #tellOne(revision: number, events: readonly StoreEvent[]): void {
    const { prefix, isOwn, watcher } = this.#options
    this.#next = revision + 1
    for (const event of events) {
      if (event.kind === 'put') this.#keys?.add(event.entry.key)
      else this.#keys?.delete(event.key)
    }
    watcher.changed(
      revision,
      events.filter(event => keyOf(event).startsWith(prefix) && !isOwn(keyOf(event))),
    )
  }

  #tellProgress(revision: number): void {
    if (revision < this.#next) return
    this.#next = revision + 1
    this.#options.watcher.changed(revision, [])
  }

  #event({ type, kv }: WatchEvent): StoreEvent {
    const { keys } = this.#options
    return type === 'Delete'
      ? { kind: 'delete', key: keys.relative(kv.key) }
      : { kind: 'put', entry: keys.entry(kv) }
  }

  /** What was missed is no longer told one by one: all of it at once, from comparing what there is with what there was. */
  async #compareAll(): Promise<void> {
    const { readAll, logger, stats } = this.#options
    const known = this.#keys
    if (known === undefined) {
      return this.end(new Error(`Changes from revision ${this.#next} on are no longer remembered by etcd.`))
    }
    const { revision, entries } = await readAll()
    if (this.#ending.signal.aborted || revision < this.#next) return
    stats.watchesCompacted++
    const gone = new Set(known)
    for (const { key } of entries) gone.delete(key)
    const changed = entries
      .filter(({ modRevision }) => modRevision >= this.#next)
      .sort((left, right) => left.modRevision - right.modRevision)
    logger.info(
      { fromRevision: this.#next, revision, changed: changed.length, deleted: gone.size },
      'etcd had compacted what the watch missed: everything was read and compared.',
    )
    this.#tellOne(revision, [
      ...Array.from(gone, (key): StoreEvent => ({ kind: 'delete', key })),
      ...changed.map((entry): StoreEvent => ({ kind: 'put', entry })),
    ])
  }

  /** Nobody has to wait for a change to find out that none are told any more. */
  #look(): void {
    if (this.toldRevision < this.#seen) this.requestProgress()
    this.#seen = this.#options.history.revision
  }

  /** A stream may stand still though its connection lives: then another is opened. */
  #expect(revision: number): void {
    const { clock, requestTimeoutMs, logger } = this.#options
    this.#silence?.cancel()
    this.#silence = clock.after(requestTimeoutMs, () => {
      if (this.#ending.signal.aborted || this.toldRevision >= revision) return
      logger.warn(
        { revision, told: this.toldRevision, silentMs: requestTimeoutMs },
        'The watch of etcd does not tell what has changed; it begins again.',
      )
      this.#leave?.()
    })
  }

  async #askForProgress(): Promise<void> {
    const { confirm, tick, watcher, clock } = this.#options
    this.#progress = undefined
    try {
      const now = await confirm()
      if (this.#ending.signal.aborted) return
      if (this.toldRevision >= now) watcher.changed(this.toldRevision, [])
      else this.#expect((await tick()).revision)
    } catch {
      // Whoever waits has a deadline; until then the store may come back.
      if (this.#ending.signal.aborted) return
      this.#progress ??= clock.after(progressAgainMs, () => void this.#askForProgress())
    }
  }
}

/** An event that is on its way comes sooner than this. */
const progressAfterMs = 25
const progressAgainMs = 1000
/** Answers to other calls tell how far the store is; a watch that is behind for so long is looked into. */
const lookoutMs = 30_000

export interface EtcdWatchOptions {
  readonly client: EtcdClient
  readonly history: EtcdHistory
  readonly keys: EtcdKeys
  readonly stats: EtcdStats
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly requestTimeoutMs: number
  readonly prefix: string
  readonly fromRevision: number
  /** All keys there were before `fromRevision`, to take over; undefined: then compaction ends the watch. */
  readonly keysBefore: Set<string> | undefined
  readonly watcher: Watcher
  /** Keys of the store itself, which nobody sees. */
  readonly isOwn: (key: string) => boolean
  /** A read that the members agree on; the store's revision. */
  readonly confirm: () => Promise<number>
  /** Writes something of no meaning below the cluster's keys. */
  readonly tick: () => Promise<{ readonly revision: number }>
  readonly readAll: () => Promise<StoreRead>
  readonly onRestored: (refusal: Error) => void
}

function told(logger: Logger): (error: unknown) => void {
  return error => logger.debug({ err: error }, 'The watch of etcd was interrupted and begins again.')
}

function keyOf(event: StoreEvent): string {
  return event.kind === 'put' ? event.entry.key : event.key
}
