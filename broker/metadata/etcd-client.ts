import {
  type ChannelCredentials,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  Metadata,
} from '@grpc/grpc-js'
import { Host } from 'etcd3/lib/connection-pool.js'
import { backoffMs } from '../../runtime/backoff.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { type EtcdFailure, isGrpcError, storeError, understandFailure } from './etcd-failures.ts'
import type { EtcdHistory } from './etcd-history.ts'
import type { EtcdOperation, EtcdStats } from './etcd-stats.ts'
import type { Header } from './etcd-messages.ts'
import { StoreUnavailable } from './metadata-store.ts'

/**
 * Calls to the members of one etcd cluster: one member at a time, the next when it fails. Every call has a deadline
 * and asks for a member that has a leader.
 *
 * What may be done twice is tried on other members until the deadline. What may not is sent once: only when it
 * surely was not carried out (no connection, no leader, an old token) it is tried again.
 */
export class EtcdClient {
  readonly #options: EtcdClientOptions
  readonly #members: readonly Member[]
  readonly #calls = new Set<{ cancel(): void }>()
  readonly #closing = new AbortController()
  readonly #suspicions = new Set<(member: Member) => void>()
  /** What the members' connections are made with, and when it was last looked at. */
  #tls: EtcdTls
  #lookedAtMs: number
  #at: number
  #token: Promise<string | null> | undefined

  constructor(options: EtcdClientOptions) {
    this.#options = options
    const { endpoints } = options.connection
    this.#tls = options.connection.tls()
    this.#lookedAtMs = options.clock.monotonicMs()
    const channelCredentials = credentialsFor(endpoints, this.#tls)
    this.#members = endpoints.map(endpoint => ({ endpoint, host: hostAt(endpoint, channelCredentials) }))
    // Brokers spread over the members.
    this.#at = Math.floor(options.random.fraction() * endpoints.length)
  }

  /** Throws StoreUnavailable, OutcomeUnknown (only if not `repeatable`), LeaseLost or Compacted. */
  async call<Answer extends { readonly header: Header }>(call: EtcdCall, request: object): Promise<Answer> {
    const { clock, stats } = this.#options
    const sentAtMs = clock.monotonicMs()
    try {
      const answer = await this.#attempts(call, request)
      stats.answered(call.operation, clock.monotonicMs() - sentAtMs)
      return answer as Answer
    } catch (error) {
      stats.failed(call.operation, error)
      throw error
    }
  }

  /**
   * A stream to the member in use, which ends by itself after `lifeMs`, if given. Rejects with StoreUnavailable when
   * no member can be reached within that time or the request timeout. What happens to the stream then is for the
   * caller to see; `suspect` moves on to another member.
   */
  async stream<Request, Answer>(
    service: Service,
    method: string,
    lifeMs?: number,
  ): Promise<EtcdStream<Request, Answer>> {
    const { clock, connection } = this.#options
    const until = clock.monotonicMs() + (lifeMs ?? connection.requestTimeoutMs)
    const { member, metadata } = await this.#reachable(service, until)
    const client = rawClient(member, service)
    const options = lifeMs === undefined ? {} : { deadline: clock.nowMs() + lifeMs }
    const open = client[method] as (
      metadata: Metadata,
      options: object,
    ) => ClientDuplexStream<Request, Answer>
    const stream = open.call(client, metadata, options)
    this.#calls.add(stream)
    // Its reader hears of errors too; one that comes after it stopped reading is none.
    stream.on('error', () => undefined)
    stream.once('close', () => this.#calls.delete(stream))
    return { member, stream }
  }

  /** The next call goes to another member, if there is one; streams to this one should be opened anew. */
  suspect(member: Member): void {
    if (this.#members[this.#at] !== member) return
    this.#at = (this.#at + 1) % this.#members.length
    this.#renewCertificates()
    for (const told of this.#suspicions) told(member)
  }

  /** Returns the function that ends the subscription. */
  onSuspicion(listener: (member: Member) => void): () => void {
    this.#suspicions.add(listener)
    return () => this.#suspicions.delete(listener)
  }

  /** The token is asked for anew before the next call. */
  forgetToken(): void {
    this.#token = undefined
  }

  close(): void {
    this.#closing.abort(new StoreUnavailable('The connection to etcd is closed.'))
    for (const call of this.#calls) call.cancel()
    for (const { host } of this.#members) host.close()
  }

  /**
   * Files of certificates that were replaced are taken up for the connections made from now on. New ones that cannot be
   * used (half written, a key of another certificate) are told, and tried again at the next failure.
   */
  #renewCertificates(): void {
    const { clock, connection, logger } = this.#options
    if (clock.monotonicMs() - this.#lookedAtMs < lookAgainMs || this.#closing.signal.aborted) return
    this.#lookedAtMs = clock.monotonicMs()
    try {
      const tls = connection.tls()
      if (isSameTls(tls, this.#tls)) return
      const channelCredentials = credentialsFor(connection.endpoints, tls)
      for (const member of this.#members) {
        member.host.close()
        member.host = hostAt(member.endpoint, channelCredentials)
      }
      this.#tls = tls
      logger.info('Connections to etcd are made with new certificates.')
    } catch (error) {
      logger.warn({ err: error }, 'The new certificates towards etcd cannot be used; those from before are.')
    }
  }

  async #attempts(call: EtcdCall, request: object): Promise<unknown> {
    const { clock, connection, history } = this.#options
    const deadline = clock.monotonicMs() + (call.timeoutMs ?? connection.requestTimeoutMs)
    for (let attempt = 0; ; attempt++) {
      const { member, metadata } = await this.#reachable(call.service, deadline)
      const known = history.revision
      const remainingMs = deadline - clock.monotonicMs()
      // One member that hangs must not use up the time of all.
      const timeoutMs = call.repeatable && this.#members.length > 1 ? Math.ceil(remainingMs / 2) : remainingMs
      const result = await this.#send(member, call, request, metadata, timeoutMs)
      if (result.kind === 'answer') {
        if (call.judged === 'not') return result.answer
        const refusal = history.observe(result.answer.header, call.judged === 'as agreed' ? known : undefined)
        if (refusal === undefined) return result.answer
        this.#options.onRestored(refusal)
        throw refusal
      }
      const { failure, cause } = result
      if (!this.#mayTryAgain(call, failure, member, deadline)) {
        throw storeError(failure, member.endpoint, call.repeatable, cause)
      }
      await this.#pause(attempt, deadline)
    }
  }

  /** Does what the failure asks for; false when nothing helps, or when trying again could do the thing twice. */
  #mayTryAgain(call: EtcdCall, failure: EtcdFailure, member: Member, deadline: number): boolean {
    const { clock, connection } = this.#options
    if (failure.remedy === 'new token') {
      if (connection.username === null) return false
      this.#token = undefined
    }
    if (failure.remedy === 'other member') this.suspect(member)
    if (failure.remedy === 'none' || this.#closing.signal.aborted) return false
    return (call.repeatable || failure.outcome === 'nothing') && clock.monotonicMs() + firstPauseMs < deadline
  }

  async #pause(attempt: number, deadline: number): Promise<void> {
    const { clock, random } = this.#options
    // With other members to ask, the first round goes without a pause.
    if (attempt < this.#members.length - 1) return
    const wantedMs = backoffMs(attempt, { firstMs: firstPauseMs, mostMs: 1000 }, random)
    await sleep(clock, Math.max(0, Math.min(wantedMs, deadline - clock.monotonicMs())), this.#closing.signal)
  }

  /** A member with an open connection, and what a call to it carries. Rejects with StoreUnavailable: nothing was sent. */
  async #reachable(service: Service, deadline: number): Promise<{ member: Member; metadata: Metadata }> {
    const { clock } = this.#options
    let lastReason = ''
    for (let attempt = 0; ; attempt++) {
      if (this.#closing.signal.aborted) throw this.#closing.signal.reason
      const member = this.#members[this.#at] as Member
      const remainingMs = deadline - clock.monotonicMs()
      const connectMs = this.#members.length > 1 ? Math.min(remainingMs, longestConnectMs) : remainingMs
      const reason = remainingMs > 0 ? await this.#connect(member, service, connectMs) : 'the time is over'
      if (reason === undefined) return { member, metadata: await this.#metadata(member, deadline) }
      this.suspect(member)
      lastReason = remainingMs > 0 ? reason : lastReason || reason
      if (clock.monotonicMs() >= deadline) {
        throw new StoreUnavailable(`etcd cannot be reached: ${lastReason} (${member.endpoint}).`)
      }
      await this.#pause(attempt, deadline)
    }
  }

  /** Resolves with why there is no connection, or undefined when there is one. */
  #connect(member: Member, service: Service, withinMs: number): Promise<string | undefined> {
    const { clock } = this.#options
    const channel = member.host.getServiceClient(service).getChannel()
    const until = clock.nowMs() + withinMs
    return new Promise(resolve => {
      const look = (): void => {
        const state = channel.getConnectivityState(true)
        if (state === connectivityState.READY) return resolve(undefined)
        if (state === connectivityState.TRANSIENT_FAILURE) return resolve('connecting failed')
        if (state === connectivityState.SHUTDOWN) return resolve('the connection is closed')
        channel.watchConnectivityState(state, until, error => {
          if (error === undefined) look()
          else resolve('connecting took too long')
        })
      }
      look()
    })
  }

  async #metadata(member: Member, deadline: number): Promise<Metadata> {
    const metadata = new Metadata()
    metadata.set('hasleader', 'true')
    if (this.#options.connection.username === null) return metadata
    this.#token ??= this.#authenticate(member, deadline).catch((error: unknown) => {
      this.#token = undefined
      throw error
    })
    const token = await this.#token
    if (token !== null) metadata.set('token', token)
    return metadata
  }

  /** Null when this etcd has no authentication switched on. */
  async #authenticate(member: Member, deadline: number): Promise<string | null> {
    const { connection, clock, stats } = this.#options
    const { username, password } = connection
    const request = { name: username, password: password ?? '' }
    const sentAtMs = clock.monotonicMs()
    const result = await this.#send(member, authenticate, request, new Metadata(), deadline - sentAtMs)
    if (result.kind === 'answer') {
      stats.answered('authenticate', clock.monotonicMs() - sentAtMs)
      return (result.answer as unknown as { token: string }).token
    }
    if (/authentication is not enabled/.test(result.failure.sentence)) return null
    const error = storeError(result.failure, member.endpoint, true, result.cause)
    if (result.failure.remedy === 'other member') this.suspect(member)
    stats.failed('authenticate', error)
    throw error
  }

  #send(
    member: Member,
    { service, method }: Pick<EtcdCall, 'service' | 'method'>,
    request: object,
    metadata: Metadata,
    timeoutMs: number,
  ): Promise<SendResult> {
    const { clock } = this.#options
    const client = rawClient(member, service)
    return new Promise(resolve => {
      const options = { deadline: clock.nowMs() + Math.max(1, timeoutMs) }
      const done = (error: unknown, answer: { header: Header } | undefined): void => {
        this.#calls.delete(call)
        if (answer !== undefined && (error === null || error === undefined))
          resolve({ kind: 'answer', answer })
        else if (isGrpcError(error))
          resolve({ kind: 'failure', failure: understandFailure(error), cause: error })
        else resolve({ kind: 'failure', failure: nobodyKnows(error), cause: error })
      }
      const open = client[method] as UnaryMethod
      const call = open.call(client, request, metadata, options, done)
      this.#calls.add(call)
    })
  }
}

export type Service = 'KV' | 'Watch' | 'Lease' | 'Auth'

export interface EtcdCall {
  readonly operation: EtcdOperation
  readonly service: Service
  readonly method: string
  /** Whether doing it twice is no harm. */
  readonly repeatable: boolean
  /** `as agreed`: the answer shows what the members agreed on, so its revision cannot be older than one known before. */
  readonly judged: 'as agreed' | 'as told' | 'not'
  /** Instead of the request timeout. */
  readonly timeoutMs?: number
}

/** One endpoint. */
export interface Member {
  readonly endpoint: string
  host: Host
}

export interface EtcdStream<Request, Answer> {
  readonly member: Member
  readonly stream: ClientDuplexStream<Request, Answer>
}

export interface EtcdConnection {
  /** http://host:port or https://host:port, all of one kind; at least one. */
  readonly endpoints: readonly string[]
  readonly username: string | null
  readonly password: string | null
  /** As it is now: asked again when connections fail. Throws a sentence when a file is missing. */
  readonly tls: () => EtcdTls
  readonly requestTimeoutMs: number
}

/** PEM; null: the system's authorities, no certificate of one's own. */
export interface EtcdTls {
  readonly ca: Buffer | null
  readonly certificate: Buffer | null
  readonly key: Buffer | null
}

export interface EtcdClientOptions {
  readonly connection: EtcdConnection
  readonly history: EtcdHistory
  readonly stats: EtcdStats
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly onRestored: (refusal: Error) => void
}

type SendResult =
  | { readonly kind: 'answer'; readonly answer: { readonly header: Header } }
  | { readonly kind: 'failure'; readonly failure: EtcdFailure; readonly cause: unknown }

type UnaryMethod = (
  request: object,
  metadata: Metadata,
  options: object,
  done: (error: unknown, answer: { header: Header } | undefined) => void,
) => { cancel(): void }

const authenticate = { service: 'Auth', method: 'authenticate' } as const
const firstPauseMs = 50
const lookAgainMs = 2000
const longestConnectMs = 2000

/** Of a watch that catches up; fragments keep answers of etcd below 2 MiB. */
const longestAnswerBytes = 64 * 1024 * 1024

const channelOptions = {
  'grpc.max_receive_message_length': longestAnswerBytes,
  'grpc.max_send_message_length': longestAnswerBytes,
  // Members allow a ping every 5 s and hang up on who asks more often.
  'grpc.keepalive_time_ms': 6000,
  'grpc.keepalive_timeout_ms': 4000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  // A member whose pod was restarted has another address behind its name. By default a name is looked up every 30 s at
  // most, and leases of brokers end before that.
  'grpc.dns_min_time_between_resolutions_ms': 500,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_retries': 0,
}

function credentialsFor(endpoints: readonly string[], { ca, certificate, key }: EtcdTls): ChannelCredentials {
  return endpoints.some(endpoint => endpoint.startsWith('https://'))
    ? credentials.createSsl(ca, key, certificate)
    : credentials.createInsecure()
}

function hostAt(endpoint: string, channelCredentials: ChannelCredentials): Host {
  return new Host(endpoint.replace(/\/$/, ''), channelCredentials, channelOptions)
}

function isSameTls(one: EtcdTls, other: EtcdTls): boolean {
  const isSame = (left: Buffer | null, right: Buffer | null): boolean =>
    left === null || right === null ? left === right : left.equals(right)
  return isSame(one.ca, other.ca) && isSame(one.certificate, other.certificate) && isSame(one.key, other.key)
}

/** The methods that a client of this package has are made from etcd's protocol buffers when it is loaded. */
function rawClient(member: Member, service: Service): Record<string, unknown> {
  return member.host.getServiceClient(service) as unknown as Record<string, unknown>
}

function nobodyKnows(error: unknown): EtcdFailure {
  return {
    outcome: 'unknown',
    remedy: 'other member',
    kind: 'other',
    sentence: `etcd failed: ${error instanceof Error ? error.message : 'it answered nothing'}`,
  }
}
