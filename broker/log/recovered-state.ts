import { type RecordBatchView, RecordsError } from '../../protocol/index.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { addBatchToDraft } from './producer-batches.ts'
import type { FoundSnapshot } from './producer-snapshots.ts'
import { ProducerState } from './producer-state.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** What batches say beyond their own records, gathered while a log is read again: epochs, producers, aborted transactions. */
export class RecoveredState {
  readonly epochs: LeaderEpochs
  readonly producers: ProducerState
  readonly #producersFrom: number
  readonly #nowMs: number
  #needsEpochs: boolean
  #aborted: AbortedTransaction[] = []

  constructor(options: {
    readonly snapshot: FoundSnapshot | undefined
    readonly epochs: LeaderEpochs
    /** The epochs of flushed segments are not known either. */
    readonly needsEpochs: boolean
    readonly nowMs: number
    readonly expirationMs: number
  }) {
    this.epochs = options.epochs
    this.#needsEpochs = options.needsEpochs
    this.#nowMs = options.nowMs
    this.producers = ProducerState.fromSnapshot(options.snapshot?.entries ?? [], options)
    this.#producersFrom = options.snapshot?.offset ?? 0
  }

  /** Whether anything is to be learned from a flushed segment that ends before `endOffset`. */
  needs(endOffset: number): boolean {
    return this.#needsEpochs || endOffset > this.#producersFrom
  }

  /** `batch` may be a header alone; `whole` gives all of it, which only markers need. */
  note(batch: RecordBatchView, whole: () => RecordBatchView): void {
    // A lower one, which no leader writes, must not take later ones away.
    if (batch.partitionLeaderEpoch > this.epochs.latestEpoch) {
      this.epochs.assign(batch.partitionLeaderEpoch, batch.baseOffset)
    }
    if (batch.producerId < 0 || batch.baseOffset < this.#producersFrom) return
    const draft = this.producers.draft({ origin: 'replication', nowMs: this.#nowMs })
    try {
      addBatchToDraft(draft, batch.isControl ? whole() : batch)
    } catch (error) {
      // A control batch with a good checksum that is no marker as we know them: readers go over it too.
      if (!(error instanceof RecordsError)) throw error
    }
    for (const transaction of draft.takeOver()) {
      if (transaction.isAborted) this.#aborted.push(transaction)
    }
  }

  /** The transactions aborted by markers noted since the last call. */
  takeAborted(): readonly AbortedTransaction[] {
    const aborted = this.#aborted
    this.#aborted = []
    return aborted
  }
}
