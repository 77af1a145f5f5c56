/**
 * Requests to whichever broker answers: each takes administration and passes it on to the controller. One connection is
 * kept; when it fails the next address is tried. Only connecting is tried again, since nothing was sent then: a request
 * whose answer did not come may have been carried out, and only its sender knows what to do about that.
 */
import type { Api, Decoded, Encodable } from '../../protocol/index.ts'
import { Connection, type Requester } from '../connection/connection.ts'
import { ConnectionError } from '../connection/connection-error.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export class AnyBroker implements Requester {
  readonly #addresses: () => readonly Address[]
  readonly #options: { readonly clientId: string; readonly timeoutMs: number }
  #connection: Promise<Connection> | undefined
  #next = 0

  /** `addresses` is asked anew for every attempt: brokers come and go. */
  constructor(
    addresses: () => readonly Address[],
    options: { readonly clientId: string; readonly timeoutMs: number },
  ) {
    this.#addresses = addresses
    this.#options = options
  }

  /** Rejects with a ConnectionError: no broker is there, or the answer did not come. */
  async send<Kind extends Api>(
    api: Kind,
    request: Encodable<Kind['request']>,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<Decoded<Kind['response']>> {
    const connection = await this.open()
    return connection.send(api, request, options)
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined)
    this.#connection = undefined
    await connection?.close()
  }

  /** The connection that is kept, or a new one. Requests that come together share one attempt. */
  async open(): Promise<Connection> {
    const before = this.#connection
    const open = await before?.catch(() => undefined)
    if (open?.isOpen === true) return open
    // Nobody else has begun another attempt meanwhile.
    if (this.#connection === before) this.#connection = this.#connectToAny()
    return this.#connection ?? this.#connectToAny()
  }

  async #connectToAny(): Promise<Connection> {
    const addresses = this.#addresses()
    const failures: string[] = []
    for (let attempt = 0; attempt < addresses.length; attempt++) {
      const address = addresses[(this.#next + attempt) % addresses.length]
      if (address === undefined) break
      try {
        const connection = await Connection.open({ ...address, ...this.#options })
        this.#next = (this.#next + attempt) % addresses.length
        return connection
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error
        failures.push(error.message)
      }
    }
    this.#next += 1
    throw new ConnectionError(
      failures.length === 0 ? 'There is no broker to ask.' : `No broker answers: ${failures.join(' ')}`,
    )
  }
}
