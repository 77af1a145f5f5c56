import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemDisk } from '../../broker/log/disk.ts'
import { EmbeddedStore } from '../../broker/metadata/embedded-store.ts'
import { type Lease, type MetadataStore, StoreUnavailable } from '../../broker/metadata/metadata-store.ts'
import { systemClock } from '../../runtime/clock.ts'
import { silentLogger } from '../../runtime/logger.ts'
import { RunningBroker } from './running-broker.ts'
import { until } from './until.ts'

/** Whole brokers in this process, with real sockets, disks and gRPC among them, on one embedded store. */
export class RunningCluster {
  readonly brokers = new Map<number, RunningBroker>()
  readonly #directory: string
  readonly #store: EmbeddedStore
  readonly #stores = new Map<number, CuttableStore>()
  readonly #settings: Readonly<Record<string, string>>
  readonly #logDirectories: readonly string[]

  private constructor(
    directory: string,
    store: EmbeddedStore,
    settings: Readonly<Record<string, string>>,
    logDirectories: readonly string[],
  ) {
    this.#directory = directory
    this.#store = store
    this.#settings = settings
    this.#logDirectories = logDirectories
  }

  /** The first of `ids` becomes the controller. Each broker has directories of these names in its own. */
  static async start(
    ids: readonly number[],
    settings: Readonly<Record<string, string>> = {},
    logDirectories: readonly string[] = ['data'],
  ): Promise<RunningCluster> {
    const directory = mkdtempSync(join(tmpdir(), 'barnabas-cluster-'))
    const store = await EmbeddedStore.open({
      directory: join(directory, 'store'),
      disk: systemDisk,
      clock: systemClock,
      logger: silentLogger,
    })
    const cluster = new RunningCluster(directory, store, settings, logDirectories)
    for (const id of ids) await cluster.join(id)
    return cluster
  }

  async join(id: number, settings: Readonly<Record<string, string>> = {}): Promise<RunningBroker> {
    const store = new CuttableStore(this.#store)
    this.#stores.set(id, store)
    const broker = await RunningBroker.start({
      directory: join(this.#directory, String(id)),
      sharedStore: store,
      logDirectories: this.#logDirectories,
      settings: {
        'node.id': String(id),
        'control.listeners': 'http://127.0.0.1:0',
        'broker.session.timeout.ms': '1000',
        'broker.heartbeat.interval.ms': '200',
        ...this.#settings,
        ...settings,
      },
    })
    this.brokers.set(id, broker)
    return broker
  }

  broker(id: number): RunningBroker {
    const broker = this.brokers.get(id)
    if (broker === undefined) throw new Error(`Broker ${id} does not run.`)
    return broker
  }

  /** A clean stop. */
  async leave(id: number): Promise<void> {
    await this.broker(id).stop()
    this.brokers.delete(id)
  }

  /** From now on the broker gets through to the store no more; its watch, too, tells it nothing. */
  cutFromStore(id: number): void {
    this.#stores.get(id)?.cut()
  }

  /** The other way round. */
  reconnect(id: number): void {
    this.#stores.get(id)?.heal()
  }

  async remove(): Promise<void> {
    for (const store of this.#stores.values()) store.heal()
    for (const broker of this.brokers.values()) await broker.stop()
    await this.#store.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Waits until it holds for the controller in the store; null: there is none. */
  untilController(holds: (id: number | null) => boolean): Promise<void> {
    const holdsNow = async (): Promise<boolean> => {
      const { entry } = await this.#store.get('controller')
      return holds(entry === undefined ? null : Number(JSON.parse(entry.value).broker))
    }
    return until(holdsNow, 'the controller is another one')
  }
}

/** The store as one broker reaches it, through a connection that can be cut. Events wait meanwhile. */
class CuttableStore implements MetadataStore {
  readonly #store: MetadataStore
  #isCut = false
  #held: (() => void)[] = []

  constructor(store: MetadataStore) {
    this.#store = store
  }

  cut(): void {
    this.#isCut = true
  }

  heal(): void {
    this.#isCut = false
    const held = this.#held
    this.#held = []
    for (const deliver of held) deliver()
  }

  async read(prefix: string): ReturnType<MetadataStore['read']> {
    this.#check()
    return this.#store.read(prefix)
  }

  async get(key: string): ReturnType<MetadataStore['get']> {
    this.#check()
    return this.#store.get(key)
  }

  async commit(transaction: Parameters<MetadataStore['commit']>[0]): ReturnType<MetadataStore['commit']> {
    this.#check()
    return this.#store.commit(transaction)
  }

  watch(...[prefix, from, watcher]: Parameters<MetadataStore['watch']>): ReturnType<MetadataStore['watch']> {
    return this.#store.watch(prefix, from, {
      changed: (revision, events) => {
        if (this.#isCut) this.#held.push(() => watcher.changed(revision, events))
        else watcher.changed(revision, events)
      },
      ended: reason => watcher.ended(reason),
    })
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.#check()
    const lease = await this.#store.lease(ttlMs)
    return {
      id: lease.id,
      ttlMs: lease.ttlMs,
      keepAlive: async () => {
        this.#check()
        await lease.keepAlive()
      },
      revoke: async () => {
        this.#check()
        await lease.revoke()
      },
    }
  }

  /** Others use it still. */
  async close(): Promise<void> {}

  #check(): void {
    if (this.#isCut) throw new StoreUnavailable('The store cannot be reached.')
  }
}
