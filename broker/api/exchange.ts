import type { ApiHandler, LateAnswerListener } from './handler.ts'
import type { Peer, RequestContext } from './request-context.ts'
import type { RequestStats } from '../metrics/request-stats.ts'

/**
 * One request and what becomes of it. It is `waiting` until the handler has answered; then it stays what it became:
 * `answered` (there is a response to encode), `silent` (there is none to send), or `refused` (the connection is to be closed).
 */
export class Exchange implements RequestContext, LateAnswerListener<unknown> {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly receivedAtMs: number
  readonly connection: ExchangeOwner
  readonly served: ServedApi
  /** Bytes that the decoded request keeps alive while it is in work. */
  readonly heldBytes: number
  state: 'waiting' | 'answered' | 'silent' | 'refused' = 'waiting'
  response: unknown = undefined
  /** The version in which the response is encoded; another than the request's only where ApiVersions says so. */
  responseVersion: number
  refusal = ''
  /** It waits in its connection's line: from now on the connection is told when it settles. */
  inLine = false
  /** Kept only for handlers that build their own failure. */
  request: unknown = undefined
  /** From when the answer has left, nothing is read from the connection for so long. */
  muteForMs = 0
  /** When the stage began that it is in: waiting for a handler, for earlier answers, or for the socket. */
  stageSinceMs: number
  /** Of the same connection and turn, for those whose answers are encoded. */
  next: Exchange | undefined = undefined

  constructor(parts: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly correlationId: number
    readonly clientId: string | null
    readonly receivedAtMs: number
    readonly connection: ExchangeOwner
    readonly served: ServedApi
    readonly heldBytes: number
  }) {
    this.apiKey = parts.apiKey
    this.apiVersion = parts.apiVersion
    this.responseVersion = parts.apiVersion
    this.correlationId = parts.correlationId
    this.clientId = parts.clientId
    this.receivedAtMs = parts.receivedAtMs
    this.stageSinceMs = parts.receivedAtMs
    this.connection = parts.connection
    this.served = parts.served
    this.heldBytes = parts.heldBytes
  }

  get principal(): string {
    return this.connection.principal
  }

  get listenerName(): string {
    return this.connection.listenerName
  }

  get clientAddress(): string {
    return this.connection.clientAddress
  }

  get signal(): AbortSignal {
    return this.connection.signal
  }

  throttle(forMs: number): void {
    this.muteForMs = Math.max(this.muteForMs, forMs)
  }

  answered(response: unknown): void {
    if (this.state !== 'waiting') return
    this.state = 'answered'
    this.response = response
    if (this.inLine) this.connection.settled(this)
  }

  silenced(): void {
    if (this.state !== 'waiting') return
    this.state = 'silent'
    if (this.inLine) this.connection.settled(this)
  }

  refused(reason: string): void {
    this.state = 'refused'
    this.refusal = reason
    if (this.inLine) this.connection.settled(this)
  }

  failed(error: unknown): void {
    if (this.state === 'waiting') this.served.failed(this, error)
  }
}

/** A connection, as seen by its requests. */
export interface ExchangeOwner extends Peer {
  /** An exchange that was put in line is no longer waiting. */
  settled(exchange: Exchange): void
}

/** A handler with its figures. */
export interface ServedApi {
  readonly handler: ApiHandler
  readonly stats: RequestStats
  countErrors(response: unknown): void
  /** The handler threw or rejected: gives the exchange another outcome. */
  failed(exchange: Exchange, error: unknown): void
}
