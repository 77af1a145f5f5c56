import type { Clock } from '../../runtime/clock.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { PeerLink, Peers } from './peers.ts'

/**
 * Notices within moments that the process of another broker is dead: keeps a connection without traffic to each broker, and
 * when the kernel of its machine closes it and refuses new ones for a while, nothing listens there any more.
 *
 * Only a refusal counts. A machine that is gone, a network that is cut and a process that hangs say nothing at all; for
 * those the lease has to run out.
 */
export class PeerWatch {
  readonly #options: PeerWatchOptions
  readonly #watched = new Map<number, Watched>()
  #stopped = false

  constructor(options: PeerWatchOptions) {
    this.#options = options
  }

  /** Follows who is registered. */
  apply(image: MetadataImage): void {
    if (this.#stopped) return
    for (const [id, watched] of this.#watched) {
      if (image.brokers.get(id)?.epoch === watched.epoch) continue
      this.#watched.delete(id)
      void watched.link.close()
    }
    for (const { id, epoch } of image.brokers.values()) {
      if (id === this.#options.brokerId || this.#watched.has(id)) continue
      const watched: Watched = { id, epoch, link: this.#options.peers.link(id), running: undefined }
      this.#watched.set(id, watched)
      watched.running = this.#watch(watched)
    }
  }

  /** Resolves when every connection is closed. */
  async stop(): Promise<void> {
    this.#stopped = true
    const watched = [...this.#watched.values()]
    this.#watched.clear()
    for (const { link, running } of watched) {
      await link.close()
      await running
    }
  }

  async #watch(watched: Watched): Promise<void> {
    const { clock, onDead } = this.#options
    const { id, epoch, link } = watched
    let refusedSinceMs: number | undefined
    while (this.#watched.get(id) === watched) {
      try {
        const connection = await link.connection()
        link.worked()
        refusedSinceMs = undefined
        await connection.closed
        link.failed() // not at once again, should it be closed whenever it is opened
      } catch (error) {
        link.failed()
        if (!isRefusal(error)) {
          refusedSinceMs = undefined
          continue
        }
        refusedSinceMs ??= clock.monotonicMs()
        if (clock.monotonicMs() - refusedSinceMs < provenAfterMs) continue
        refusedSinceMs = undefined
        onDead({ id, epoch })
      }
    }
  }
}

/** Refusals for so long are no hiccup. */
const provenAfterMs = 250

export interface PeerWatchOptions {
  readonly peers: Peers
  readonly brokerId: number
  readonly clock: Clock
  /** Nothing listens any more where that registration says. Told again while that is so. */
  readonly onDead: (registration: { readonly id: number; readonly epoch: number }) => void
}

interface Watched {
  readonly id: number
  readonly epoch: number
  readonly link: PeerLink
  running: Promise<void> | undefined
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === 'ECONNREFUSED') || isRefusal(error.cause)
}
