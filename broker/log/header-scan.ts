import { batchHeaderBytes, RecordBatchView } from '../../protocol/index.ts'

const currentMagic = 2

/** Room that one who scans gives: larger means fewer reads where batches are small, wasted bytes where they are large. */
export const scanBufferBytes = 4096

export type ReadAt = (target: Buffer, at: number, length: number, position: number) => number

/**
 * Goes from batch to batch of a file, reading only headers. After `next()` answered true, `batch` shows the header of
 * the batch at `position` (nothing behind the header may be there) until the next call.
 */
export class HeaderScan {
  readonly #read: ReadAt
  readonly #end: number
  readonly #buffer: Buffer
  #windowStart = 0
  #windowEnd = 0
  #next: number
  #position = -1
  #batch: RecordBatchView | undefined
  #problem: string | undefined

  /** Scans [from, end) of what `read` reads; `from` must be the start of a batch. */
  constructor(read: ReadAt, from: number, end: number, buffer: Buffer = Buffer.allocUnsafe(scanBufferBytes)) {
    this.#read = read
    this.#end = end
    this.#buffer = buffer
    this.#next = from
  }

  get batch(): RecordBatchView {
    if (this.#batch === undefined) throw new Error('There is a batch only after next() has answered true.')
    return this.#batch
  }

  get position(): number {
    return this.#position
  }

  /** Where the next batch begins; after the last one, or at something that is no whole batch, where the good part ends. */
  get nextPosition(): number {
    return this.#next
  }

  /** Why the scan ended before the end; undefined when it did not. */
  get problem(): string | undefined {
    return this.#problem
  }

  next(): boolean {
    const position = this.#next
    if (position >= this.#end) return false
    if (position + batchHeaderBytes > this.#end) return this.#stop('ends in the header of a batch')
    if (position < this.#windowStart || position + batchHeaderBytes > this.#windowEnd) {
      const wanted = Math.min(this.#buffer.length, this.#end - position)
      this.#windowStart = position
      this.#windowEnd = position + this.#read(this.#buffer, 0, wanted, position)
      if (position + batchHeaderBytes > this.#windowEnd) return this.#stop('ends in the header of a batch')
    }
    const batch = new RecordBatchView(this.#buffer, position - this.#windowStart)
    const size = batch.sizeInBytes
    if (batch.magic !== currentMagic) return this.#stop(`has a batch with magic ${batch.magic}`)
    if (size < batchHeaderBytes) return this.#stop(`has a batch of ${size} bytes`)
    if (position + size > this.#end)
      return this.#stop(`ends ${position + size - this.#end} bytes before its last batch does`)
    this.#position = position
    this.#batch = batch
    this.#next = position + size
    return true
  }

  #stop(what: string): boolean {
    this.#problem = `The file ${what} at byte ${this.#next}.`
    return false
  }
}
