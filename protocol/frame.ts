// Every request and response travels in a frame: an int32 size, then so many bytes. Reading sockets is the network's part.

import { ProtocolError } from './bytes/protocol-error.ts'
import type { Writer } from './bytes/writer.ts'

export const frameHeaderBytes = 4

/**
 * The size in bytes of the frame's body, whose header is the four bytes at `at` (the caller knows that they are there).
 * A size that is negative or above `maxBytes` is a ProtocolError: what follows cannot be split into frames any more.
 */
export function frameBodyBytes(buffer: Buffer, at: number, maxBytes: number): number {
  const size = buffer.readInt32BE(at)
  if (size < 0) throw new ProtocolError(`A frame has the size ${size}.`)
  if (size > maxBytes)
    throw new ProtocolError(`A frame of ${size} bytes is larger than the ${maxBytes} that are allowed.`)
  return size
}

/** Leaves room for a frame's header; the returned mark goes to `endFrame`. */
export function beginFrame(writer: Writer): number {
  return writer.reserve(frameHeaderBytes)
}

/** Completes the frame that began at `mark` with all that was written since. */
export function endFrame(writer: Writer, mark: number): void {
  writer.patchInt32(mark, writer.position - mark - frameHeaderBytes)
}
