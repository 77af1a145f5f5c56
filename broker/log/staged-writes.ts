import type { Segment } from './segment.ts'
import { mostStagedBytes, stagingBuffers } from './staging-buffers.ts'

/** Batches from this size on are not copied but written at once. */
const writtenAtOnceBytes = 64 * 1024

/**
 * The bytes that one log has been given in this turn and not yet written. Small batches are gathered and cost one
 * write together; large ones go to the file directly, in pieces (writes of a megabyte are up to three times dearer a byte).
 * The order of bytes is the order of calls. Throws DiskError; then nothing staged may be written any more.
 */
export class StagedWrites {
  #buffer: Buffer | undefined
  #length = 0
  /** What the last turns needed, so that a busy log begins with a buffer of the right size. */
  #expectedBytes = 0

  get length(): number {
    return this.#length
  }

  /** True when the bytes wait for `write`; false when they are in the file already. */
  add(segment: Segment, source: Buffer, start: number, length: number): boolean {
    if (length >= writtenAtOnceBytes) {
      this.write(segment)
      for (let done = 0; done < length; done += mostStagedBytes) {
        segment.write(source, start + done, Math.min(mostStagedBytes, length - done))
      }
      return false
    }
    if (this.#length + length > mostStagedBytes) this.write(segment)
    const buffer = this.#roomFor(length)
    source.copy(buffer, this.#length, start, start + length)
    this.#length += length
    return true
  }

  write(segment: Segment): void {
    if (this.#buffer === undefined) return
    const buffer = this.#buffer
    const length = this.#length
    this.#buffer = undefined
    this.#length = 0
    this.#expectedBytes = Math.max(length, this.#expectedBytes >>> 1)
    try {
      segment.write(buffer, 0, length)
    } finally {
      stagingBuffers.give(buffer)
    }
  }

  discard(): void {
    if (this.#buffer !== undefined) stagingBuffers.give(this.#buffer)
    this.#buffer = undefined
    this.#length = 0
  }

  #roomFor(length: number): Buffer {
    const needed = this.#length + length
    const buffer = this.#buffer
    if (buffer !== undefined && buffer.length >= needed) return buffer
    const larger = stagingBuffers.take(buffer === undefined ? Math.max(needed, this.#expectedBytes) : needed)
    if (buffer !== undefined) {
      buffer.copy(larger, 0, 0, this.#length)
      stagingBuffers.give(buffer)
    }
    this.#buffer = larger
    return larger
  }
}
