import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ControllerClient } from '../../broker/controller/controller-client.ts'
import { systemDisk } from '../../broker/log/disk.ts'
import { EmbeddedStore } from '../../broker/metadata/embedded-store.ts'
import type { MetadataStore } from '../../broker/metadata/metadata-store.ts'
import { systemClock } from '../../runtime/clock.ts'
import { silentLogger } from '../../runtime/logger.ts'
import { RunningBroker } from './running-broker.ts'

/** Whole brokers in this process, with real sockets and disks, on one embedded store; all reach the active controller. */
export class ReplicatedCluster {
  readonly brokers = new Map<number, RunningBroker>()
  readonly #directory: string
  readonly #store: EmbeddedStore
  readonly #settings: Readonly<Record<string, string>>
  readonly #controllers = new Map<number, ControllerClient>()

  private constructor(directory: string, store: EmbeddedStore, settings: Readonly<Record<string, string>>) {
    this.#directory = directory
    this.#store = store
    this.#settings = settings
  }

  static async start(
    ids: readonly number[],
    settings: Readonly<Record<string, string>> = {},
  ): Promise<ReplicatedCluster> {
    const directory = mkdtempSync(join(tmpdir(), 'barnabas-cluster-'))
    const store = await EmbeddedStore.open({
      directory: join(directory, 'store'),
      disk: systemDisk,
      clock: systemClock,
      logger: silentLogger,
    })
    const cluster = new ReplicatedCluster(directory, store, settings)
    for (const id of ids) await cluster.join(id)
    return cluster
  }

  async join(id: number, settings: Readonly<Record<string, string>> = {}): Promise<RunningBroker> {
    const broker = await RunningBroker.start({
      directory: this.directoryOf(id),
      sharedStore: sharing(this.#store),
      reachController: own => {
        this.#controllers.set(id, own)
        return this.#controller()
      },
      settings: { 'node.id': String(id), ...this.#settings, ...settings },
    })
    this.brokers.set(id, broker)
    return broker
  }

  broker(id: number): RunningBroker {
    const broker = this.brokers.get(id)
    if (broker === undefined) throw new Error(`Broker ${id} does not run.`)
    return broker
  }

  directoryOf(id: number): string {
    return join(this.#directory, String(id))
  }

  /** A clean stop. */
  async leave(id: number): Promise<void> {
    await this.broker(id).stop()
    this.brokers.delete(id)
    this.#controllers.delete(id)
  }

  /** As if the process had been killed: what a stop would have written is not there at the next start. */
  async kill(id: number): Promise<void> {
    const kept = join(this.#directory, `${id}-killed`)
    cpSync(this.directoryOf(id), kept, { recursive: true })
    await this.leave(id)
    rmSync(this.directoryOf(id), { recursive: true })
    cpSync(kept, this.directoryOf(id), { recursive: true })
    rmSync(kept, { recursive: true })
  }

  async remove(): Promise<void> {
    for (const broker of this.brokers.values()) await broker.stop()
    await this.#store.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Asks every broker's own controller until one is the active one, as the way between brokers does. */
  #controller(): ControllerClient {
    return new Proxy({} as ControllerClient, {
      get: (_, method: keyof ControllerClient) => async (command: never) => {
        let answer: unknown
        for (const own of this.#controllers.values()) {
          answer = await own[method](command)
          if (!JSON.stringify(answer).includes('"NOT_CONTROLLER"')) break
        }
        return answer
      },
    })
  }
}

/** Others use it still when one closes it. */
function sharing(store: EmbeddedStore): MetadataStore {
  return {
    read: prefix => store.read(prefix),
    get: key => store.get(key),
    commit: transaction => store.commit(transaction),
    watch: (prefix, from, watcher) => store.watch(prefix, from, watcher),
    lease: ttlMs => store.lease(ttlMs),
    close: async () => undefined,
  }
}
