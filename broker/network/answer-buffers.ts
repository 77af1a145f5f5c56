import { Writer } from '../../protocol/index.ts'
import type { BufferPool, PooledBuffer } from './buffer-pool.ts'

/**
 * Where the answers of one connection and turn are written: small ones one behind the other, a large one in a buffer of its
 * own size. When the turn ends the buffers go to the socket, and back to the pool when the socket is done with them.
 */
export class AnswerBuffers {
  readonly #pool: BufferPool
  #writer: Writer | undefined
  #pooled: PooledBuffer | undefined
  #full: FilledBuffer[] = []

  constructor(pool: BufferPool) {
    this.#pool = pool
  }

  get isEmpty(): boolean {
    return this.#writer === undefined && this.#full.length === 0
  }

  /** A writer with room for about `bytes` more. Call `written` after writing. */
  writerFor(bytes: number): Writer {
    const writer = this.#writer
    if (writer === undefined) return this.#next(Math.max(bytes, firstBytes))
    const room = writer.buffer.length - writer.position
    if (bytes <= room || writer.position === 0) return writer
    const next = Math.min(writer.buffer.length * 2, largestShared)
    this.#finish()
    return this.#next(Math.max(bytes, next))
  }

  /** A writer that outgrew its buffer has copied it and moved to one of its own. */
  written(): void {
    const pooled = this.#pooled
    if (pooled === undefined || this.#writer?.buffer === pooled.bytes) return
    this.#pooled = undefined
    this.#pool.give(pooled)
  }

  /** All that was written since the last call; each is to be given to `release` when it has left. */
  take(): readonly FilledBuffer[] {
    this.#finish()
    const full = this.#full
    this.#full = []
    return full
  }

  release({ pooled }: FilledBuffer): void {
    if (pooled !== undefined) this.#pool.give(pooled)
  }

  /** Drops what never left. */
  close(): void {
    for (const filled of this.take()) this.release(filled)
  }

  #next(bytes: number): Writer {
    const pooled = this.#pool.take(bytes)
    const writer = new Writer(pooled.bytes)
    this.#pooled = pooled
    this.#writer = writer
    return writer
  }

  #finish(): void {
    const writer = this.#writer
    if (writer === undefined) return
    const pooled = this.#pooled
    this.#writer = undefined
    this.#pooled = undefined
    if (writer.position > 0) this.#full.push({ bytes: writer.finish(), pooled })
    else if (pooled !== undefined) this.#pool.give(pooled)
  }
}

export interface FilledBuffer {
  readonly bytes: Buffer
  /** undefined: the garbage collector's. */
  readonly pooled: PooledBuffer | undefined
}

const firstBytes = 4096
/** Small answers share buffers of at most this size. */
const largestShared = 64 * 1024
