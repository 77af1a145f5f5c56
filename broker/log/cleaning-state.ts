/** What a log knows of its own compaction: how far it has come, and whether one is under way. */
export class CleaningState {
  #firstDirtyOffset: number | undefined
  #stop: (() => void) | undefined
  /** Why it is not to be cleaned any more, until the next start. */
  uncleanable: string | undefined

  /** From the checkpoint. */
  constructor(firstDirtyOffset: number | undefined) {
    this.#firstDirtyOffset = firstDirtyOffset
  }

  /** Below it every key stands once; undefined before the first cleaning. */
  get firstDirtyOffset(): number | undefined {
    return this.#firstDirtyOffset
  }

  get isUnderWay(): boolean {
    return this.#stop !== undefined
  }

  /** Segments are being read by somebody else until `end`; `stop` is called, once, when the log is about to change below. */
  begin(stop: () => void): void {
    this.#stop = stop
  }

  /** Answers whether the cleaning was still under way. */
  end(): boolean {
    const wasUnderWay = this.isUnderWay
    this.#stop = undefined
    return wasUnderWay
  }

  /** Files are about to be cut, removed or renamed. */
  stop(): void {
    const stop = this.#stop
    this.#stop = undefined
    stop?.()
  }

  cleanedTo(offset: number): void {
    this.#firstDirtyOffset = offset
  }

  /** The log ends at `offset` now. */
  truncatedTo(offset: number): void {
    this.stop()
    if (this.#firstDirtyOffset !== undefined)
      this.#firstDirtyOffset = Math.min(this.#firstDirtyOffset, offset)
  }

  /** The log has been emptied. */
  startedAnew(): void {
    this.stop()
    this.#firstDirtyOffset = undefined
  }
}
