/** Told at the end of a turn, never inside an append. */
export interface WriteListener {
  /** Readers may see everything below this offset. */
  written(logEndOffset: number): void
  /**
   * The disk had no room. What this turn gave out from `endOffset` on was taken back: offsets, producers and leader
   * epochs, an epoch that begins there included. Nothing of it was readable. Later appends may succeed, and get these offsets.
   */
  refused(endOffset: number, error: Error): void
  /** By retention or because somebody asked for it, the log begins later. For who has something to do then. */
  startMoved?(): void
  /** The disk failed; the log accepts nothing any more. */
  failed(error: Error): void
}
