/**
 * An API server over real HTTP with nothing behind it but a map: enough to try lists, watches and refusals. It knows no
 * schemas and no controllers; what depends on those is tested on a real one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ApiAccess } from '../../operator/kube/credentials.ts'
import type { KubeObject } from '../../operator/resources/kube-object.ts'

interface Watcher {
  readonly path: string
  readonly response: ServerResponse
}

export interface Refusal {
  readonly status: number
  readonly reason: string
  readonly message?: string
  readonly headers?: Readonly<Record<string, string>>
}

type Json = Record<string, unknown>

export class FakeApiServer {
  readonly #server: Server
  readonly #objects = new Map<string, KubeObject>()
  readonly #watchers = new Set<Watcher>()
  /** Path → how the next requests to it are refused. */
  readonly #refusals: { readonly matches: RegExp; readonly refusal: Refusal }[] = []
  readonly requests: { readonly method: string; readonly url: string; readonly body: unknown }[] = []
  #revision = 100
  #oldest = 0

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(): Promise<FakeApiServer> {
    const server = createServer()
    const fake = new FakeApiServer(server)
    server.on('request', (request, response) => {
      fake.#answer(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return fake
  }

  get access(): ApiAccess {
    const { port } = this.#server.address() as AddressInfo
    return {
      server: new URL(`http://127.0.0.1:${port}`),
      namespace: 'default',
      requestOptions: () => Promise.resolve({ headers: { Authorization: 'Bearer of-a-test' } }),
    }
  }

  get watches(): number {
    return this.#watchers.size
  }

  object(path: string): KubeObject | undefined {
    return this.#objects.get(path)
  }

  /** The next request whose method and path match is refused. */
  refuseNext(matches: RegExp, refusal: Refusal): void {
    this.#refusals.push({ matches, refusal })
  }

  put(path: string, object: KubeObject): KubeObject {
    const before = this.#objects.get(path)
    const revision = ++this.#revision
    const stored = {
      ...object,
      metadata: {
        uid: `uid-${revision}`,
        ...before?.metadata,
        ...object.metadata,
        resourceVersion: String(revision),
      },
    }
    this.#objects.set(path, stored)
    this.#tell(path, before === undefined ? 'ADDED' : 'MODIFIED', stored)
    return stored
  }

  remove(path: string): void {
    const object = this.#objects.get(path)
    if (object === undefined) return
    this.#objects.delete(path)
    const resourceVersion = String(++this.#revision)
    this.#tell(path, 'DELETED', { ...object, metadata: { ...object.metadata, resourceVersion } })
  }

  /** Removes without telling: what a watch that was cut off does not hear of. */
  removeSilently(path: string): void {
    this.#objects.delete(path)
    this.#revision += 1
  }

  /** Watches from earlier versions are answered with 410 from now on. */
  forgetHistory(): void {
    this.#oldest = ++this.#revision
  }

  bookmark(): void {
    const object = { kind: 'Bookmark', metadata: { resourceVersion: String(++this.#revision) } }
    for (const { response } of this.#watchers)
      response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`)
  }

  endWatches(): void {
    for (const { response } of this.#watchers) response.end()
    this.#watchers.clear()
  }

  async close(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  #tell(path: string, type: string, object: unknown): void {
    for (const watcher of this.#watchers) {
      if (isIn(path, watcher.path)) watcher.response.write(`${JSON.stringify({ type, object })}\n`)
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const piece of request) text += String(piece)
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const url = new URL(request.url ?? '/', 'http://fake')
    const method = request.method ?? 'GET'
    this.requests.push({ method, url: request.url ?? '/', body })
    const at = this.#refusals.findIndex(({ matches }) => matches.test(`${method} ${request.url}`))
    const [refused] = at < 0 ? [] : this.#refusals.splice(at, 1)
    if (refused !== undefined) {
      const { status, reason, message = `refused with ${status}`, headers } = refused.refusal
      send(response, status, { kind: 'Status', reason, message }, headers)
      return
    }
    const path = url.pathname.replace(/\/status$/, '')
    if (method === 'GET' && url.searchParams.get('watch') === 'true') {
      this.#watch(path, Number(url.searchParams.get('resourceVersion')), response)
    } else if (method === 'GET') this.#get(path, url, response)
    else this.#write(method, path, body as Json, response)
  }

  #watch(path: string, from: number, response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    if (from < this.#oldest) {
      const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old', metadata: {} }
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`)
      return
    }
    const watcher = { path, response }
    this.#watchers.add(watcher)
    response.on('close', () => this.#watchers.delete(watcher))
    response.flushHeaders()
    for (const [at, object] of this.#objects) {
      if (!isIn(at, path) || Number(object.metadata.resourceVersion) <= from) continue
      response.write(`${JSON.stringify({ type: 'MODIFIED', object })}\n`)
    }
  }

  #get(path: string, url: URL, response: ServerResponse): void {
    const object = this.#objects.get(path)
    if (object !== undefined) return send(response, 200, object)
    if (/\/[^/]+s$/.test(path) && !/\/(leases|events)\/[^/]+$/.test(path)) {
      const all = [...this.#objects]
        .filter(([at]) => isIn(at, path))
        .map(([, item]) => item)
        .filter(item => isSelected(item, url.searchParams.get('fieldSelector')))
      const from = Number(url.searchParams.get('continue') ?? 0)
      const size = 2
      const next = from + size < all.length ? String(from + size) : undefined
      const metadata = { resourceVersion: String(this.#revision), continue: next }
      return send(response, 200, { metadata, items: all.slice(from, from + size) })
    }
    send(response, 404, { kind: 'Status', reason: 'NotFound', message: `there is no ${path}` })
  }

  #write(method: string, path: string, body: Json, response: ServerResponse): void {
    const before = this.#objects.get(path)
    switch (method) {
      case 'POST': {
        const made = body as unknown as KubeObject
        const at = `${path}/${made.metadata.name}`
        if (this.#objects.has(at)) {
          return send(response, 409, {
            kind: 'Status',
            reason: 'AlreadyExists',
            message: 'it is there already',
          })
        }
        return send(response, 201, this.put(at, made))
      }
      case 'PUT': {
        const wanted = (body as unknown as KubeObject).metadata.resourceVersion
        if (before === undefined || wanted !== before.metadata.resourceVersion) {
          return send(response, 409, { kind: 'Status', reason: 'Conflict', message: 'somebody else wrote' })
        }
        return send(response, 200, this.put(path, body as unknown as KubeObject))
      }
      case 'PATCH':
        return send(response, 200, this.put(path, merge(before ?? {}, body) as unknown as KubeObject))
      case 'DELETE': {
        const uid = (body['preconditions'] as { uid?: string } | undefined)?.uid
        if (before === undefined)
          return send(response, 404, { kind: 'Status', reason: 'NotFound', message: 'gone' })
        if (uid !== undefined && uid !== before.metadata.uid) {
          return send(response, 409, { kind: 'Status', reason: 'Conflict', message: 'it is another one' })
        }
        this.remove(path)
        return send(response, 200, { kind: 'Status', status: 'Success' })
      }
      default:
        return send(response, 405, { kind: 'Status', reason: 'MethodNotAllowed', message: method })
    }
  }
}

/** Whether the object at `path` is one of the collection, in a namespace or in all of them. */
function isIn(path: string, collection: string): boolean {
  if (path.startsWith(`${collection}/`)) return true
  const plural = collection.slice(collection.lastIndexOf('/') + 1)
  const root = collection.slice(0, collection.lastIndexOf('/'))
  return new RegExp(`^${root}/namespaces/[^/]+/${plural}/[^/]+$`).test(path)
}

/** By pairs of a field's path and its value. */
function isSelected(object: KubeObject, fieldSelector: string | null): boolean {
  return (fieldSelector ?? '')
    .split(',')
    .filter(pair => pair !== '')
    .every(pair => {
      const [path = '', value] = pair.split('=')
      return path.split('.').reduce<unknown>((at, name) => (at as Json | undefined)?.[name], object) === value
    })
}

function merge(before: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const merged: Json = { ...(before as Json | undefined) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = merge(merged[key] ?? {}, value)
  }
  return merged
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}
