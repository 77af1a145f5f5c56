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
  if (size > maxBytes) {
    const tooLarge = `A frame of ${size} bytes is larger than the ${maxBytes} that are allowed`
    throw new ProtocolError(`${tooLarge}${otherProtocol(buffer, at)}.`)
  }
  return size
}

const httpBeginnings = ['HTTP', 'GET ', 'HEAD', 'POST', 'PUT ', 'DELE', 'OPTI', 'PATC', 'CONN', 'PRI ']
/** Alert, handshake (RFC 8446, section 5.1), and what follows: the major version. */
const tlsBeginnings = ['1503', '1603']

/** What the four bytes at `at` are when they are no size, as after a wrong port or a listener's other protocol. */
function otherProtocol(buffer: Buffer, at: number): string {
  if (httpBeginnings.includes(buffer.toString('latin1', at, at + frameHeaderBytes))) {
    return '; it begins as HTTP does: the port is not one of Kafka, or who connects is no Kafka client'
  }
  if (tlsBeginnings.includes(buffer.toString('hex', at, at + 2))) {
    return '; it begins as TLS does: one side speaks TLS and the other does not'
  }
  return ''
}

/** Leaves room for a frame's header; the returned mark goes to `endFrame`. */
export function beginFrame(writer: Writer): number {
  return writer.reserve(frameHeaderBytes)
}

/** Completes the frame that began at `mark` with all that was written since. */
export function endFrame(writer: Writer, mark: number): void {
  writer.patchInt32(mark, writer.position - mark - frameHeaderBytes)
}
