import { metadata } from '../../protocol/index.ts'
import { type Clock, sleep, type Timer } from '../../runtime/clock.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { PeerLink, Peers } from './peers.ts'

/**
 * Keeps a connection to each other broker and asks a little over it now and then, to notice two things:
 *
 * That the process of another is dead: the kernel of its machine closes the connection and refuses new ones for a while.
 * Only a refusal counts, and only where this registration has answered before: a name may still lead to where the process
 * before it was, a pod of an older address, after another is up. A machine that is gone, a network that is cut and a process
 * that hangs say nothing at all; for those the lease has to run out.
 *
 * That this broker is the one that is cut off from the others, though it and they reach the store: nobody could copy what
 * it leads, and it could not tell the controller so. It is, when it hears from less than half of the others.
 */
export class PeerWatch {
  readonly #options: PeerWatchOptions
  readonly #watched = new Map<number, Watched>()
  #timer: Timer | undefined
  #judgedAtMs: number
  #isIsolated = false
  #stopped = false

  constructor(options: PeerWatchOptions) {
    this.#options = options
    this.#judgedAtMs = options.clock.monotonicMs()
    this.#judgeLater()
  }

  /** Follows who is registered. */
  apply(image: MetadataImage): void {
    if (this.#stopped) return
    for (const [id, watched] of this.#watched) {
      if (image.brokers.get(id)?.epoch === watched.epoch) continue
      this.#watched.delete(id)
      watched.ends.abort(new Error('The registration is gone.'))
      void watched.link.close()
    }
    const { brokerId, peers, clock } = this.#options
    for (const { id, epoch } of image.brokers.values()) {
      if (id === brokerId || this.#watched.has(id)) continue
      const watched: Watched = {
        id,
        epoch,
        link: peers.link(id),
        ends: new AbortController(),
        answeredAtMs: clock.monotonicMs(),
        answeredFrom: undefined,
        running: undefined,
      }
      this.#watched.set(id, watched)
      watched.running = this.#watch(watched)
    }
  }

  /** Resolves when every connection is closed. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    const watched = [...this.#watched.values()]
    this.#watched.clear()
    for (const { link, ends, running } of watched) {
      ends.abort(new Error('The watch is over.'))
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
        await this.#ask(watched)
        refusedSinceMs = undefined
      } catch (error) {
        link.failed()
        if (!isRefusal(error, watched.answeredFrom)) {
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

  /** Rejects when there is no answer; resolves when it is time to ask again, or at once when the connection is closed. */
  async #ask(watched: Watched): Promise<void> {
    const { clock, heartbeatMs } = this.#options
    const { link, ends } = watched
    const connection = await link.connection()
    await connection.send(metadata, { topics: [] }, { timeoutMs: heartbeatMs })
    watched.answeredAtMs = clock.monotonicMs()
    watched.answeredFrom = connection.remoteAddress
    link.worked()
    const closed = new AbortController()
    const rest = AbortSignal.any([ends.signal, closed.signal])
    void connection.closed.then(() => closed.abort(new Error('The connection is closed.')))
    await sleep(clock, heartbeatMs, rest).catch(() => undefined)
  }

  #judgeLater(): void {
    const { clock, heartbeatMs } = this.#options
    this.#timer = clock.after(heartbeatMs, () => {
      this.#judge()
      this.#judgeLater()
    })
  }

  #judge(): void {
    const { clock, heartbeatMs, isolatedAfterMs, onIsolated } = this.#options
    const nowMs = clock.monotonicMs()
    const stoodStillMs = nowMs - this.#judgedAtMs - heartbeatMs
    this.#judgedAtMs = nowMs
    const others = [...this.#watched.values()]
    // A process that stood still did not hear anybody meanwhile: that says nothing about the others.
    if (stoodStillMs > heartbeatMs) for (const other of others) other.answeredAtMs += stoodStillMs
    const heard = others.filter(({ answeredAtMs }) => nowMs - answeredAtMs < isolatedAfterMs).length
    // Of two brokers that do not hear each other neither can tell which one is cut off.
    const isIsolated = others.length > 1 && heard < others.length / 2
    if (isIsolated === this.#isIsolated) return
    this.#isIsolated = isIsolated
    onIsolated(isIsolated)
  }
}

/** Refusals for so long are no hiccup. */
const provenAfterMs = 250

export interface PeerWatchOptions {
  readonly peers: Peers
  readonly brokerId: number
  readonly clock: Clock
  /** How often others are asked, and how long an answer may take. */
  readonly heartbeatMs: number
  /** More than a lease lives: others that are gone are not registered by then. */
  readonly isolatedAfterMs: number
  /** Nothing listens any more where that registration says. Told again while that is so. */
  readonly onDead: (registration: { readonly id: number; readonly epoch: number }) => void
  /** Told when it changes. */
  readonly onIsolated: (isIsolated: boolean) => void
}

interface Watched {
  readonly id: number
  readonly epoch: number
  readonly link: PeerLink
  readonly ends: AbortController
  answeredAtMs: number
  /** An IP address; undefined before the first answer. */
  answeredFrom: string | undefined
  running: Promise<void> | undefined
}

/** Whether `address` refused the connection; a name may have stood for several. */
function isRefusal(error: unknown, address: string | undefined): boolean {
  if (!(error instanceof Error) || address === undefined) return false
  if ('code' in error && error.code === 'ECONNREFUSED' && 'address' in error && error.address === address)
    return true
  const tried: readonly unknown[] = error instanceof AggregateError ? error.errors : [error.cause]
  return tried.some(each => isRefusal(each, address))
}
