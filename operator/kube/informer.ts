/**
 * The objects of one kind, as the API server has them: list, then watch from there; started anew on any error. Handlers
 * are called in the order of changes, after the cache has taken them. A relist compares, so nothing that happened
 * meanwhile is missed, deletions included.
 */
import { type Clock, sleep } from '../../runtime/clock.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import { deferred } from '../../runtime/deferred.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { type KubeObject, keyOf } from '../resources/kube-object.ts'
import { classOf } from './api-error.ts'
import type { ApiServer, Selection } from './api-server.ts'
import type { Kind } from './paths.ts'

export type ChangeHandler = (
  object: KubeObject,
  before: KubeObject | undefined,
  change: 'added' | 'changed' | 'deleted',
) => void

/** Which values an object is found by. */
export type Indexer = (object: KubeObject) => readonly string[]

export interface InformerParts {
  readonly api: Pick<ApiServer, 'list' | 'watch'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Bookmarks come about every minute; twice that and some is silence. */
const silentMs = 150_000

export class Informer {
  readonly #kind: Kind
  readonly #selection: Selection
  readonly #parts: InformerParts
  readonly #objects = new Map<string, KubeObject>()
  readonly #handlers: ChangeHandler[] = []
  readonly #indexers: Readonly<Record<string, Indexer>>
  readonly #indexes = new Map<string, Map<string, Set<string>>>()
  readonly #listed = deferred<void>()
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #isListed = false

  constructor(
    kind: Kind,
    selection: Selection,
    parts: InformerParts,
    indexers: Readonly<Record<string, Indexer>> = {},
  ) {
    this.#kind = kind
    this.#selection = selection
    this.#parts = parts
    this.#indexers = indexers
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map())
  }

  get isListed(): boolean {
    return this.#isListed
  }

  onChange(handler: ChangeHandler): void {
    this.#handlers.push(handler)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('The informer stops.'))
    await this.#running
  }

  /** Resolves when the cache holds what the first list told. */
  listed(): Promise<void> {
    return this.#listed.promise
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key)
  }

  all(): readonly KubeObject[] {
    return [...this.#objects.values()]
  }

  by(index: string, value: string): readonly KubeObject[] {
    const keys = this.#indexes.get(index)?.get(value) ?? []
    return [...keys].flatMap(key => this.#objects.get(key) ?? [])
  }

  /** Takes what a write of ours was answered with, so that the next look does not see what was before. */
  note(object: KubeObject): void {
    const key = keyOf(object.metadata)
    const before = this.#objects.get(key)
    if (before !== undefined && before.metadata.uid === object.metadata.uid && !isNewer(object, before))
      return
    this.#put({ ...object, apiVersion: this.#kind.apiVersion, kind: this.#kind.kind })
  }

  async #run(): Promise<void> {
    const { clock, random, logger } = this.#parts
    const { signal } = this.#stop
    for (let attempt = 0; !signal.aborted; ) {
      try {
        await this.#listAndWatch(() => {
          attempt = 0
        })
      } catch (error) {
        if (signal.aborted) return
        const delayMs = backoffMs(attempt++, { firstMs: 200, mostMs: 30_000 }, random)
        logger.warn({ err: error, kind: this.#kind.kind, delayMs }, 'A watch failed; it is started again.')
        await sleep(clock, delayMs, signal).catch(() => {})
      }
    }
  }

  async #listAndWatch(onProgress: () => void): Promise<void> {
    const { api } = this.#parts
    const { signal } = this.#stop
    const page = await api.list(this.#kind, this.#selection, signal)
    this.#replaceAll(page.items)
    this.#isListed = true
    this.#listed.resolve()
    onProgress()
    let { resourceVersion } = page
    // The server ends a watch after some minutes: that is no error, it goes on from the last version seen.
    for (;;) {
      const options = { resourceVersion, silentMs, signal }
      try {
        for await (const { type, object } of api.watch(this.#kind, this.#selection, options)) {
          if (type === 'ERROR') {
            if (object.code === 410) return
            throw new Error(
              `The watch of ${this.#kind.kind} ended: ${object.message ?? object.reason ?? '?'}`,
            )
          }
          resourceVersion = object.metadata.resourceVersion ?? resourceVersion
          onProgress()
          if (type === 'BOOKMARK') continue
          if (type === 'DELETED') this.#remove(object)
          else this.#take(object)
        }
      } catch (error) {
        // Too old to go on from: a new list.
        if (classOf(error) === 'gone') return
        throw error
      }
      if (signal.aborted) return
    }
  }

  #replaceAll(items: readonly KubeObject[]): void {
    const keys = new Set(items.map(item => keyOf(item.metadata)))
    for (const [key, object] of this.#objects) if (!keys.has(key)) this.#remove(object)
    for (const item of items) this.#take(item)
  }

  #take(object: KubeObject): void {
    const before = this.#objects.get(keyOf(object.metadata))
    if (before?.metadata.uid === object.metadata.uid) {
      if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return
      // What a write of ours was answered with may be newer than what the watch is at.
      if (before !== undefined && isNewer(before, object)) return
    }
    this.#put(object)
  }

  #put(object: KubeObject): void {
    const key = keyOf(object.metadata)
    const before = this.#objects.get(key)
    const slim = slimmed(object)
    if (before !== undefined) this.#unindex(key, before)
    this.#objects.set(key, slim)
    this.#index(key, slim)
    for (const handler of this.#handlers) handler(slim, before, before === undefined ? 'added' : 'changed')
  }

  #remove(object: KubeObject): void {
    const key = keyOf(object.metadata)
    const before = this.#objects.get(key)
    if (before === undefined || before.metadata.uid !== object.metadata.uid) return
    this.#unindex(key, before)
    this.#objects.delete(key)
    for (const handler of this.#handlers) handler(before, before, 'deleted')
  }

  #index(key: string, object: KubeObject): void {
    for (const [name, indexer] of Object.entries(this.#indexers)) {
      const index = this.#indexes.get(name)
      for (const value of indexer(object)) {
        const keys = index?.get(value)
        if (keys === undefined) index?.set(value, new Set([key]))
        else keys.add(key)
      }
    }
  }

  #unindex(key: string, object: KubeObject): void {
    for (const [name, indexer] of Object.entries(this.#indexers)) {
      const index = this.#indexes.get(name)
      for (const value of indexer(object)) {
        const keys = index?.get(value)
        keys?.delete(key)
        if (keys?.size === 0) index?.delete(value)
      }
    }
  }
}

/** Versions are numbers in texts, and comparable since Kubernetes says so; the longer one is the larger. */
function isNewer(one: KubeObject, other: KubeObject): boolean {
  const [a, b] = [one.metadata.resourceVersion ?? '', other.metadata.resourceVersion ?? '']
  return a.length === b.length ? a > b : a.length > b.length
}

/** Who wrote which field is most of an object's size, and nothing that we look at. */
function slimmed(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata as KubeObject['metadata'] & {
    managedFields?: unknown
  }
  return { ...object, metadata }
}
