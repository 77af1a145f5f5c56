/** A transaction that a marker has ended. */
export interface CompletedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** The offset of its marker. */
  readonly lastOffset: number
  readonly isAborted: boolean
}

/**
 * The transactions of one log that readers of committed data must still wait for: those without a marker, and those
 * whose marker is not below the high watermark yet, so that a commit is seen when it is replicated and not before.
 */
export class OpenTransactions {
  /** First offset → producer; offsets are added in growing order, so the first key is the smallest. */
  readonly #ongoing = new Map<number, number>()
  /** In the order of their markers. */
  #unreplicated: CompletedTransaction[] = []
  #oldestOngoing = Infinity
  #oldestUnreplicated = Infinity

  /** The oldest offset that is not decided for readers yet; Infinity when all are. The last stable offset is min(this, high watermark). */
  get firstUnstableOffset(): number {
    return Math.min(this.#oldestOngoing, this.#oldestUnreplicated)
  }

  /** The oldest offset of a transaction without a marker; Infinity without one. Compaction must not go beyond. */
  get firstUndecidedOffset(): number {
    return this.#oldestOngoing
  }

  /** Those with a marker that is not known to be below the high watermark, in the order of their markers. */
  get unreplicated(): readonly CompletedTransaction[] {
    return this.#unreplicated
  }

  /** `firstOffset` must be larger than that of every transaction begun before. */
  begin(producerId: number, firstOffset: number): void {
    this.#ongoing.set(firstOffset, producerId)
    if (firstOffset < this.#oldestOngoing) this.#oldestOngoing = firstOffset
  }

  complete(transaction: CompletedTransaction): void {
    if (!this.#ongoing.delete(transaction.firstOffset)) return
    if (transaction.firstOffset === this.#oldestOngoing) {
      this.#oldestOngoing = this.#ongoing.keys().next().value ?? Infinity
    }
    this.completed(transaction)
  }

  /** A transaction that ended before it was known here. */
  completed(transaction: CompletedTransaction): void {
    this.#unreplicated.push(transaction)
    if (transaction.firstOffset < this.#oldestUnreplicated) this.#oldestUnreplicated = transaction.firstOffset
  }

  /**
   * What the last stable offset will be when `transaction` alone is taken away: this goes to the index of aborted
   * transactions. Called before `complete`.
   */
  lastStableOffsetWithout(transaction: CompletedTransaction): number {
    for (const firstOffset of this.#ongoing.keys()) {
      if (firstOffset !== transaction.firstOffset) return firstOffset
    }
    return transaction.lastOffset + 1
  }

  /** Markers below `highWatermark` count from now on. */
  replicatedTo(highWatermark: number): void {
    const transactions = this.#unreplicated
    if (transactions.length === 0 || transactions[0]!.lastOffset >= highWatermark) return
    let replicated = 1
    while (replicated < transactions.length && transactions[replicated]!.lastOffset < highWatermark)
      replicated++
    this.#unreplicated = transactions.slice(replicated)
    this.#oldestUnreplicated = Infinity
    for (const { firstOffset } of this.#unreplicated) {
      if (firstOffset < this.#oldestUnreplicated) this.#oldestUnreplicated = firstOffset
    }
  }
}
