/**
 * One socket to one broker: pairs answers with requests, in the order sent. Which version of an API is spoken is agreed
 * at the start (ApiVersions). Bounded: so many requests in the air, every wait has a deadline. A connection that failed
 * stays closed; whoever needs one makes a new one.
 */
import { connect as connectSocket, type Socket, type TcpNetConnectOpts } from 'node:net'
import {
  type Api,
  apiVersions,
  beginFrame,
  type Decoded,
  decodeResponse,
  decodeResponseHeader,
  type Encodable,
  encodeRequest,
  encodeRequestHeader,
  endFrame,
  errorName,
  Reader,
  Writer,
} from '../../protocol/index.ts'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { type Deferred, deferred } from '../../runtime/deferred.ts'
import { ConnectionError } from './connection-error.ts'
import { InFlightRequests } from './in-flight-requests.ts'
import { ReceiveBuffer } from './receive-buffer.ts'

export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  readonly clientId: string
  /** Longest wait for the socket and the handshake together, and for each answer that names no other. */
  readonly timeoutMs?: number
  /** Larger answers end the connection. */
  readonly maxResponseBytes?: number
  readonly clock?: Clock
}

/** What a part needs that only asks. */
export type Requester = Pick<Connection, 'send'>

export interface SendOptions {
  readonly timeoutMs?: number
  /**
   * Bytes and records of the answer are views of the receive buffer, valid until the caller next waits after `send` has
   * resolved. Without it they are copies.
   */
  readonly borrow?: boolean
}

interface Asked {
  readonly answered: Deferred<Reader>
  readonly borrow: boolean
  readonly api: Api
  readonly version: number
}

const usualTimeoutMs = 30_000
const usualMaxResponseBytes = 104_857_600
const maxInFlight = 100
const softwareName = 'barnabas'

export class Connection {
  readonly address: string
  /** What the host stood for when the connection was made: an IP address. */
  readonly remoteAddress: string | undefined
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #clock: Clock
  readonly #inFlight: InFlightRequests<Asked>
  readonly #versions = new Map<number, { readonly min: number; readonly max: number }>()
  readonly #ended: Deferred<void> = deferred()
  readonly #received: ReceiveBuffer
  #failure: Error | undefined

  private constructor(options: ConnectionOptions, received: ReceiveBuffer, socket: Socket) {
    this.address = `${options.host}:${options.port}`
    this.remoteAddress = socket.remoteAddress
    this.#socket = socket
    this.#options = options
    this.#received = received
    this.#clock = options.clock ?? systemClock
    this.#inFlight = new InFlightRequests(maxInFlight)
    socket.on('error', error =>
      this.#fail(new ConnectionError(`${this.address}: ${error.message}`, { cause: error })),
    )
    socket.on('close', () => {
      this.#fail(new ConnectionError(`${this.address} closed the connection.`))
      this.#ended.resolve()
    })
  }

  /** Connects and agrees on versions. Rejects with a ConnectionError. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const clock = options.clock ?? systemClock
    const timeoutMs = options.timeoutMs ?? usualTimeoutMs
    const startedAtMs = clock.monotonicMs()
    const received = new ReceiveBuffer(options.maxResponseBytes ?? usualMaxResponseBytes)
    // A broker says nothing before it is asked, so nothing can come in before the connection is there.
    let take = (_length: number): void => undefined
    const socket = await openSocket(options, clock, timeoutMs, {
      buffer: () => received.space(),
      callback: length => {
        take(length)
        return true
      },
    })
    const connection = new Connection(options, received, socket)
    take = length => connection.#take(length)
    try {
      await connection.#handshake(Math.max(1, timeoutMs - (clock.monotonicMs() - startedAtMs)))
      return connection
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  get isOpen(): boolean {
    return this.#failure === undefined
  }

  /** Resolves when the socket is closed, by whomever. */
  get closed(): Promise<void> {
    return this.#ended.promise
  }

  /** The newest version that both sides speak; undefined when there is none. */
  versionFor(api: Api): number | undefined {
    const served = this.#versions.get(api.key)
    if (served === undefined) return undefined
    const newest = api.versions.max - (api.latestVersionUnstable ? 1 : 0)
    const version = Math.min(newest, served.max)
    return version >= Math.max(api.versions.min, served.min) ? version : undefined
  }

  /** Resolves with the answer. Rejects with a ConnectionError: no common version, closed, no answer in time. */
  async send<Kind extends Api>(
    api: Kind,
    request: Encodable<Kind['request']>,
    options: SendOptions = {},
  ): Promise<Decoded<Kind['response']>> {
    const version = this.versionFor(api)
    if (version === undefined)
      throw new ConnectionError(`${this.address} does not serve ${api.name} in a version known here.`)
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? usualTimeoutMs
    return this.#exchange(api, version, request, timeoutMs, options.borrow)
  }

  /** Closes the socket; requests in the air are rejected. Resolves when it is closed. */
  close(): Promise<void> {
    this.#fail(new ConnectionError(`The connection to ${this.address} was closed here.`))
    return this.#ended.promise
  }

  async #handshake(timeoutMs: number): Promise<void> {
    const request = { clientSoftwareName: softwareName, clientSoftwareVersion: '0.1.0' }
    const newest = apiVersions.versions.max
    let answer = await this.#exchange(apiVersions, newest, request, timeoutMs)
    if (errorName(answer.errorCode) === 'UNSUPPORTED_VERSION') {
      // The refusal comes in version 0 and says what is served.
      const served = answer.apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)?.maxVersion ?? 0
      answer = await this.#exchange(apiVersions, Math.min(served, newest), request, timeoutMs)
    }
    if (answer.errorCode !== 0) {
      throw new ConnectionError(`${this.address} refused ApiVersions: ${errorName(answer.errorCode)}.`)
    }
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) {
      this.#versions.set(apiKey, { min: minVersion, max: maxVersion })
    }
  }

  async #exchange<Kind extends Api>(
    api: Kind,
    version: number,
    request: Encodable<Kind['request']>,
    timeoutMs: number,
    borrow = false,
  ): Promise<Decoded<Kind['response']>> {
    if (this.#failure !== undefined) throw this.#failure
    const answered = deferred<Reader>()
    const correlationId = this.#inFlight.add({ answered, borrow, api, version })
    const writer = new Writer(256)
    const mark = beginFrame(writer)
    encodeRequestHeader(api, { apiVersion: version, correlationId, clientId: this.#options.clientId }, writer)
    encodeRequest(api, version, request, writer)
    endFrame(writer, mark)
    // An answer that comes after its deadline would be taken for that of another request: so the connection ends.
    const deadline = this.#clock.after(timeoutMs, () =>
      this.#fail(
        new ConnectionError(`${this.address} did not answer ${api.name} within ${Math.round(timeoutMs)} ms.`),
      ),
    )
    this.#socket.write(writer.finish())
    try {
      const body = await answered.promise
      return decodeResponse(api, bodyVersion(api, version, body), body)
    } finally {
      deadline.cancel()
    }
  }

  #take(length: number): void {
    try {
      this.#received.received(length, (buffer, start, end) => {
        if (this.#failure === undefined) this.#answer(buffer, start, end)
      })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#fail(
        new ConnectionError(`${this.address} sent something that is no answer: ${message}`, { cause: error }),
      )
    }
  }

  #answer(buffer: Buffer, start: number, end: number): void {
    const oldest = this.#inFlight.oldest()
    if (oldest === undefined) throw new ConnectionError('an answer to a question that was not asked')
    const { api, version, borrow } = oldest.value
    const frame = new Reader(buffer, start, end, { borrow })
    const correlationId = decodeResponseHeader(api, version, frame)
    this.#inFlight.settle(correlationId).answered.resolve(frame)
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#socket.destroy()
    for (const { answered } of this.#inFlight.drain()) answered.reject(error)
  }
}

/** A broker that does not know the version of ApiVersions asked answers in version 0. */
function bodyVersion(api: Api, version: number, body: Reader): number {
  if (api.key !== apiVersions.key) return version
  const peek = new Reader(body.buffer, body.position, body.end)
  return errorName(peek.int16()) === 'UNSUPPORTED_VERSION' ? 0 : version
}

function openSocket(
  options: ConnectionOptions,
  clock: Clock,
  timeoutMs: number,
  onread: NonNullable<TcpNetConnectOpts['onread']>,
): Promise<Socket> {
  const { host, port } = options
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, noDelay: true, onread })
    const deadline = clock.after(timeoutMs, () => fail(`did not answer within ${Math.round(timeoutMs)} ms`))
    const onError = (error: Error): void => fail(error.message, error)
    const fail = (why: string, cause?: Error): void => {
      deadline.cancel()
      socket.destroy()
      reject(new ConnectionError(`Cannot connect to ${host}:${port}: ${why}.`, { cause }))
    }
    socket.once('error', onError)
    socket.once('connect', () => {
      deadline.cancel()
      socket.off('error', onError)
      resolve(socket)
    })
  })
}
