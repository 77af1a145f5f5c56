import { type Clock, every, type Timer } from '../../runtime/clock.ts'
import { type Deferred, deferred } from '../../runtime/deferred.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Dispatcher } from '../api/dispatch.ts'
import type { Metric } from '../metrics/metrics.ts'
import { BufferPool } from './buffer-pool.ts'
import { sharedReadBytes, sharedReadWorks } from './channel.ts'
import { clientSoftwareMetric } from './client-software.ts'
import type { Connection } from './connection.ts'
import { ConnectionCounts } from './connection-limits.ts'
import { LimitedLog } from './limited-log.ts'
import { Listener, type ListenerAddress, type ListenerParts } from './listener.ts'
import { MemoryBudget } from './memory-budget.ts'
import { NetworkStats, networkMetrics } from './network-stats.ts'
import { usualRequestLimits } from './request-limits.ts'

/** All listeners of a broker and what their connections share: the read buffer, the pool, memory and connection limits. */
export class Network {
  readonly #parts: NetworkParts
  readonly #pool = new BufferPool()
  readonly #budget: MemoryBudget
  readonly #listeners: Listener[] = []
  readonly #sweeper: Timer
  #emptied: Deferred<void> | undefined

  private constructor(parts: NetworkParts) {
    const { settings, clock } = parts
    this.#parts = parts
    this.#budget = new MemoryBudget({ limit: memoryLimit(settings()), clock })
    this.#sweeper = every(clock, sweepPeriodMs, () => this.#sweep())
  }

  /** Resolves when clients can connect on all listeners; if one cannot be opened, none is. */
  static async open(parts: NetworkParts): Promise<Network> {
    const { settings, clock, logger } = parts
    const shared = (parts.sharedRead ?? true) && (await sharedReadWorks(clock))
    if (!shared)
      logger.warn('Reading into one shared buffer does not work on this Node: reading will cost more.')
    const network = new Network(parts)
    const log = new LimitedLog(logger, clock)
    const counts = new ConnectionCounts(clock, () => countLimits(settings()))
    const common: Omit<ListenerParts, 'stats'> = {
      dispatcher: parts.dispatcher,
      turn: parts.turn,
      clock,
      logger,
      log,
      counts,
      pool: network.#pool,
      budget: network.#budget,
      sharedRead: shared ? Buffer.allocUnsafeSlow(sharedReadBytes) : undefined,
      limits: {
        ...usualRequestLimits,
        requestBytes: settings()['socket.request.max.bytes'],
        ...parts.limits,
      },
      onGone: () => network.#oneIsGone(),
    }
    try {
      for (const address of parts.listeners) {
        const stats = new NetworkStats(address.name)
        const backlog = settings()['socket.listen.backlog.size']
        network.#listeners.push(await Listener.open(address, backlog, { ...common, stats }))
      }
    } catch (error) {
      await network.stop(0)
      throw error
    }
    return network
  }

  /** Name and bound port of each listener, in the order they were given. */
  get listeners(): readonly { readonly name: string; readonly port: number }[] {
    return this.#listeners.map(({ name, port }) => ({ name, port }))
  }

  get connectionCount(): number {
    return this.#listeners.reduce((sum, listener) => sum + listener.connections.size, 0)
  }

  metrics(): Metric[] {
    const memory = { budget: this.#budget, pool: this.#pool }
    return [
      ...networkMetrics(() => this.#listeners.map(listener => listener.stats), memory),
      clientSoftwareMetric(() => this.#listeners),
    ]
  }

  /**
   * Takes no more connections and requests, lets requests in work be answered for up to `withinMs`, then closes what is left.
   * Resolves when no connection is open.
   */
  async stop(withinMs: number): Promise<void> {
    this.#sweeper.cancel()
    for (const listener of this.#listeners) listener.stop()
    for (const connection of this.#connections()) connection.finish()
    if (this.connectionCount > 0) {
      this.#emptied = deferred()
      const deadline = this.#parts.clock.after(withinMs, () => {
        for (const connection of this.#connections()) connection.destroy()
      })
      await this.#emptied.promise
      deadline.cancel()
    }
    this.#budget.stop()
  }

  #connections(): Connection[] {
    return this.#listeners.flatMap(listener => [...listener.connections])
  }

  #oneIsGone(): void {
    if (this.connectionCount === 0) this.#emptied?.resolve()
  }

  #sweep(): void {
    this.#pool.trim()
    const idleMs = this.#parts.settings()['connections.max.idle.ms']
    if (idleMs < 0) return
    const sinceMs = this.#parts.clock.monotonicMs() - idleMs
    for (const connection of this.#connections()) {
      if (connection.isIdle(sinceMs)) connection.closeIdle(idleMs)
    }
  }
}

/** The broker settings that the network reads; asked again whenever they matter, so that changes take effect. */
export interface NetworkSettings {
  readonly 'socket.request.max.bytes': number
  readonly 'socket.listen.backlog.size': number
  /** -1: a limit of our own. */
  readonly 'queued.max.request.bytes': number
  /** -1: never. */
  readonly 'connections.max.idle.ms': number
  readonly 'max.connections': number
  readonly 'max.connections.per.ip': number
  readonly 'max.connections.per.ip.overrides': string
  readonly 'max.connection.creation.rate': number
}

export interface NetworkParts {
  readonly listeners: readonly ListenerAddress[]
  readonly settings: () => NetworkSettings
  readonly dispatcher: Dispatcher
  readonly turn: EndOfTurn
  readonly clock: Clock
  readonly logger: Logger
  /** For tests: bounds of one connection other than the usual ones. */
  readonly limits?: Partial<ListenerParts['limits']>
  /** For tests: false takes the slower way of reading. */
  readonly sharedRead?: boolean
}

const sweepPeriodMs = 5000

const usualMemoryLimit = 256 * 2 ** 20

/** At least two of the largest requests must fit, so that one does not keep out all others. */
function memoryLimit(settings: NetworkSettings): number {
  const asked = settings['queued.max.request.bytes']
  return asked > 0 ? asked : Math.max(usualMemoryLimit, 2 * settings['socket.request.max.bytes'])
}

function countLimits(
  settings: NetworkSettings,
): ReturnType<ConstructorParameters<typeof ConnectionCounts>[1]> {
  return {
    total: settings['max.connections'],
    perAddress: settings['max.connections.per.ip'],
    overrides: settings['max.connections.per.ip.overrides'],
    creationRate: settings['max.connection.creation.rate'],
  }
}
