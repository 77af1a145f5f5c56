import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Connection, type ConnectionParts } from './connection.ts'
import { type ConnectionCounts, plainAddress } from './connection-limits.ts'
import type { NetworkStats } from './network-stats.ts'

/** Accepts connections on one named address. */
export class Listener {
  readonly name: string
  readonly stats: NetworkStats
  readonly connections = new Set<Connection>()
  readonly #parts: ListenerParts
  readonly #server: Server
  #accepted = 0

  private constructor(name: string, parts: ListenerParts) {
    this.name = name
    this.stats = parts.stats
    this.#parts = parts
    this.#server = createServer(
      // Paused until the connection has taken the socket over, so that no byte is read the slow way.
      { pauseOnConnect: true, allowHalfOpen: true, noDelay: true, keepAlive: true },
      socket => this.#take(socket),
    )
  }

  /** Resolves when clients can connect. An empty host means all addresses, port 0 any free one. */
  static async open(address: ListenerAddress, backlog: number, parts: ListenerParts): Promise<Listener> {
    const listener = new Listener(address.name, parts)
    await listener.#listen(address, backlog)
    return listener
  }

  /** The port that was bound. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? (address satisfies AddressInfo).port : 0
  }

  /** Takes no more connections. Those that are open stay. */
  stop(): void {
    this.#server.close()
  }

  #listen({ name, host, port }: ListenerAddress, backlog: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => {
        reject(
          new Error(`Listener ${name} cannot listen on ${host}:${port}: ${error.message}`, { cause: error }),
        )
      }
      this.#server.once('error', refuse)
      this.#server.listen({ host: host === '' ? undefined : host, port, backlog }, () => {
        this.#server.off('error', refuse)
        this.#server.on('error', error => {
          this.#parts.logger.warn({ err: error, listener: name }, 'Accepting a connection failed.')
        })
        resolve()
      })
    })
  }

  #take(socket: Socket): void {
    const { remoteAddress, remotePort, localAddress, localPort } = socket
    if (remoteAddress === undefined) {
      // Gone again before we looked.
      socket.destroy()
      return
    }
    const clientAddress = plainAddress(remoteAddress)
    const place = this.#parts.counts.enter(clientAddress)
    if ('refused' in place) {
      this.stats.countRefusal(place.refused)
      this.#parts.log.info(
        { client: clientAddress, listener: this.name, limit: place.refused },
        'A connection was refused because a limit is reached.',
      )
      socket.destroy()
      return
    }
    this.stats.accepted++
    this.stats.open++
    const id = `${plainAddress(localAddress ?? '')}:${localPort}-${clientAddress}:${remotePort}-${this.#accepted++}`
    const connection = new Connection(
      socket,
      { id, listenerName: this.name, clientAddress },
      { ...this.#parts, onGone: gone => this.#gone(gone) },
    )
    this.connections.add(connection)
    if (place.delayMs === 0) {
      connection.start()
      return
    }
    this.stats.delayed++
    this.#parts.clock.after(place.delayMs, () => connection.start())
  }

  #gone(connection: Connection): void {
    if (!this.connections.delete(connection)) return
    this.stats.open--
    this.#parts.counts.leave(connection.clientAddress)
    this.#parts.onGone(connection)
  }
}

export interface ListenerAddress {
  readonly name: string
  readonly host: string
  readonly port: number
}

export interface ListenerParts extends ConnectionParts {
  readonly counts: ConnectionCounts
}
