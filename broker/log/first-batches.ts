import type { ProducerBatch } from './check-producer.ts'

interface FirstBatch {
  readonly epoch: number
  readonly sequence: number
  readonly sinceMs: number
}

/** So long the lowest sequence is waited for; after that a client that goes on without it may. */
const waitMs = 60_000

/** Beyond that, as in Kafka, whoever comes first begins. */
const mostProducers = 10_000

/**
 * Decides with which batch a producer that the log does not know begins, when it does not come with sequence 0. It may have been
 * forgotten here, and go on where it was. Or a batch before this one is still on its way, perhaps refused a moment ago, perhaps
 * hanging on a connection to an earlier leader: if this one were written, that one would be out of order for ever, and
 * clients that take an answer for a batch as one for those before it would call it written.
 *
 * So the batch has to come twice. Clients send again only what nothing before it is missing for any more; so what is second is
 * first indeed.
 */
export class FirstBatches {
  readonly #waiting = new Map<number, FirstBatch>()

  /** Whether this batch, of an unknown producer and with a sequence other than 0, may be written. */
  mayBegin(batch: ProducerBatch, nowMs: number): boolean {
    const { producerId, producerEpoch, baseSequence } = batch
    const first = this.#waiting.get(producerId)
    if (first === undefined && this.#waiting.size >= mostProducers) return true
    if (first?.epoch === producerEpoch) {
      if (first.sequence === baseSequence) {
        this.#waiting.delete(producerId)
        return true
      }
      if (baseSequence > first.sequence && nowMs - first.sinceMs < waitMs) return false
    }
    this.#waiting.set(producerId, { epoch: producerEpoch, sequence: baseSequence, sinceMs: nowMs })
    return false
  }

  /** Forgets batches that did not come again. */
  expire(nowMs: number): void {
    for (const [producerId, { sinceMs }] of this.#waiting) {
      if (nowMs - sinceMs >= waitMs) this.#waiting.delete(producerId)
    }
  }
}
