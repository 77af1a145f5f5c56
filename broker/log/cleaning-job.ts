/** One cleaning of one log. Everything by value, so that it can go to a worker thread. */
export interface CleaningJob {
  readonly directory: string
  /** The closed segments up to `upToOffset`, from the first of the log. */
  readonly segments: readonly SegmentToClean[]
  /** Bases of all segments of the log that have an index of aborted transactions. */
  readonly transactionIndexes: readonly number[]
  /** Below it every key stands once; nothing of it is mapped. */
  readonly firstDirtyOffset: number
  /** Exclusive, and the base of the segment after the last of `segments`. */
  readonly upToOffset: number
  /** Three numbers for each living producer: its id, the offset of its last data (-1 = none), its epoch. */
  readonly producers: Float64Array
  /** Wall clock. */
  readonly nowMs: number
  readonly deleteRetentionMs: number
  readonly segmentBytes: number
  readonly indexBytes: number
  readonly indexIntervalBytes: number
  /** However well a batch packs, it may not unpack to more. */
  readonly mostUnpackedBytes: number
  /** For the map of keys, at most. */
  readonly mapBytes: number
  /** The map is filled up to this part of it. */
  readonly mapLoadFactor: number
  /** For reading; as much again for writing. */
  readonly bufferBytes: number
  /** Chance for the hash of keys. */
  readonly seed: Int32Array
}

export interface SegmentToClean {
  readonly baseOffset: number
  readonly sizeInBytes: number
}

/** Neighbouring segments that are to be replaced, and what stands ready with the suffix `.cleaned` to replace them. */
export interface CleanedGroup {
  /** Bases of what is replaced, in order. The new segment has the first of them. */
  readonly bases: readonly number[]
  readonly sizeInBytes: number
  /** Of the newest file that is replaced, so that time retention goes on as before. */
  readonly modifiedAtMs: number
  readonly hasTransactionIndex: boolean
}

export interface CleaningOutcome {
  /** Below it every key stands once now. Less than was asked for when the map was full before. */
  readonly endOffset: number
  readonly mappedKeys: number
  /** How much of the memory that the map may take was used, 0–1. */
  readonly mapUtilization: number
  /** In both passes. */
  readonly readBytes: number
  /** Of the segments that were copied, before and after. */
  readonly bytesBefore: number
  readonly bytesAfter: number
}

export interface CleaningControl {
  readonly isStopped: () => boolean
  /** Bytes were read or written. A promise when there are too many of them: nothing more before it resolves. */
  readonly spend: (bytes: number) => Promise<void> | undefined
  /** A group stands ready, and on the device. Groups come in order. */
  readonly onGroup: (group: CleanedGroup) => void
}

/** The cleaning was told to stop. */
export class CleaningStopped extends Error {
  override readonly name = 'CleaningStopped'
}
