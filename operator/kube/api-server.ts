/**
 * Requests to the API server: get, list in pages, watch, server-side apply under one field manager, status, patch,
 * delete, create. Every answer has a deadline, refusals are ApiErrors, the rate is limited. Nothing is repeated here.
 */
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import type { KubeObject, ObjectRef } from '../resources/kube-object.ts'
import { ApiError } from './api-error.ts'
import type { ApiAccess } from './credentials.ts'
import { collectionPath, type Kind, objectPath } from './paths.ts'
import { RateLimit } from './rate-limit.ts'

export const fieldManager = 'barnabas-operator'

export interface Selection {
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
}

export interface ListPage {
  readonly items: readonly KubeObject[]
  readonly resourceVersion: string
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: KubeObject & {
    readonly code?: number
    readonly message?: string
    readonly reason?: string
  }
}

/** Counts for metrics. */
export interface RequestObserver {
  requested(verb: string, code: number): void
}

interface Asked {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  readonly contentType?: string
  readonly signal?: AbortSignal | undefined
}

const requestTimeoutMs = 30_000
const pageSize = 100
const longestBody = 64 * 2 ** 20

export class ApiServer {
  readonly #access: ApiAccess
  readonly #clock: Clock
  readonly #rate: RateLimit
  readonly #observer: RequestObserver
  readonly #agent: HttpAgent | HttpsAgent
  /** Watches hold their connections for minutes, so they do not take those of requests. */
  readonly #watchAgent: HttpAgent | HttpsAgent

  constructor(
    access: ApiAccess,
    options: {
      readonly clock?: Clock
      readonly perSecond?: number
      readonly burst?: number
      readonly observer?: RequestObserver
    } = {},
  ) {
    this.#access = access
    this.#clock = options.clock ?? systemClock
    this.#rate = new RateLimit(this.#clock, {
      perSecond: options.perSecond ?? 50,
      burst: options.burst ?? 100,
    })
    this.#observer = options.observer ?? { requested: () => {} }
    const Agent = access.server.protocol === 'http:' ? HttpAgent : HttpsAgent
    this.#agent = new Agent({ keepAlive: true, maxSockets: 8 })
    this.#watchAgent = new Agent({ keepAlive: true, maxSockets: 100 })
  }

  /** Undefined when there is none. */
  async get(ref: ObjectRef): Promise<KubeObject | undefined> {
    try {
      return (await this.#ask({ method: 'GET', path: objectPath(ref) })) as KubeObject
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }

  /** All that are selected, read page by page at one version. */
  async list(
    kind: Kind,
    selection: Selection & { readonly fieldSelector?: string } = {},
    signal?: AbortSignal,
  ): Promise<ListPage> {
    const { labelSelector, fieldSelector } = selection
    const items: KubeObject[] = []
    let token: string | undefined
    for (;;) {
      const page = (await this.#ask({
        method: 'GET',
        path: collectionPath(kind, selection.namespace),
        query: { labelSelector, fieldSelector, limit: String(pageSize), continue: token },
        signal,
      })) as {
        readonly items?: readonly KubeObject[]
        readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
      }
      // Items of a list come without their kind.
      for (const item of page.items ?? [])
        items.push({ ...item, apiVersion: kind.apiVersion, kind: kind.kind })
      token = page.metadata?.continue
      if (token === undefined || token === '') {
        return { items, resourceVersion: page.metadata?.resourceVersion ?? '' }
      }
    }
  }

  /** Creates or changes the fields given, and takes away those that we had set and no longer give. */
  async apply(object: KubeObject, options: { readonly dryRun?: boolean } = {}): Promise<KubeObject> {
    return (await this.#ask({
      method: 'PATCH',
      path: objectPath({ ...object, ...object.metadata }),
      query: { fieldManager, force: 'true', dryRun: options.dryRun === true ? 'All' : undefined },
      body: object,
      contentType: 'application/apply-patch+yaml',
    })) as KubeObject
  }

  /** The whole status; fields that are not given any more go. Fails with a conflict when the object is another one. */
  async applyStatus(ref: ObjectRef, uid: string, status: unknown): Promise<KubeObject> {
    const { apiVersion, kind, namespace, name } = ref
    return (await this.#ask({
      method: 'PATCH',
      path: objectPath(ref, 'status'),
      query: { fieldManager: `${fieldManager}-status`, force: 'true' },
      body: { apiVersion, kind, metadata: { namespace, name, uid }, status },
      contentType: 'application/apply-patch+yaml',
    })) as KubeObject
  }

  /** A JSON merge patch; with metadata.resourceVersion in it, only if nobody wrote in between. */
  async mergePatch(ref: ObjectRef, patch: unknown): Promise<KubeObject> {
    return (await this.#ask({
      method: 'PATCH',
      path: objectPath(ref),
      query: { fieldManager },
      body: patch,
      contentType: 'application/merge-patch+json',
    })) as KubeObject
  }

  async create(object: KubeObject): Promise<KubeObject> {
    const { namespace } = object.metadata
    return (await this.#ask({
      method: 'POST',
      path: collectionPath(object, namespace),
      query: { fieldManager },
      body: object,
    })) as KubeObject
  }

  /** Fails with a conflict when resourceVersion in the object is not the newest. */
  async replace(object: KubeObject): Promise<KubeObject> {
    return (await this.#ask({
      method: 'PUT',
      path: objectPath({ ...object, ...object.metadata }),
      query: { fieldManager },
      body: object,
    })) as KubeObject
  }

  /** Only that very object, if a uid is given; one that is gone already is as good. */
  async delete(ref: ObjectRef, options: { readonly uid?: string | undefined } = {}): Promise<void> {
    try {
      await this.#ask({
        method: 'DELETE',
        path: objectPath(ref),
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy: 'Background',
          ...(options.uid === undefined ? {} : { preconditions: { uid: options.uid } }),
        },
      })
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error
    }
  }

  /**
   * Changes from `resourceVersion` on, until the server ends the stream, `silentMs` pass without a word, or the signal is
   * aborted. The server sends bookmarks about once a minute, so silence means that the connection is dead.
   */
  async *watch(
    kind: Kind,
    selection: Selection,
    options: { readonly resourceVersion: string; readonly silentMs: number; readonly signal: AbortSignal },
  ): AsyncGenerator<WatchEvent> {
    const response = await this.#open({
      method: 'GET',
      path: collectionPath(kind, selection.namespace),
      query: {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: options.resourceVersion,
        labelSelector: selection.labelSelector,
      },
      signal: options.signal,
    })
    const silence = (): ReturnType<Clock['after']> =>
      this.#clock.after(options.silentMs, () =>
        response.destroy(
          new ApiError(`The watch of ${kind.kind} was silent for ${options.silentMs} ms.`, {
            status: 0,
            reason: 'Silent',
          }),
        ),
      )
    let timer = silence()
    try {
      response.setEncoding('utf8')
      let rest = ''
      for await (const text of response as AsyncIterable<string>) {
        timer.cancel()
        timer = silence()
        rest += text
        const lines = rest.split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (line !== '') yield JSON.parse(line) as WatchEvent
      }
    } finally {
      timer.cancel()
      response.destroy()
    }
  }

  close(): void {
    this.#agent.destroy()
    this.#watchAgent.destroy()
  }

  async #ask(asked: Asked): Promise<unknown> {
    const response = await this.#open(asked)
    const chunks: Buffer[] = []
    let size = 0
    const late = this.#clock.after(requestTimeoutMs, () => response.destroy(lateError(asked)))
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.length
        if (size > longestBody)
          throw new ApiError('The answer is too long.', { status: 0, reason: 'TooLong' })
        chunks.push(chunk)
      }
    } catch (error) {
      if (error instanceof ApiError) throw error
      throw networkError(asked, error)
    } finally {
      late.cancel()
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  }

  /** Resolves with an answer whose status is good. */
  async #open(asked: Asked): Promise<IncomingMessage> {
    await this.#rate.take(asked.signal)
    const isWatch = asked.query?.['watch'] === 'true'
    const verb = isWatch ? 'WATCH' : asked.method
    const response = await this.#send(asked, isWatch ? this.#watchAgent : this.#agent).catch(
      (error: unknown) => {
        this.#observer.requested(verb, 0)
        throw error instanceof ApiError ? error : networkError(asked, error)
      },
    )
    const status = response.statusCode ?? 0
    this.#observer.requested(verb, status)
    if (status >= 200 && status < 300) return response
    const error = await refusal(asked, response)
    if (status === 429) this.#rate.closeFor(error.retryAfterMs ?? 1000)
    throw error
  }

  async #send(asked: Asked, agent: HttpAgent | HttpsAgent): Promise<IncomingMessage> {
    const { server } = this.#access
    const options = await this.#access.requestOptions()
    const body = asked.body === undefined ? undefined : JSON.stringify(asked.body)
    const url = new URL(asked.path, server)
    for (const [name, value] of Object.entries(asked.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value)
    }
    return new Promise((resolve, reject) => {
      const send = server.protocol === 'http:' ? httpRequest : httpsRequest
      const request: ClientRequest = send(
        url,
        {
          ...options,
          agent,
          method: asked.method,
          ...(asked.signal === undefined ? {} : { signal: asked.signal }),
          headers: {
            ...options.headers,
            Accept: 'application/json',
            'User-Agent': fieldManager,
            ...(body === undefined
              ? {}
              : {
                  'Content-Type': asked.contentType ?? 'application/json',
                  'Content-Length': Buffer.byteLength(body),
                }),
          },
        },
        response => {
          late.cancel()
          resolve(response)
        },
      )
      const late = this.#clock.after(requestTimeoutMs, () => request.destroy(lateError(asked)))
      request.on('error', error => {
        late.cancel()
        reject(error)
      })
      request.end(body)
    })
  }
}

function lateError({ method, path }: Asked): ApiError {
  return new ApiError(`The API server did not answer ${method} ${path} within ${requestTimeoutMs} ms.`, {
    status: 0,
    reason: 'Timeout',
  })
}

function networkError({ method, path }: Asked, cause: unknown): ApiError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new ApiError(`The API server could not be asked ${method} ${path}: ${why}`, {
    status: 0,
    reason: 'Unreachable',
    cause,
  })
}

async function refusal({ method, path }: Asked, response: IncomingMessage): Promise<ApiError> {
  const status = response.statusCode ?? 0
  let text = ''
  response.setEncoding('utf8')
  for await (const piece of response as AsyncIterable<string>) if (text.length < 65_536) text += piece
  let told: { readonly message?: string; readonly reason?: string } = {}
  try {
    told = JSON.parse(text) as typeof told
  } catch {
    // Not a Status object: a proxy in between answered.
  }
  const seconds = Number(response.headers['retry-after'])
  return new ApiError(told.message ?? `${method} ${path}: ${status} ${text.slice(0, 200)}`, {
    status,
    reason: told.reason ?? 'Unknown',
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined,
  })
}
