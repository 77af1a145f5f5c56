import * as grpc from '@grpc/grpc-js'
import type { ControlAddress } from '../metadata/image.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import { pathOf } from './control-api.ts'
import { mostAnswerBytes, mostRequestBytes } from './control-server.ts'
import { controlStatus } from './control-status.ts'
import { type ControlTls, channelCredentials } from './control-tls.ts'

/** What became of one call. */
export type CallOutcome =
  | { readonly kind: 'answered'; readonly bytes: Buffer }
  /** Nothing was sent. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** The broker answered with a status and did nothing; `reason` is its sentence. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  /** It was sent, and no answer came. */
  | { readonly kind: 'lost'; readonly reason: string }

/** How long a connection may take to come about before the caller is told. */
const longestConnectMs = 3000

/** How long the answer to a call that nobody wants any more may still come. */
const lastWordMs = 500

const channelOptions: grpc.ClientOptions = {
  'grpc.max_send_message_length': mostRequestBytes,
  'grpc.max_receive_message_length': mostAnswerBytes,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
  // A pod that was restarted has another address behind the same name.
  'grpc.dns_min_time_between_resolutions_ms': 1000,
  // Whether something may be sent twice is decided by the caller.
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_channelz': 0,
}

/** Calls of other brokers' control services, over one connection each that is kept and made again when it breaks. */
export class ControlConnections {
  readonly #tls: () => ControlTls | null
  readonly #clock: Clock
  readonly #clients = new Map<string, Connection>()
  #closed = false

  constructor(options: { readonly tls: () => ControlTls | null; readonly clock: Clock }) {
    this.#tls = options.tls
    this.#clock = options.clock
  }

  /** Never rejects; ends within `withinMs`. Once the signal is aborted nothing is sent, and an answer is waited for only shortly. */
  async call(
    address: ControlAddress,
    method: string,
    request: Buffer,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<CallOutcome> {
    if (this.#closed) return { kind: 'unreachable', reason: 'this broker stops' }
    const client = this.#client(address)
    const deadlineMs = this.#clock.nowMs() + withinMs
    const connectBy = Math.min(deadlineMs, this.#clock.nowMs() + longestConnectMs)
    const unreachable = await connected(client, connectBy, signal)
    if (unreachable !== null) return { kind: 'unreachable', reason: unreachable }
    return send(client, method, request, { deadlineMs, signal, clock: this.#clock })
  }

  /** Lets go of connections to addresses that no broker has any more. */
  keepOnly(addresses: Iterable<ControlAddress>): void {
    const kept = new Set([...addresses].map(keyOf))
    for (const [key, { client }] of this.#clients) {
      if (kept.has(key)) continue
      this.#clients.delete(key)
      client.close()
    }
  }

  close(): void {
    this.#closed = true
    this.keepOnly([])
  }

  #client(address: ControlAddress): grpc.Client {
    const key = keyOf(address)
    const tls = address.tls ? this.#tls() : null
    const known = this.#clients.get(key)
    if (known?.tls === tls) return known.client
    known?.client.close()
    const credentials = address.tls ? channelCredentials(tls) : grpc.credentials.createInsecure()
    const client = new grpc.Client(hostAndPort(address), credentials, channelOptions)
    this.#clients.set(key, { client, tls })
    return client
  }
}

interface Connection {
  readonly client: grpc.Client
  /** The certificates it was made with. */
  readonly tls: ControlTls | null
}

/** Null when it is, else why not. */
function connected(client: grpc.Client, deadlineMs: number, signal: AbortSignal): Promise<string | null> {
  return new Promise(resolve => {
    const onAbort = (): void => resolve('it is not asked any more')
    signal.addEventListener('abort', onAbort, { once: true })
    client.waitForReady(deadlineMs, error => {
      signal.removeEventListener('abort', onAbort)
      resolve(error === undefined || error === null ? null : 'no connection comes about')
    })
    if (signal.aborted) onAbort()
  })
}

function send(
  client: grpc.Client,
  method: string,
  request: Buffer,
  { deadlineMs, signal, clock }: { deadlineMs: number; signal: AbortSignal; clock: Clock },
): Promise<CallOutcome> {
  const bytes = (value: Buffer): Buffer => value
  return new Promise(resolve => {
    let timer: Timer | undefined
    const onAbort = (): void => {
      timer = clock.after(lastWordMs, () => call.cancel())
    }
    const call = client.makeUnaryRequest(
      pathOf(method),
      bytes,
      bytes,
      request,
      { deadline: deadlineMs },
      (error, answer) => {
        timer?.cancel()
        signal.removeEventListener('abort', onAbort)
        if (error === null && answer !== undefined) resolve({ kind: 'answered', bytes: answer })
        else resolve(failureOf(error))
      },
    )
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** With these nothing was done; they come from the broker alone. */
const refusals: ReadonlySet<number> = new Set([
  controlStatus.invalidArgument,
  controlStatus.failedPrecondition,
  controlStatus.unimplemented,
])

function failureOf(error: grpc.ServiceError | null): CallOutcome {
  if (error === null) return { kind: 'lost', reason: 'it came without an answer' }
  const { code, details } = error
  return refusals.has(code)
    ? { kind: 'refused', status: code, reason: details }
    : { kind: 'lost', reason: details }
}

function keyOf({ host, port, tls }: ControlAddress): string {
  return `${tls ? 'https' : 'http'}://${host}:${port}`
}

function hostAndPort({ host, port }: ControlAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
