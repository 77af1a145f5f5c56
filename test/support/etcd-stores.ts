import type { HistoryFile } from '../../broker/metadata/etcd-history.ts'
import { EtcdStore, type EtcdStoreOptions } from '../../broker/metadata/etcd-store.ts'
import type { StoreEvent } from '../../broker/metadata/metadata-store.ts'
import { systemClock } from '../../runtime/clock.ts'
import { silentLogger } from '../../runtime/logger.ts'
import { systemRandom } from '../../runtime/random.ts'
import type { Etcd } from './etcd.ts'

let opened = 0

/** Opens stores on an etcd, and closes them all. Each cluster has a name of its own unless one is given. */
export class EtcdStores {
  readonly #etcd: Etcd
  readonly #open: EtcdStore[] = []

  constructor(etcd: Etcd) {
    this.#etcd = etcd
  }

  async open(options: Partial<EtcdStoreOptions> = {}): Promise<EtcdStore> {
    const store = await EtcdStore.open({
      prefix: '/barnabas',
      clusterUid: `test-${process.pid}-${++opened}`,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      ...options,
      connection: {
        endpoints: this.#etcd.endpoints,
        username: null,
        password: null,
        tls: () => ({ ca: null, certificate: null, key: null }),
        requestTimeoutMs: 5000,
        ...options.connection,
      },
    })
    this.#open.push(store)
    return store
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map(store => store.close()))
  }
}

/** What a watch told, as `key=value` and `-key`. */
export class Watched {
  readonly events: string[] = []
  readonly revisions: number[] = []
  /** Why it ended for good. */
  ended: Error | undefined
  reached = 0

  static of(store: EtcdStore, fromRevision: number, prefix = ''): Watched & { cancel(): void } {
    const watched = new Watched()
    const watch = store.watch(prefix, fromRevision, {
      changed(revision, events) {
        watched.reached = revision
        if (events.length > 0) watched.revisions.push(revision)
        watched.events.push(...events.map(describe))
      },
      ended(reason) {
        watched.ended = reason
      },
    })
    return Object.assign(watched, { cancel: () => watch.cancel() })
  }
}

function describe(event: StoreEvent): string {
  return event.kind === 'put' ? `${event.entry.key}=${event.entry.value}` : `-${event.key}`
}

/** Remembers in memory. */
export function rememberedHistory(): HistoryFile {
  let known: ReturnType<HistoryFile['read']>
  return {
    read: () => known,
    write: now => {
      known = now
    },
  }
}
