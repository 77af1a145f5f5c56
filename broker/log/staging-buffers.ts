/** What a log gathers in one turn before it is written; also the most that goes into one write. */
export const mostStagedBytes = 512 * 1024

const smallestBytes = 4 * 1024
/** Free buffers are kept up to this many bytes in all. */
const mostFreeBytes = 32 * 1024 * 1024

/** Buffers of 4 KiB to 512 KiB, in powers of two, that logs borrow for the rest of a turn. */
export class StagingBuffers {
  readonly #free = new Map<number, Buffer[]>()
  #freeBytes = 0

  get freeBytes(): number {
    return this.#freeBytes
  }

  /** At least `bytes` long (at most 512 KiB); with whatever content it had. */
  take(bytes: number): Buffer {
    let size = smallestBytes
    while (size < bytes) size *= 2
    const buffer = this.#free.get(size)?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size)
    this.#freeBytes -= size
    return buffer
  }

  give(buffer: Buffer): void {
    if (this.#freeBytes + buffer.length > mostFreeBytes) return
    this.#freeBytes += buffer.length
    const free = this.#free.get(buffer.length)
    if (free === undefined) this.#free.set(buffer.length, [buffer])
    else free.push(buffer)
  }
}

/** One thread, one pool. */
export const stagingBuffers = new StagingBuffers()
