/** `epoch` began to write at `startOffset`. */
export interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

/** `{ epoch: -1, endOffset: -1 }` where nothing can be said. */
export interface EpochEnd {
  readonly epoch: number
  /** Exclusive: the first offset that is of a later epoch. */
  readonly endOffset: number
}

/**
 * Which leader epoch wrote which offsets: epochs and their first offsets, both strictly growing. This is what
 * replicas compare to find where their logs part.
 *
 * The checkpoint file has to be on the device before a recovery point beyond its newest entry is: what lies after the
 * recovery point is read again after a crash, and gives the epochs again. So `save` is due at a flush and at a close,
 * when `isDirty`, and taking leadership costs no write.
 */
export class LeaderEpochs {
  #entries: EpochStart[]
  #isDirty = false

  /** `entries` may be in any state a file can be in; what does not grow is dropped, the older entry giving way. */
  constructor(entries: readonly EpochStart[] = []) {
    this.#entries = []
    for (const { epoch, startOffset } of entries) this.assign(epoch, startOffset)
    this.#isDirty = this.#entries.length !== entries.length
  }

  /** Epochs that the checkpoint file does not have. */
  static unsaved(entries: readonly EpochStart[]): LeaderEpochs {
    const epochs = new LeaderEpochs(entries)
    epochs.#isDirty = true
    return epochs
  }

  get entries(): readonly EpochStart[] {
    return this.#entries
  }

  /** There are changes that the checkpoint file does not have. */
  get isDirty(): boolean {
    return this.#isDirty
  }

  saved(): void {
    this.#isDirty = false
  }

  /** The newest epoch; -1 before the first. */
  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? -1
  }

  /** `epoch` writes from `startOffset` on; nothing when it is known. Newer entries that contradict it are dropped. */
  assign(epoch: number, startOffset: number): void {
    if (epoch < 0) return
    const entries = this.#entries
    const latest = entries.at(-1)
    if (latest !== undefined && epoch === latest.epoch && startOffset >= latest.startOffset) return
    while (entries.length > 0) {
      const last = entries.at(-1)!
      if (last.epoch < epoch && last.startOffset < startOffset) break
      entries.pop()
    }
    entries.push({ epoch, startOffset })
    this.#isDirty = true
  }

  /** The epoch that wrote `offset`; -1 when that was before the first known. */
  epochOf(offset: number): number {
    let found = -1
    for (const { epoch, startOffset } of this.#entries) {
      if (startOffset > offset) break
      found = epoch
    }
    return found
  }

  /** Where `epoch` ended in this log, or the largest epoch below it that is known. */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEnd {
    const entries = this.#entries
    const latest = entries.at(-1)
    if (epoch < 0 || latest === undefined || epoch > latest.epoch) return { epoch: -1, endOffset: -1 }
    if (epoch === latest.epoch) return { epoch, endOffset: logEndOffset }
    const later = entries.findIndex(entry => entry.epoch > epoch)
    const endOffset = entries[later]!.startOffset
    return { epoch: later === 0 ? epoch : entries[later - 1]!.epoch, endOffset }
  }

  /** The log now ends at `endOffset`. */
  truncateFromEnd(endOffset: number): void {
    while (this.#entries.length > 0 && this.#entries.at(-1)!.startOffset >= endOffset) {
      this.#entries.pop()
      this.#isDirty = true
    }
  }

  /** The log now starts at `startOffset`: the epoch that wrote it is kept, as if it had begun there. */
  truncateFromStart(startOffset: number): void {
    const entries = this.#entries
    let keep = -1
    while (keep + 1 < entries.length && entries[keep + 1]!.startOffset <= startOffset) keep++
    if (keep === -1 || (keep === 0 && entries[0]!.startOffset === startOffset)) return
    this.#entries = [{ epoch: entries[keep]!.epoch, startOffset }, ...entries.slice(keep + 1)]
    this.#isDirty = true
  }

  clear(): void {
    if (this.#entries.length > 0) this.#isDirty = true
    this.#entries = []
  }
}

/**
 * Up to where two logs agree at most: the first offset where the one may hold another record than the other, or the end of
 * the shorter one. Both in one process; between brokers each fetch does one step of it.
 */
export function divergenceOffset(
  own: { readonly epochs: LeaderEpochs; readonly endOffset: number },
  other: { readonly epochs: LeaderEpochs; readonly endOffset: number },
): number {
  let end = own.endOffset
  for (let index = own.epochs.entries.length - 1; index >= 0; index--) {
    const { epoch, startOffset } = own.epochs.entries[index]!
    const there = other.epochs.endOffsetFor(epoch, other.endOffset)
    if (there.epoch === epoch) return Math.min(end, there.endOffset)
    // The other never wrote in this epoch: nothing of it can be the same, unless it never heard of any epoch so late.
    end = startOffset
  }
  return Math.min(end, other.endOffset)
}
