import type { RecordBatchView } from '../../protocol/index.ts'

/** A batch's header as it stands in a segment. */
export interface BatchAt {
  readonly batch: RecordBatchView
  readonly position: number
}

/** One .log file with its indexes. */
export declare class Segment {
  readonly baseOffset: number
  get sizeInBytes(): number
  /** Largest record time in the segment; -1 when there is none. */
  get largestTimestamp(): number
  get offsetOfLargestTimestamp(): number
  /**
   * Keeps the books for a batch that stands at `position`: size, largest time, index entries. For appends and for
   * rebuilding indexes from a scan.
   */
  noteBatch(position: number, lastOffset: number, maxTimestamp: number, sizeInBytes: number): void
  /** Headers of the batches between two positions, in order; reads only headers. */
  headers(fromPosition?: number, toPosition?: number): Generator<BatchAt>
  /** Whole batches. */
  batches(fromPosition?: number, toPosition?: number): Generator<BatchAt>
  close(): void
}
