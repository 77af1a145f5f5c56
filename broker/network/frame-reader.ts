import { frameBodyBytes, frameHeaderBytes, ProtocolError } from '../../protocol/index.ts'
import type { BufferPool, PooledBuffer } from './buffer-pool.ts'
import { recogniseGarbage } from './recognise-garbage.ts'

/**
 * Splits what one connection receives into frames.
 *
 * A frame that lies whole in the chunk is handed on in place. What is left (the beginning of a frame, or frames that may
 * not start yet) is copied to a buffer from the pool, which grows with what arrives, not with what a frame
 * announces: so announcing costs nothing. The buffer goes back as soon as it is empty.
 */
export class FrameReader {
  readonly #pool: BufferPool
  readonly #maxFrameBytes: number
  readonly #listenerName: string
  readonly #sink: FrameSink
  #held: PooledBuffer | undefined
  /** What is held lies between these two. */
  #start = 0
  #end = 0
  #blocked = false
  /** Frames in the held buffer are being handled: it must not go back to the pool meanwhile. */
  #handingOnHeld = false

  constructor(options: {
    readonly pool: BufferPool
    readonly maxFrameBytes: number
    readonly listenerName: string
    readonly sink: FrameSink
  }) {
    this.#pool = options.pool
    this.#maxFrameBytes = options.maxFrameBytes
    this.#listenerName = options.listenerName
    this.#sink = options.sink
  }

  /** Size of the buffer that is held, 0 when there is none. */
  get heldCapacity(): number {
    return this.#held?.bytes.length ?? 0
  }

  /** Bytes received and not yet handed on. */
  get heldBytes(): number {
    return this.#end - this.#start
  }

  /** A whole frame is here that may not start yet. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Takes in `chunk` from 0 to `length`; keeps no reference to it. Throws BadFrame on a size that cannot be. */
  push(chunk: Buffer, length: number): void {
    if (this.#sink.closed) return
    let at = 0
    while (this.#held !== undefined) {
      at = this.#complete(chunk, at, length)
      if (at === length || this.#blocked) break
    }
    if (this.#held === undefined) at = this.#handOn(chunk, at, length)
    if (at < length && !this.#sink.closed) this.#hold(chunk, at, length)
  }

  /** Goes on with frames that could not start before. */
  resume(): void {
    const held = this.#held
    if (held === undefined || this.#handingOnHeld) return
    this.#handingOnHeld = true
    try {
      this.#start = this.#handOn(held.bytes, this.#start, this.#end)
    } finally {
      this.#handingOnHeld = false
      if (this.#start === this.#end || this.#sink.closed) this.#release()
    }
  }

  /** Forgets everything and gives its buffer back; when called by a frame's handler, as soon as that has returned. */
  close(): void {
    if (!this.#handingOnHeld) this.#release()
  }

  /** Hands on whole frames in place while they may start; returns where the rest begins. */
  #handOn(bytes: Buffer, from: number, to: number): number {
    const sink = this.#sink
    let at = from
    this.#blocked = false
    while (to - at >= frameHeaderBytes) {
      const size = this.#frameSize(bytes, at)
      const frameEnd = at + frameHeaderBytes + size
      if (frameEnd > to) break
      if (!sink.mayStart(size)) {
        this.#blocked = !sink.closed
        break
      }
      // Moved on before the frame is handled, so that a close from within finds nothing half done.
      at = frameEnd
      sink.frame(bytes, frameEnd - size, frameEnd)
      if (sink.closed) return to
    }
    return at
  }

  /** Adds to what is held as much as completes the first frame, and hands that on; returns where the rest of the chunk begins. */
  #complete(chunk: Buffer, at: number, length: number): number {
    if (this.#blocked) return at
    let next = at
    if (this.heldBytes < frameHeaderBytes)
      next = this.#append(chunk, next, length, frameHeaderBytes - this.heldBytes)
    const held = this.#held
    if (held === undefined || this.heldBytes < frameHeaderBytes) return next
    const whole = frameHeaderBytes + this.#frameSize(held.bytes, this.#start)
    next = this.#append(chunk, next, length, whole - this.heldBytes)
    if (this.heldBytes >= whole) this.resume()
    return next
  }

  #append(chunk: Buffer, from: number, length: number, most: number): number {
    const to = Math.min(length, from + most)
    if (to > from) this.#hold(chunk, from, to)
    return to
  }

  /** Copies `chunk` from `from` to `to` behind what is held. */
  #hold(chunk: Buffer, from: number, to: number): void {
    const needed = this.heldBytes + to - from
    const held = this.#withRoomFor(needed, chunk, from, to)
    chunk.copy(held.bytes, this.#end, from, to)
    this.#end += to - from
  }

  #withRoomFor(needed: number, chunk: Buffer, from: number, to: number): PooledBuffer {
    const held = this.#held
    if (held === undefined) {
      const fresh = this.#pool.take(Math.max(needed, this.#expected(chunk, from, to, needed)))
      this.#held = fresh
      this.#start = 0
      this.#end = 0
      return fresh
    }
    if (this.#end + (to - from) <= held.bytes.length) return held
    if (needed <= held.bytes.length) {
      held.bytes.copyWithin(0, this.#start, this.#end)
    } else {
      const larger = this.#pool.take(
        Math.max(needed, this.#expected(held.bytes, this.#start, this.#end, needed)),
      )
      held.bytes.copy(larger.bytes, 0, this.#start, this.#end)
      this.#held = larger
      this.#pool.give(held)
    }
    this.#end -= this.#start
    this.#start = 0
    return this.#held ?? held
  }

  /** The whole first frame, but never more than a few times what is really there. */
  #expected(bytes: Buffer, from: number, to: number, present: number): number {
    if (to - from < frameHeaderBytes) return present
    const whole = frameHeaderBytes + this.#frameSize(bytes, from)
    return this.#sink.memoryIsShort ? present : Math.min(whole, Math.max(present * growth, unquestionedBytes))
  }

  #frameSize(bytes: Buffer, at: number): number {
    const size = bytes.readInt32BE(at)
    if (size >= minFrameBytes && size <= this.#maxFrameBytes) return size
    throw new BadFrame(this.#whatIsWrong(bytes, at))
  }

  #whatIsWrong(bytes: Buffer, at: number): string {
    try {
      const size = frameBodyBytes(bytes, at, this.#maxFrameBytes)
      return `A frame of ${size} bytes cannot hold a request.`
    } catch (error) {
      const sentence = error instanceof ProtocolError ? error.message : String(error)
      const guess = recogniseGarbage(bytes, at, this.#listenerName)
      return guess === undefined ? sentence : `${sentence} (${guess})`
    }
  }

  #release(): void {
    const held = this.#held
    this.#held = undefined
    this.#start = 0
    this.#end = 0
    if (held !== undefined) this.#pool.give(held)
  }
}

export interface FrameSink {
  /** Nothing more is wanted. */
  readonly closed: boolean
  /** Buffers are to be no larger than they must. */
  readonly memoryIsShort: boolean
  /** Whether a request of so many bytes may start now; if not, `resume` is to be called later. */
  mayStart(size: number): boolean
  /** A frame's body lies between `start` and `end`; the bytes are gone when this returns. */
  frame(bytes: Buffer, start: number, end: number): void
}

/** What comes is not split into frames any further: its sizes make no sense. */
export class BadFrame extends Error {
  override readonly name = 'BadFrame'
}

/** api key, api version and correlation id. */
const minFrameBytes = 8
const growth = 4
/** So much is set aside for a frame as soon as its size is known. */
const unquestionedBytes = 16 * 1024
