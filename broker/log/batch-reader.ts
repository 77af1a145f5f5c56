import { batchHeaderBytes, findBatch, type RecordBatchView } from '../../protocol/index.ts'
import type { DiskFile } from './disk.ts'

/** The bytes of a log are not what a log has: compaction leaves it as it is, so that nothing is made worse. */
export class DamagedSegment extends Error {
  override readonly name = 'DamagedSegment'
}

/**
 * The whole batches of a segment file in order, each with its checksum checked. Reads ahead into one buffer, which grows to
 * the largest batch. A batch is good until the next call.
 */
export class BatchReader {
  #buffer: Buffer
  #file: DiskFile | undefined
  #sizeInBytes = 0
  /** Of the file: what has been read up to. */
  #position = 0
  #start = 0
  #end = 0

  constructor(bufferBytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bufferBytes)
  }

  /** Goes on with another file, whose first `sizeInBytes` bytes are read. */
  begin(file: DiskFile, sizeInBytes: number): void {
    this.#file = file
    this.#sizeInBytes = sizeInBytes
    this.#position = 0
    this.#start = 0
    this.#end = 0
  }

  /** Undefined at the end of the file. */
  next(): RecordBatchView | undefined {
    for (;;) {
      const found = findBatch(this.#buffer, this.#start, this.#end)
      switch (found.kind) {
        case 'batch':
          if (!found.batch.isValidCrc()) throw this.#damaged('has a batch with a wrong checksum')
          this.#start += found.batch.sizeInBytes
          return found.batch
        case 'incomplete':
          if (this.#start === this.#end && this.#position === this.#sizeInBytes) return undefined
          this.#fill(found.sizeInBytes ?? batchHeaderBytes)
          break
        case 'oldMagic':
          throw this.#damaged(`has a batch of the old magic ${found.magic}`)
        case 'corrupt':
          throw this.#damaged(`is damaged: ${found.sentence}`)
      }
    }
  }

  #fill(wantedBytes: number): void {
    const kept = this.#end - this.#start
    const remaining = this.#sizeInBytes - this.#position
    if (remaining === 0 || wantedBytes > kept + remaining)
      throw this.#damaged('ends in the middle of a batch')
    const target = wantedBytes > this.#buffer.length ? Buffer.allocUnsafeSlow(wantedBytes) : this.#buffer
    this.#buffer.copy(target, 0, this.#start, this.#end)
    this.#buffer = target
    const length = Math.min(target.length - kept, remaining)
    const got = this.#file?.readSync(target, kept, length, this.#position) ?? 0
    if (got < length) throw this.#damaged('is shorter than it was')
    this.#position += got
    this.#start = 0
    this.#end = kept + got
  }

  #damaged(what: string): DamagedSegment {
    const at = this.#position - (this.#end - this.#start)
    return new DamagedSegment(`${this.#file?.path ?? 'The file'} ${what} at byte ${at}.`)
  }
}
