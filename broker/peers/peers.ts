import { Connection } from '../../client/connection/connection.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { MetadataImage } from '../metadata/image.ts'

/**
 * The ways from this broker to the others, over the listener that brokers use among themselves. Where another broker
 * listens is in its registration, read anew for every attempt to connect.
 */
export class Peers {
  readonly #options: PeersOptions

  constructor(options: PeersOptions) {
    this.#options = options
  }

  /** A way of its own to one broker; whoever asked for it closes it. A request that waits there holds up no other link. */
  link(brokerId: number): PeerLink {
    return new PeerLink(brokerId, this.#options)
  }
}

/**
 * One connection to one broker, made when it is needed and made again when it was lost, each attempt later than the last.
 * It is used by one caller at a time.
 */
export class PeerLink {
  readonly brokerId: number
  readonly #options: PeersOptions
  readonly #closing = new AbortController()
  #connection: Connection | undefined
  #failures = 0
  #notBeforeMs = Number.NEGATIVE_INFINITY

  constructor(brokerId: number, options: PeersOptions) {
    this.brokerId = brokerId
    this.#options = options
  }

  /**
   * The connection, when it is there. Rejects with a sentence when this attempt failed, and for good once the link is
   * closed. A call after `failed` waits before it tries again.
   */
  async connection(): Promise<Connection> {
    const { clock, settings } = this.#options
    const waitMs = this.#notBeforeMs - clock.monotonicMs()
    if (waitMs > 0) await sleep(clock, waitMs, this.#closing.signal)
    this.#closing.signal.throwIfAborted()
    if (this.#connection?.isOpen === true) return this.#connection
    const connection = await Connection.open({
      ...this.#address(),
      clientId: this.#options.clientId,
      timeoutMs: settings().timeoutMs,
      clock,
    })
    if (this.#closing.signal.aborted) {
      await connection.close()
      this.#closing.signal.throwIfAborted()
    }
    this.#connection = connection
    return connection
  }

  /** An exchange over the connection succeeded: the next failure is the first again. */
  worked(): void {
    this.#failures = 0
    this.#notBeforeMs = Number.NEGATIVE_INFINITY
  }

  /** The broker could not be reached, or what it said was of no use: the next attempt waits. */
  failed(): void {
    const { clock, random, settings } = this.#options
    const { mostBackoffMs } = settings()
    const delayMs = backoffMs(
      this.#failures++,
      { firstMs: Math.min(50, mostBackoffMs), mostMs: mostBackoffMs },
      random,
    )
    this.#notBeforeMs = clock.monotonicMs() + delayMs
  }

  /** Ends whatever is waited for here. */
  async close(): Promise<void> {
    this.#closing.abort(new Error(`The link to broker ${this.brokerId} is closed.`))
    await this.#connection?.close()
  }

  #address(): { readonly host: string; readonly port: number } {
    const { image, listenerName } = this.#options
    const broker = image().brokers.get(this.brokerId)
    if (broker === undefined) throw new Error(`Broker ${this.brokerId} is not registered.`)
    const listener = broker.listeners.find(({ name }) => name === listenerName)
    if (listener === undefined) {
      throw new Error(
        `Broker ${this.brokerId} has no listener ${listenerName}, which brokers use among themselves (inter.broker.listener.name).`,
      )
    }
    if (listener.securityProtocol !== 'PLAINTEXT') {
      throw new Error(
        `The listener ${listenerName} of broker ${this.brokerId} asks for ${listener.securityProtocol}, which brokers do not speak among themselves yet.`,
      )
    }
    return { host: listener.host, port: listener.port }
  }
}

export interface PeersOptions {
  readonly image: () => MetadataImage
  /** The listener that brokers use among themselves. */
  readonly listenerName: string
  readonly clientId: string
  readonly settings: () => {
    /** For a connection to be made, and for answers whose request names no time. */
    readonly timeoutMs: number
    readonly mostBackoffMs: number
  }
  readonly clock: Clock
  readonly random: Random
}
