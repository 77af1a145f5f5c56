import { type Deferred, deferred } from '../../runtime/deferred.ts'
import type { Logger } from '../../runtime/logger.ts'
import { applyChanges, emptyImage, type ImageChanges, type RevisedChange } from './changes.ts'
import type { MetadataImage } from './image.ts'
import type { MetadataStore, StoreEvent, Watch } from './metadata-store.ts'
import { MalformedEntry } from './entry-reader.ts'
import { decodeEntry } from './values.ts'

/**
 * Holds this broker's image of the metadata and moves it forward revision by revision from one watch of the store.
 * Listeners are called in the order they came, synchronously, with every new image; an image without a change for
 * readers (only its revision moved) is not told.
 */
export class ImageFollower {
  readonly #logger: Logger
  #listeners: readonly ImageListener[] = []
  readonly #endListeners: ((reason: Error) => void)[] = []
  #waiters: { readonly revision: number; readonly reached: Deferred<MetadataImage> }[] = []
  #image: MetadataImage = emptyImage
  #watch: Watch | undefined
  #ended: Error | undefined

  private constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Reads all of the store, then follows it. Throws StoreUnavailable when it cannot be read. */
  static async open(store: MetadataStore, logger: Logger): Promise<ImageFollower> {
    const follower = new ImageFollower(logger)
    const { revision, entries } = await store.read('')
    const changes = follower.#decode(entries.map(entry => ({ kind: 'put', entry })))
    follower.#image = applyChanges(emptyImage, revision, changes).image
    follower.#watch = store.watch('', revision + 1, {
      changed: (at, events) => follower.#apply(at, events),
      ended: reason => follower.#end(reason),
    })
    return follower
  }

  get image(): MetadataImage {
    return this.#image
  }

  /** Returns the function that ends the subscription. */
  onChange(listener: ImageListener): () => void {
    // A new array each time: a listener may come or go while they are called.
    this.#listeners = [...this.#listeners, listener]
    return () => {
      this.#listeners = this.#listeners.filter(other => other !== listener)
    }
  }

  /**
   * Called once when the store tells no more (it was closed, failed, or went back): the image stays as it is. Not
   * called when this follower is closed.
   */
  onEnd(listener: (reason: Error) => void): void {
    if (this.#ended === undefined) this.#endListeners.push(listener)
    else listener(this.#ended)
  }

  /**
   * The first image at or past `revision`. Rejects with the signal's reason when it is aborted first, or when the
   * store tells no more. Its caller bounds the wait.
   */
  waitForRevision(revision: number, signal?: AbortSignal): Promise<MetadataImage> {
    if (this.#image.revision >= revision) return Promise.resolve(this.#image)
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    const reached = deferred<MetadataImage>()
    const waiter = { revision, reached }
    this.#waiters.push(waiter)
    this.#watch?.requestProgress()
    if (signal === undefined) return reached.promise
    const onAbort = (): void => {
      this.#waiters = this.#waiters.filter(other => other !== waiter)
      reached.reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return reached.promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  close(): void {
    this.#watch?.cancel()
    this.#endListeners.length = 0
    this.#end(new Error('The image of the metadata is no longer followed.'))
  }

  #apply(revision: number, events: readonly StoreEvent[]): void {
    if (this.#ended !== undefined || revision <= this.#image.revision) return
    const changes = this.#decode(events)
    const previous = this.#image
    const { image, changed } = applyChanges(previous, revision, changes)
    this.#image = image
    if (changes.length > 0) for (const listener of this.#listeners) listener(image, previous, changed)
    this.#settleWaiters()
  }

  #decode(events: readonly StoreEvent[]): RevisedChange[] {
    const changes: RevisedChange[] = []
    for (const event of events) {
      const key = event.kind === 'put' ? event.entry.key : event.key
      const value = event.kind === 'put' ? event.entry.value : null
      const change = this.#decodeOne(key, value)
      if (change === undefined) continue
      const { createRevision, modRevision } = event.kind === 'put' ? event.entry : absent
      changes.push({ change, createRevision, modRevision })
    }
    return changes
  }

  /** A value that makes no sense is told and passed over: what was known of the key stays. */
  #decodeOne(key: string, value: string | null): RevisedChange['change'] | undefined {
    try {
      return decodeEntry(key, value)
    } catch (error) {
      if (!(error instanceof MalformedEntry)) throw error
      this.#logger.error({ key, reason: error.message }, 'An entry of the metadata store was passed over.')
      return undefined
    }
  }

  #settleWaiters(): void {
    if (this.#waiters.length === 0) return
    const { revision } = this.#image
    const reached = this.#waiters.filter(waiter => waiter.revision <= revision)
    if (reached.length === 0) return
    this.#waiters = this.#waiters.filter(waiter => waiter.revision > revision)
    for (const waiter of reached) waiter.reached.resolve(this.#image)
  }

  #end(reason: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.reached.reject(reason)
    for (const listener of this.#endListeners) listener(reason)
  }
}

/** Synchronous and must not throw. `changed` names what differs between the two. */
export type ImageListener = (next: MetadataImage, previous: MetadataImage, changed: ImageChanges) => void

const absent = { createRevision: 0, modRevision: 0 } as const
