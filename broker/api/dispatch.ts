import {
  type Api,
  beginFrame,
  decodeRequest,
  decodeRequestHeader,
  encodeResponse,
  type Encodable,
  encodeResponseHeader,
  endFrame,
  errorCode,
  ProtocolError,
  Reader,
  type Writer,
} from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { RequestStats } from '../metrics/request-stats.ts'
import { apiVersionsKey, unsupportedApiVersions } from './api-versions.ts'
import { Exchange, type ExchangeOwner, type ServedApi } from './exchange.ts'
import { type ErrorWalk, errorWalk, failureResponse } from './failure-response.ts'
import { type ApiHandler, type ApiHandlers, LateAnswer, noResponse, Unanswerable } from './handler.ts'

/**
 * From a frame's bytes to the handler of its API, and from the handler's answer back to bytes.
 *
 * What cannot be served at all (unknown API, unsupported version, bytes that do not parse) is a `RequestRefused` or a
 * ProtocolError: the connection is closed, as Kafka does. A handler that fails unexpectedly becomes
 * UNKNOWN_SERVER_ERROR where its response has room for that.
 */
export class Dispatcher {
  readonly #served = new Map<number, Served>()
  readonly #clock: Clock

  constructor(parts: { readonly handlers: ApiHandlers; readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = parts.clock
    for (const [key, handler] of parts.handlers) this.#served.set(key, new Served(handler, parts.logger))
  }

  *stats(): Iterable<RequestStats> {
    for (const served of this.#served.values()) yield served.stats
  }

  /**
   * Starts the request that lies between `start` and `end` (at least eight bytes): its handler's synchronous part has run
   * when this returns. The bytes are not needed any more then.
   */
  start(
    bytes: Buffer,
    start: number,
    end: number,
    connection: ExchangeOwner,
    receivedAtMs: number,
  ): Exchange {
    const apiKey = bytes.readInt16BE(start)
    const apiVersion = bytes.readInt16BE(start + 2)
    const correlationId = bytes.readInt32BE(start + 4)
    const served = this.#served.get(apiKey)
    if (served === undefined)
      throw new RequestRefused('unknownApi', `API key ${apiKey} (version ${apiVersion}) is not served here`)
    const { handler, stats } = served
    const { api, borrowsBytes } = handler
    stats.countRequest(apiVersion, end - start)
    const startedAtMs = this.#clock.monotonicMs()
    if (apiVersion < api.versions.min || apiVersion > api.versions.max) {
      if (apiKey !== apiVersionsKey) throw unsupportedVersion(handler, apiVersion)
      const refusal = apiVersionsOfAnotherTime(served, apiVersion, correlationId, connection, receivedAtMs)
      this.#worked(refusal, startedAtMs)
      return refusal
    }

    const reader = new Reader(bytes, start, end, { borrow: borrowsBytes })
    const { clientId } = decodeRequestHeader(reader)
    const request = decodeBody(api, apiVersion, reader)
    const exchange = new Exchange({
      apiKey,
      apiVersion,
      correlationId,
      clientId,
      receivedAtMs,
      connection,
      served,
      heldBytes: borrowsBytes ? 0 : end - start,
    })
    if (handler.failure !== undefined) exchange.request = request
    serve(exchange, request)
    this.#worked(exchange, startedAtMs)
    return exchange
  }

  /** The exchange was waiting and is no more. */
  settled(exchange: Exchange): void {
    const nowMs = this.#clock.monotonicMs()
    exchange.served.stats.remote.record(nowMs - exchange.stageSinceMs)
    exchange.stageSinceMs = nowMs
  }

  /**
   * Appends the answer's frame. A response that cannot be encoded counts as a handler that failed; when there is no other
   * answer either, the exchange becomes `refused`, nothing was appended and the result is false. To be told of by `sent`.
   */
  encode(exchange: Exchange, writer: Writer): boolean {
    this.#leaves(exchange)
    const before = writer.position
    const { served } = exchange
    if (!tryAppend(exchange, writer) && !(exchange.state === 'answered' && tryAppend(exchange, writer))) {
      exchange.refused(`${served.handler.api.name} v${exchange.apiVersion} failed unexpectedly`)
      return false
    }
    served.stats.bytesOut += writer.position - before
    served.countErrors(exchange.response)
    exchange.response = undefined
    return true
  }

  /** Ends an exchange that has no answer, when its turn has come. */
  finish(exchange: Exchange): void {
    this.#leaves(exchange)
    this.sent(exchange)
  }

  /** The answer, and those that are linked to it, are with the operating system, or lost together with the connection. */
  sent(first: Exchange | undefined): void {
    if (first === undefined) return
    const nowMs = this.#clock.monotonicMs()
    for (let exchange: Exchange | undefined = first; exchange !== undefined; exchange = exchange.next) {
      const { stats } = exchange.served
      stats.responseSend.record(nowMs - exchange.stageSinceMs)
      stats.total.record(nowMs - exchange.receivedAtMs)
    }
  }

  #worked(exchange: Exchange, startedAtMs: number): void {
    const { stats } = exchange.served
    const nowMs = this.#clock.monotonicMs()
    stats.requestQueue.record(startedAtMs - exchange.receivedAtMs)
    stats.local.record(nowMs - startedAtMs)
    if (exchange.state !== 'waiting') stats.remote.record(0)
    exchange.stageSinceMs = nowMs
  }

  #leaves(exchange: Exchange): void {
    const nowMs = this.#clock.monotonicMs()
    exchange.served.stats.responseQueue.record(nowMs - exchange.stageSinceMs)
    exchange.stageSinceMs = nowMs
  }
}

/** A request that is not served at all; `message` is a clause for the log. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
  readonly kind: 'unknownApi' | 'unsupportedVersion'

  constructor(kind: RequestRefused['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

class Served implements ServedApi {
  readonly handler: ApiHandler
  readonly stats: RequestStats
  readonly #logger: Logger
  readonly #walk: ErrorWalk | undefined
  readonly #count: (code: number) => void

  constructor(handler: ApiHandler, logger: Logger) {
    this.handler = handler
    this.stats = new RequestStats(handler.api.name)
    this.#logger = logger
    this.#walk = errorWalk(handler.api.response.fields)
    this.#count = code => this.stats.countError(code)
  }

  countErrors(response: unknown): void {
    this.#walk?.(response, this.#count)
  }

  failed(exchange: Exchange, error: unknown): void {
    const { api } = this.handler
    if (error instanceof ProtocolError) {
      exchange.refused(`${api.name} v${exchange.apiVersion} could not be read: ${error.message}`)
      return
    }
    if (error instanceof Unanswerable) {
      exchange.refused(`${api.name} v${exchange.apiVersion} cannot be answered: ${error.message}`)
      return
    }
    this.#logger.error(
      {
        err: error,
        api: api.name,
        version: exchange.apiVersion,
        client: exchange.clientId,
        connection: exchange.connection.id,
      },
      'A request failed unexpectedly.',
    )
    const response = this.#failureResponse(exchange)
    if (response === undefined) {
      this.stats.countError(errorCode('UNKNOWN_SERVER_ERROR'))
      exchange.refused(`${api.name} v${exchange.apiVersion} failed unexpectedly`)
    } else exchange.answered(response)
  }

  #failureResponse(exchange: Exchange): unknown {
    const { api, failure } = this.handler
    if (failure === undefined)
      return failureResponse(api, exchange.apiVersion, errorCode('UNKNOWN_SERVER_ERROR'))
    try {
      return failure(exchange.request, exchange)
    } catch (error) {
      this.#logger.error({ err: error, api: api.name }, 'Building the answer to a failed request failed too.')
      return undefined
    }
  }
}

/** False, with the writer as it was before: the response could not be encoded, and the exchange has failed. */
function tryAppend(exchange: Exchange, writer: Writer): boolean {
  const { api } = exchange.served.handler
  const before = writer.position
  try {
    const frame = beginFrame(writer)
    encodeResponseHeader(api, exchange.responseVersion, exchange.correlationId, writer)
    // The handler of this API made the response, so it is one of this API.
    encodeResponse(api, exchange.responseVersion, exchange.response as Encodable<Api['response']>, writer)
    endFrame(writer, frame)
    return true
  } catch (error) {
    writer.position = before
    exchange.state = 'waiting'
    exchange.failed(error)
    return false
  }
}

function serve(exchange: Exchange, request: unknown): void {
  try {
    const answer = exchange.served.handler.handle(request, exchange)
    if (answer === noResponse) exchange.silenced()
    else if (answer instanceof LateAnswer) answer.onSettled(exchange)
    else if (answer instanceof Promise) {
      answer.then(
        response => (response === noResponse ? exchange.silenced() : exchange.answered(response)),
        (error: unknown) => exchange.failed(error),
      )
    } else exchange.answered(answer)
  } catch (error) {
    exchange.failed(error)
  }
}

function decodeBody(api: Api, apiVersion: number, reader: Reader): unknown {
  const request = decodeRequest(api, apiVersion, reader)
  if (reader.remaining === 0) return request
  throw new ProtocolError(
    `${api.name} v${apiVersion} cannot be read. ${reader.remaining} bytes follow its end.`,
  )
}

function unsupportedVersion({ api }: ApiHandler, apiVersion: number): RequestRefused {
  const { min, max } = api.versions
  return new RequestRefused(
    'unsupportedVersion',
    `${api.name} v${apiVersion} is not supported; versions ${min} to ${max} are`,
  )
}

/** The one request that is answered in whatever version it comes: in version 0, so that the client learns what it can use. */
function apiVersionsOfAnotherTime(
  served: ServedApi,
  apiVersion: number,
  correlationId: number,
  connection: ExchangeOwner,
  receivedAtMs: number,
): Exchange {
  const exchange = new Exchange({
    apiKey: apiVersionsKey,
    apiVersion,
    correlationId,
    clientId: null,
    receivedAtMs,
    connection,
    served,
    heldBytes: 0,
  })
  exchange.responseVersion = 0
  exchange.answered(unsupportedApiVersions())
  return exchange
}
