import { assert } from '../../runtime/assert.ts'

/**
 * Byte buffers used again and again, in sizes of powers of two from 1 KB to 64 MB; larger ones are made and dropped.
 *
 * A buffer belongs to who took it until it is given back, and whoever gives it back must be done with it: for a socket that
 * is when the write's callback ran, never when the write was called. What a taken buffer holds is some earlier
 * user's bytes: only what was written into it since may leave.
 */
export class BufferPool {
  readonly #retainAtMost: number
  readonly #free: PooledBuffer[][] = Array.from({ length: classes }, () => [])
  /** Per class, the fewest that lay free since the last trim: so many were not needed. */
  readonly #idle: number[] = Array.from({ length: classes }, () => 0)
  #retainedBytes = 0
  #takenBytes = 0

  /** Keeps at most `retainAtMost` bytes of free buffers. */
  constructor(retainAtMost = 64 * 2 ** 20) {
    this.#retainAtMost = retainAtMost
  }

  /** Bytes that lie free. */
  get retainedBytes(): number {
    return this.#retainedBytes
  }

  /** Bytes that are in somebody's hands. */
  get takenBytes(): number {
    return this.#takenBytes
  }

  /** A buffer of at least `minBytes`. */
  take(minBytes: number): PooledBuffer {
    const at = classOf(minBytes)
    const free = this.#free[at]
    const pooled = free?.pop()
    if (free === undefined || pooled === undefined) return this.#make(at, minBytes)
    this.#idle[at] = Math.min(this.#idle[at] ?? 0, free.length)
    this.#retainedBytes -= pooled.bytes.length
    this.#takenBytes += pooled.bytes.length
    pooled.taken = true
    return pooled
  }

  give(pooled: PooledBuffer): void {
    assert(pooled.taken, 'A buffer was given back twice.')
    pooled.taken = false
    const size = pooled.bytes.length
    this.#takenBytes -= size
    const free = this.#free[classOf(size)]
    if (free === undefined || this.#retainedBytes + size > this.#retainAtMost) return
    this.#retainedBytes += size
    free.push(pooled)
  }

  /** Lets go of buffers that nobody needed since the last trim. To be called now and then. */
  trim(): void {
    for (const [at, free] of this.#free.entries()) {
      const unneeded = free.splice(0, this.#idle[at] ?? 0)
      for (const pooled of unneeded) this.#retainedBytes -= pooled.bytes.length
      this.#idle[at] = free.length
    }
  }

  #make(at: number, minBytes: number): PooledBuffer {
    const size = at < classes ? smallest * 2 ** at : minBytes
    this.#takenBytes += size
    return { bytes: Buffer.allocUnsafeSlow(size), taken: true }
  }
}

export interface PooledBuffer {
  readonly bytes: Buffer
  /** For the pool alone. */
  taken: boolean
}

const smallest = 1024
/** 1 KB … 64 MB. */
const classes = 17

function classOf(bytes: number): number {
  return bytes <= smallest ? 0 : 32 - Math.clz32((bytes - 1) >>> 10)
}
