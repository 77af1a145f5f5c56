import type { Logger } from '../../runtime/logger.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import { type Header, revisionOf } from './etcd-messages.ts'
import { StoreUnavailable } from './metadata-store.ts'

/** How far a store is known to have come, and which etcd cluster it was. */
export interface KnownHistory {
  readonly etcdCluster: string
  readonly revision: number
}

/** Where a broker remembers it from one start to the next. Both are synchronous and small; both may throw. */
export interface HistoryFile {
  read(): KnownHistory | undefined
  write(known: KnownHistory): void
}

/**
 * Notices an etcd that is not what it was: restored from an older snapshot, emptied, or another one altogether. What
 * this broker did since would not be in it, so it is refused until somebody says that this is meant, by the key
 * `restored` (see `acknowledgement`).
 *
 * Only answers that etcd's members agreed on (reads and transactions, not watches) prove that it went back, and only
 * against what was known before they were asked.
 */
export class EtcdHistory {
  readonly #options: EtcdHistoryOptions
  #known: KnownHistory | undefined
  #written: KnownHistory | undefined
  #timer: Timer | undefined
  #refusal: StoreRestored | undefined
  #toldFailure = false

  constructor(options: EtcdHistoryOptions) {
    this.#options = options
    this.#known = this.#written = options.file?.read()
  }

  /** The latest revision that anybody told of; 0 before the first answer. */
  get revision(): number {
    return this.#known?.revision ?? 0
  }

  get refusal(): StoreRestored | undefined {
    return this.#refusal
  }

  /**
   * An answer came. `knownWhenSent`: `revision` before an agreed request was sent; left out for others. Returns why
   * the store is refused from now on.
   */
  observe(header: Header, knownWhenSent?: number): StoreRestored | undefined {
    if (this.#refusal !== undefined) return this.#refusal
    const revision = revisionOf(header.revision)
    const known = this.#known
    if (known !== undefined && known.etcdCluster !== header.cluster_id) {
      return this.#refuse(
        `This is not the etcd that the broker knew: it was cluster ${known.etcdCluster} at revision ${known.revision} and is cluster ${header.cluster_id} at revision ${revision}.`,
      )
    }
    if (knownWhenSent !== undefined && revision < knownWhenSent) {
      return this.#refuse(`etcd went back from revision ${knownWhenSent} to ${revision}.`)
    }
    if (known === undefined || revision > known.revision) {
      this.#known = { etcdCluster: header.cluster_id, revision }
      this.#writeSoon()
    }
    return undefined
  }

  /**
   * The first answer in this process. Somebody may have said that an older state is meant: then nothing known up to
   * that revision counts any more. NaN: nobody said so.
   */
  begin(header: Header, acknowledgedUpTo: number): StoreRestored | undefined {
    const revision = revisionOf(header.revision)
    const known = this.#known
    const isOther =
      known !== undefined && (known.etcdCluster !== header.cluster_id || revision < known.revision)
    if (!isOther || acknowledgedUpTo < known.revision || Number.isNaN(acknowledgedUpTo)) {
      return this.observe(header, this.revision)
    }
    this.#options.logger.warn(
      { upToRevision: acknowledgedUpTo, knownRevision: known.revision, revision },
      'An etcd with an older state is accepted, as the key `restored` in it says.',
    )
    this.#known = { etcdCluster: header.cluster_id, revision }
    this.#write()
    return undefined
  }

  close(): void {
    this.#timer?.cancel()
    this.#write()
  }

  #refuse(what: string): StoreRestored {
    const { restoredKey } = this.#options
    this.#refusal = new StoreRestored(
      `${what} It was restored from a backup or replaced, and what was changed since then is not in it. ` +
        `Bring the right etcd back; or, to go on with what this one holds, run: etcdctl put ${restoredKey} ${this.revision}`,
    )
    return this.#refusal
  }

  #writeSoon(): void {
    if (this.#options.file === undefined) return
    this.#timer ??= this.#options.clock.after(writeAfterMs, () => {
      this.#timer = undefined
      this.#write()
    })
  }

  #write(): void {
    const { file, logger } = this.#options
    if (file === undefined || this.#known === undefined || this.#known === this.#written) return
    try {
      file.write(this.#known)
      this.#written = this.#known
      this.#toldFailure = false
    } catch (error) {
      if (this.#toldFailure) return
      this.#toldFailure = true
      logger.warn(
        { err: error },
        'How far etcd had come could not be written down; the next start may not notice a restored etcd.',
      )
    }
  }
}

const writeAfterMs = 1000

export interface EtcdHistoryOptions {
  /** Absent: remembered in this process only. */
  readonly file?: HistoryFile
  readonly clock: Clock
  readonly logger: Logger
  /** Full name of the key by which an older store is acknowledged. */
  readonly restoredKey: string
}

/** The store is refused: it is older than what this broker knew, or another one. */
export class StoreRestored extends StoreUnavailable {}
