import { type Clock, sleep } from '../../runtime/clock.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import type { Random } from '../../runtime/random.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import {
  type MetadataStore,
  OutcomeUnknown,
  StoreUnavailable,
  type Transaction,
} from '../metadata/metadata-store.ts'
import { transactionFor } from './transactions.ts'

/** What became of one transaction. */
export type Committed =
  | { readonly kind: 'done'; readonly revision: number }
  /** Something moved since the image; nothing was written. */
  | { readonly kind: 'conflict'; readonly revision: number }
  /** The lease ran out or another broker is the controller; nothing was written. */
  | { readonly kind: 'deposed' }
  | { readonly kind: 'unavailable'; readonly reason: string }

/** How long an unknown outcome is read back, and how long the own image may take to catch up. */
const longestWaitMs = 15_000

/** Writes for one controller, in one epoch, and nothing after that epoch's end. */
export class ControllerCommits {
  readonly #options: ControllerCommitsOptions

  constructor(options: ControllerCommitsOptions) {
    this.#options = options
  }

  /** Commits if nothing moved since `image`. An unknown outcome is read back first, never repeated blindly. */
  async commit(image: MetadataImage, changes: readonly MetadataChange[]): Promise<Committed> {
    const { store, epoch, isActive } = this.#options
    if (!isActive()) return { kind: 'deposed' }
    const transaction = transactionFor(image, epoch, changes)
    try {
      const { ok, revision } = await store.commit(transaction)
      if (ok) return this.#done(image, changes, revision)
      return (await this.#isDeposedAt(revision)) ? { kind: 'deposed' } : { kind: 'conflict', revision }
    } catch (error) {
      if (error instanceof StoreUnavailable) return { kind: 'unavailable', reason: error.message }
      if (error instanceof OutcomeUnknown) return this.#readBack(image, changes, transaction)
      throw error
    }
  }

  /** The own image at or past `revision`; undefined when it does not get there in time. */
  async imageAt(revision: number): Promise<MetadataImage | undefined> {
    const { images, clock } = this.#options
    if (images.image.revision >= revision) return images.image
    const abort = new AbortController()
    const timer = clock.after(longestWaitMs, () => abort.abort(new Error('The image did not catch up.')))
    try {
      return await images.waitForRevision(revision, abort.signal)
    } catch {
      return undefined
    } finally {
      timer.cancel()
    }
  }

  #done(image: MetadataImage, changes: readonly MetadataChange[], revision: number): Committed {
    this.#options.onCommitted(image, changes)
    return { kind: 'done', revision }
  }

  async #isDeposedAt(revision: number): Promise<boolean> {
    const image = await this.imageAt(revision)
    return image === undefined || image.controller?.epoch !== this.#options.epoch
  }

  /**
   * One key tells for all of the transaction. If it was not applied yet it may still be, after we looked: what is
   * decided next compares the same keys, so only one of the two can be.
   */
  async #readBack(
    image: MetadataImage,
    changes: readonly MetadataChange[],
    transaction: Transaction,
  ): Promise<Committed> {
    const { store, clock, random, isActive } = this.#options
    const put = transaction.put?.[0]
    const key = put?.key ?? transaction.delete?.[0] ?? ''
    const deadlineMs = clock.monotonicMs() + longestWaitMs
    for (let attempt = 0; isActive() && clock.monotonicMs() < deadlineMs; attempt++) {
      try {
        const { revision, entry } = await store.get(key)
        if (put === undefined)
          return entry === undefined ? this.#done(image, changes, revision) : { kind: 'conflict', revision }
        const isOurs = entry?.value === put.value && entry.modRevision > image.revision
        return isOurs ? this.#done(image, changes, entry.modRevision) : { kind: 'conflict', revision }
      } catch (error) {
        if (!(error instanceof StoreUnavailable || error instanceof OutcomeUnknown)) throw error
        await sleep(clock, backoffMs(attempt, { firstMs: 50, mostMs: 2000 }, random))
      }
    }
    return { kind: 'unavailable', reason: 'it is not known whether the change was made' }
  }
}

export interface ControllerCommitsOptions {
  readonly store: MetadataStore
  readonly images: ImageFollower
  readonly clock: Clock
  readonly random: Random
  /** Create revision of the controller's key: compared in every transaction. */
  readonly epoch: number
  /** Whether this broker's lease is known to be valid and its controllership not ended. */
  readonly isActive: () => boolean
  /** Told of every transaction that was made, and of the image it was decided on. */
  readonly onCommitted: (image: MetadataImage, changes: readonly MetadataChange[]) => void
}
