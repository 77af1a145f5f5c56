import type { Uuid } from '../../protocol/index.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import type { MetadataImage } from '../metadata/image.ts'

/** How long this controller has known of the grant that is in the image, and when there may be something to do about it. */
export class RestartWatch {
  readonly #options: RestartWatchOptions
  readonly #unsubscribe: () => void
  #known: { readonly id: Uuid; readonly sinceMs: number; readonly timer: Timer } | undefined

  constructor(options: RestartWatchOptions) {
    this.#options = options
    this.#unsubscribe = options.images.onChange((image, _, changed) => {
      this.#follow(image)
      if (image.restartGrant !== null && changed.topics.size + changed.brokers.size > 0) options.onDue()
    })
    this.#follow(options.images.image)
    if (options.images.image.restartGrant !== null) options.onDue()
  }

  /** Since this controller knows of the grant in the image; 0 when there is none. */
  get heldMs(): number {
    return this.#known === undefined ? 0 : this.#options.clock.monotonicMs() - this.#known.sinceMs
  }

  stop(): void {
    this.#unsubscribe()
    this.#known?.timer.cancel()
  }

  #follow({ restartGrant: grant }: MetadataImage): void {
    if (grant?.id === this.#known?.id) return
    const { clock, onDue } = this.#options
    this.#known?.timer.cancel()
    this.#known =
      grant === null
        ? undefined
        : { id: grant.id, sinceMs: clock.monotonicMs(), timer: clock.after(grant.durationMs, onDue) }
  }
}

interface RestartWatchOptions {
  readonly images: Pick<ImageFollower, 'image' | 'onChange'>
  readonly clock: Clock
  /** The grant's time is over, or its broker may be back. */
  readonly onDue: () => void
}
