import { RecordsError, type RecordBatchView } from '../../protocol/index.ts'
import { endMarkerOf } from './producer-batches.ts'
import type { AbortedTransaction } from './transaction-index.ts'

interface Ongoing {
  readonly transaction: AbortedTransaction
  hasData: boolean
}

/**
 * What one pass over a log knows of its transactions: which data belong to aborted ones, and which markers have nothing
 * left that they speak for. Batches are shown in order, each once, as `isAborted` or `isSpent`.
 */
export class CleanedTransactions {
  /** Not reached yet, the next one last. */
  readonly #ahead: AbortedTransaction[]
  readonly #ongoing = new Map<number, Ongoing>()
  /** Producers with data of a transaction that is not known to be aborted, since their last marker. */
  readonly #committed = new Set<number>()
  #retained: AbortedTransaction[] = []

  /** All aborted transactions that overlap what is gone through, in any order. */
  constructor(aborted: readonly AbortedTransaction[]) {
    this.#ahead = [...aborted].sort((a, b) => b.firstOffset - a.firstOffset)
  }

  /** Whether this batch of data belongs to an aborted transaction. */
  isAborted(batch: RecordBatchView): boolean {
    if (!batch.isTransactional) return false
    this.#reach(batch.lastOffset)
    const ongoing = this.#ongoing.get(batch.producerId)
    if (ongoing === undefined) {
      this.#committed.add(batch.producerId)
      return false
    }
    ongoing.hasData = true
    return true
  }

  /** Whether this control batch ends a transaction of which no batch was met: nobody needs it to understand the data. */
  isSpent(batch: RecordBatchView): boolean {
    this.#reach(batch.lastOffset)
    // An emptied marker was spent when it was emptied.
    if (batch.recordCount === 0) return true
    const marker = markerOf(batch)
    if (marker === undefined) return false
    if (!marker.isAbort) return !this.#committed.delete(batch.producerId)
    const ongoing = this.#ongoing.get(batch.producerId)
    this.#ongoing.delete(batch.producerId)
    if (ongoing === undefined || !ongoing.hasData) return true
    this.#retained.push(ongoing.transaction)
    return false
  }

  /** The aborted transactions whose markers were met since the last call and are still needed, in the order of the markers. */
  takeRetained(): readonly AbortedTransaction[] {
    const retained = this.#retained
    this.#retained = []
    return retained
  }

  #reach(offset: number): void {
    for (;;) {
      const next = this.#ahead.at(-1)
      if (next === undefined || next.firstOffset > offset) return
      this.#ahead.pop()
      if (!this.#ongoing.has(next.producerId)) {
        this.#ongoing.set(next.producerId, { transaction: next, hasData: false })
      }
    }
  }
}

/** Undefined for control batches of other kinds. */
function markerOf(batch: RecordBatchView): ReturnType<typeof endMarkerOf> {
  try {
    return endMarkerOf(batch)
  } catch (error) {
    // Not a marker as we know them: readers go over it, and it stays.
    if (!(error instanceof RecordsError)) throw error
    return undefined
  }
}
