import type { Api, Decoded, Encodable } from '../../protocol/index.ts'
import { assert } from '../../runtime/assert.ts'
import { answerSizeOf } from './answer-size.ts'
import type { RequestContext } from './request-context.ts'

export type { RequestContext } from './request-context.ts'

/** What a handler returns when the request has no answer at all (Produce with acks=0). */
export const noResponse: unique symbol = Symbol('no response')

/**
 * Thrown by a handler that could say nothing yet that a client may believe: the connection is closed, and the client asks
 * again, or somebody else. `message` is a clause for the log.
 */
export class Unanswerable extends Error {
  override readonly name = 'Unanswerable'
}

/**
 * An answer that comes later, without the cost of a promise: when it is settled during a turn's end (`turn.write`), it
 * still leaves in that very turn. Settled once, by `answer` or `fail`; settling again does nothing.
 */
export class LateAnswer<Response> {
  #listener: LateAnswerListener<Response> | undefined
  #outcome: { kind: 'answered'; response: Response } | { kind: 'failed'; error: unknown } | undefined

  get settled(): boolean {
    return this.#outcome !== undefined
  }

  answer(response: Response): void {
    if (this.#outcome !== undefined) return
    this.#outcome = { kind: 'answered', response }
    this.#listener?.answered(response)
  }

  fail(error: unknown): void {
    if (this.#outcome !== undefined) return
    this.#outcome = { kind: 'failed', error }
    this.#listener?.failed(error)
  }

  /** For the one who writes the answer. */
  onSettled(listener: LateAnswerListener<Response>): void {
    assert(this.#listener === undefined, 'An answer has one listener.')
    this.#listener = listener
    if (this.#outcome?.kind === 'answered') listener.answered(this.#outcome.response)
    else if (this.#outcome?.kind === 'failed') listener.failed(this.#outcome.error)
  }
}

export interface LateAnswerListener<Response> {
  answered(response: Response): void
  failed(error: unknown): void
}

export type Answer<Response> = Response | Promise<Response> | LateAnswer<Response> | typeof noResponse

export interface HandlerOptions<Request, Response> {
  /**
   * Bytes and records of the request are views into the read buffer, valid only until the handler returns or first awaits.
   * Without it they are copies.
   */
  readonly borrowsBytes?: boolean
  /**
   * About how many bytes the answer will take, so that it is written into one buffer of the right size. Without it: as much as
   * the records in it, and a little more.
   */
  readonly answerSize?: (response: Response) => number
  /** The answer when the handler failed unexpectedly. Without it: UNKNOWN_SERVER_ERROR at the top of the answer, else the connection is closed. */
  readonly failure?: (request: Request, context: RequestContext) => Response
}

/** One API as this broker serves it. */
export interface ApiHandler {
  readonly api: Api
  readonly borrowsBytes: boolean
  /** Called with the decoded request of `api`, and nothing else. */
  handle(request: unknown, context: RequestContext): Answer<unknown>
  readonly answerSize: (response: unknown) => number
  readonly failure: ((request: unknown, context: RequestContext) => unknown) | undefined
}

/** Key → handler. What stands here is served and advertised; nothing else is. */
export type ApiHandlers = ReadonlyMap<number, ApiHandler>

/**
 * A handler of one API. Its synchronous part runs in the order in which requests came on a connection; answers leave in
 * that order too. It must take its place (in a log, in a queue) before it first waits. A plain object as answer costs no promise.
 */
export function handler<Served extends Api>(
  api: Served,
  options: HandlerOptions<Decoded<Served['request']>, Encodable<Served['response']>>,
  handle: (
    request: Decoded<Served['request']>,
    context: RequestContext,
  ) => Answer<Encodable<Served['response']>>,
): ApiHandler {
  const { borrowsBytes = false, answerSize, failure } = options
  // Dispatch hands a handler only what was decoded by its own api, so the types are those of that api.
  return {
    api,
    borrowsBytes,
    handle: handle as ApiHandler['handle'],
    answerSize: (answerSize as ApiHandler['answerSize'] | undefined) ?? answerSizeOf(api.response.fields),
    failure: failure as ApiHandler['failure'],
  }
}

export function apiHandlers(handlers: readonly ApiHandler[]): ApiHandlers {
  const byKey = new Map<number, ApiHandler>()
  for (const one of handlers) {
    assert(!byKey.has(one.api.key), 'Two handlers serve the same API.', { api: one.api.name })
    byKey.set(one.api.key, one)
  }
  return byKey
}
