import { frameBodyBytes, frameHeaderBytes, otherProtocol, ProtocolError } from '../../protocol/index.ts'

/**
 * Splits what a socket gives into frames without copying it twice: the socket writes straight into `space()`, and a frame
 * larger than the buffer gets room for all of it as soon as its size is known.
 *
 * Frames are views of the buffer. Nothing writes over them before the socket is read again, which is in a later turn: who
 * wants to keep some of them copies them before.
 */
export class ReceiveBuffer {
  readonly #maxFrameBytes: number
  #buffer: Buffer = Buffer.allocUnsafeSlow(usualBytes)
  /** Where the frame that is not complete yet begins, and where received bytes end. */
  #start = 0
  #end = 0
  /** Of the frame that is coming in, as far as its size is known. */
  #wantedBytes = leastWanted

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Where the next bytes go; never empty. */
  space(): Buffer {
    if (this.#start === this.#end) {
      this.#start = 0
      this.#end = 0
      if (this.#buffer.length > mostKeptBytes) this.#buffer = Buffer.allocUnsafeSlow(usualBytes)
    }
    if (this.#start + this.#wantedBytes > this.#buffer.length) this.#moveToNewBuffer()
    return this.#buffer.subarray(this.#end)
  }

  /** `length` bytes were written to the space. Calls `take` with every frame that is complete now: buffer, start, end of its body. */
  received(length: number, take: (buffer: Buffer, start: number, end: number) => void): void {
    this.#end += length
    while (this.#end - this.#start >= frameHeaderBytes) {
      const bodyStart = this.#start + frameHeaderBytes
      const bodyEnd = bodyStart + answerBytes(this.#buffer, this.#start, this.#maxFrameBytes)
      this.#wantedBytes = bodyEnd - this.#start
      if (this.#end < bodyEnd) return
      this.#start = bodyEnd
      this.#wantedBytes = leastWanted
      take(this.#buffer, bodyStart, bodyEnd)
    }
  }

  /** Always another one: frames of the old one may still be looked at in this turn. */
  #moveToNewBuffer(): void {
    const target = Buffer.allocUnsafeSlow(roomFor(this.#wantedBytes))
    this.#buffer.copy(target, 0, this.#start, this.#end)
    this.#buffer = target
    this.#end -= this.#start
    this.#start = 0
  }
}

/** As `frameBodyBytes`; the error also says what it is that does not speak Kafka. */
function answerBytes(buffer: Buffer, at: number, maxBytes: number): number {
  try {
    return frameBodyBytes(buffer, at, maxBytes)
  } catch (error) {
    const other = otherProtocol(buffer, at)
    if (!(error instanceof ProtocolError) || other === undefined) throw error
    const which = other === 'TLS' ? 'a listener with TLS' : `a server of another protocol, ${other}`
    throw new ProtocolError(
      `${error.message} It looks like ${which}: is the port that of the listener that was meant?`,
    )
  }
}

/** The header, and a byte more, so that there is always room to read into. */
const leastWanted = frameHeaderBytes + 1
const usualBytes = 65_536
/** A buffer that grew for one large frame is given back when it is no longer needed, unless it is about this small. */
const mostKeptBytes = 16 * 1_048_576

/** Some room to spare, so that answers of about the same size do not make a new buffer each. */
function roomFor(bytes: number): number {
  return Math.ceil((bytes * 1.25) / usualBytes) * usualBytes
}
