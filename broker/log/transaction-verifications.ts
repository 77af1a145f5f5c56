/**
 * Held by a produce request while the transaction coordinator is asked whether the partition belongs to the
 * producer's transaction. An append must bring the very guard that is current: a marker written meanwhile removes
 * it, so a late yes for a transaction that has ended lets nothing in.
 */
export interface TransactionGuard {
  readonly producerId: number
}

/** As `get` shows it. */
export interface Verification {
  readonly guard: TransactionGuard
  readonly startedAtMs: number
  readonly supportsEpochBump: boolean
  epoch: number
  lowestSequence: number
}

/** Transactions of one log whose first batch waits for the coordinator's word (KIP-890). */
export class TransactionVerifications {
  readonly #byProducer = new Map<number, Verification>()

  /** Several first batches may be on their way: they share one guard, and the lowest sequence has to come first. */
  start(request: {
    readonly producerId: number
    readonly epoch: number
    readonly baseSequence: number
    /** The producer speaks transactions V2: each transaction has an epoch of its own. */
    readonly supportsEpochBump: boolean
    readonly nowMs: number
  }): TransactionGuard {
    const known = this.#byProducer.get(request.producerId)
    if (known === undefined) {
      const guard = { producerId: request.producerId }
      this.#byProducer.set(request.producerId, {
        guard,
        startedAtMs: request.nowMs,
        supportsEpochBump: request.supportsEpochBump,
        epoch: request.epoch,
        lowestSequence: request.baseSequence,
      })
      return guard
    }
    if (request.epoch > known.epoch) {
      known.epoch = request.epoch
      known.lowestSequence = request.baseSequence
    } else if (request.epoch === known.epoch && request.baseSequence < known.lowestSequence) {
      known.lowestSequence = request.baseSequence
    }
    return known.guard
  }

  get(producerId: number): Readonly<Verification> | undefined {
    return this.#byProducer.get(producerId)
  }

  end(producerId: number): void {
    if (this.#byProducer.size > 0) this.#byProducer.delete(producerId)
  }

  /** Forgets those that nobody came back for since `beforeMs`. */
  expire(beforeMs: number): void {
    for (const [producerId, { startedAtMs }] of this.#byProducer) {
      if (startedAtMs <= beforeMs) this.#byProducer.delete(producerId)
    }
  }
}
