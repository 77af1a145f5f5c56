import type { Clock } from '../../runtime/clock.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { RequestRestart } from './controller-client.ts'

/** Brokers that are told to stop together ask within this time of each other, also when the controller is one of them. */
const togetherMs = 10_000

/** In whose name a broker asks that was told to stop from outside. */
export function holderOf(brokerId: number): string {
  return `broker ${brokerId}`
}

/**
 * Which brokers were told to stop, as they said themselves when they asked this controller for a restart. When that is every
 * broker of the cluster at about the same time, those that are away and have replicas included, it is the whole cluster that is
 * stopped: there is nobody to wait for, and none that waits would see another come back.
 */
export class StopRequests {
  readonly #clock: Clock
  /** Broker → its process that asked, and when it did last. */
  readonly #asked = new Map<number, { readonly incarnationId: string; readonly atMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Requests in the name of others are not remembered. */
  note(image: MetadataImage, { brokerId, holder }: Pick<RequestRestart, 'brokerId' | 'holder'>): void {
    const incarnationId = image.brokers.get(brokerId)?.incarnationId
    if (incarnationId === undefined || holder !== holderOf(brokerId)) return
    this.#asked.set(brokerId, { incarnationId, atMs: this.#clock.monotonicMs() })
  }

  /** Whether the broker asks for itself as all others do. `heldMs`: how long this controller has known of the grant. */
  isOfAll(image: MetadataImage, { brokerId, holder }: RequestRestart, heldMs: number): boolean {
    if (holder !== holderOf(brokerId)) return false
    const hasAsked = (id: number): boolean => this.#hasAsked(image, id, heldMs)
    return [...image.brokers.keys()].every(hasAsked) && missedBrokers(image).every(hasAsked)
  }

  /** The process that is here now, or was here last. */
  #hasAsked(image: MetadataImage, id: number, heldMs: number): boolean {
    const { brokers, brokerStates, restartGrant } = image
    const incarnationId = brokers.get(id)?.incarnationId ?? brokerStates.get(id)?.incarnationId ?? null
    if (incarnationId === null) return false
    const asked = this.#asked.get(id)
    if (asked?.incarnationId === incarnationId && this.#clock.monotonicMs() - asked.atMs < togetherMs)
      return true
    // It may have asked the controller before this one, and gone.
    return (
      restartGrant?.brokerId === id &&
      restartGrant.holder === holderOf(id) &&
      restartGrant.incarnationId === incarnationId &&
      heldMs < togetherMs &&
      Math.abs(this.#clock.nowMs() - restartGrant.grantedAtMs) < togetherMs
    )
  }
}

/** Those that are away and have replicas that somebody else has too: whoever has none of these asks nobody. */
function missedBrokers({ brokers, topicsById }: MetadataImage): number[] {
  const missed = new Set<number>()
  for (const { partitions } of topicsById.values()) {
    for (const { replicas } of partitions) {
      for (const id of replicas) if (replicas.length > 1 && !brokers.has(id)) missed.add(id)
    }
  }
  return [...missed]
}
