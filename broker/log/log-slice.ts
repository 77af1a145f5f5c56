import type { RecordsSource } from '../../protocol/index.ts'
import type { Segment } from './segment.ts'

/** What a read found: bytes in a file that are read when they are needed. */
export interface LogRead {
  /** `readInto` reads from the file at once; its length may be 0. */
  readonly records: RecordsSource
  /** Written or read a moment ago, so most likely in the page cache: reading at once is right. Else `load` first. */
  readonly recent: boolean
  /** Reads the bytes off the loop. */
  load(): Promise<Buffer>
  /** There is a batch, but it is larger than what was asked for, and nothing is given. */
  readonly firstBatchIncomplete: boolean
  /** The bytes reach to the end of their segment, and there is more to read in the next. */
  readonly endsInOldSegment: boolean
  /** Null unless asked for. */
  readonly abortedTransactions: { producerId: number; firstOffset: number }[] | null
  readonly segmentBaseOffset: number
  readonly position: number
}

/**
 * Bytes of one segment. Stays good when the segment is deleted (its files are kept for a while after the last slice was handed
 * out), not when they are cut off: reading then throws.
 */
export class LogSlice implements LogRead, RecordsSource {
  readonly length: number
  readonly recent: boolean
  readonly firstBatchIncomplete: boolean
  readonly endsInOldSegment: boolean
  readonly abortedTransactions: { producerId: number; firstOffset: number }[] | null
  readonly position: number
  readonly #segment: Segment
  readonly #cuts: number
  readonly #nowMs: () => number

  constructor(options: {
    readonly segment: Segment
    readonly position: number
    readonly length: number
    readonly recent: boolean
    readonly firstBatchIncomplete: boolean
    readonly endsInOldSegment: boolean
    readonly abortedTransactions: { producerId: number; firstOffset: number }[] | null
    /** Monotonic. */
    readonly nowMs: () => number
  }) {
    this.#segment = options.segment
    this.position = options.position
    this.length = options.length
    this.recent = options.recent
    this.firstBatchIncomplete = options.firstBatchIncomplete
    this.endsInOldSegment = options.endsInOldSegment
    this.abortedTransactions = options.abortedTransactions
    this.#nowMs = options.nowMs
    this.#cuts = options.segment.cuts
  }

  get records(): RecordsSource {
    return this
  }

  get segmentBaseOffset(): number {
    return this.#segment.baseOffset
  }

  readInto(target: Buffer, at: number): void {
    if (this.length === 0) return
    this.#check()
    this.#segment.readSync(target, at, this.length, this.position)
    this.#noteRead()
  }

  async load(): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(this.length)
    if (this.length === 0) return bytes
    this.#check()
    await this.#segment.read(bytes, 0, this.length, this.position)
    this.#check()
    this.#noteRead()
    return bytes
  }

  #noteRead(): void {
    if (!this.recent) this.#segment.warm.add(this.position, this.position + this.length, this.#nowMs())
  }

  #check(): void {
    if (this.#segment.cuts === this.#cuts) return
    throw new Error(
      `The log was cut while bytes of ${this.#segment.path('log')} were on their way to a reader.`,
    )
  }
}
