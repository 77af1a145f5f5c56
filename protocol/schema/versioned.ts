// Messages that stand alone begin with an int16 that says their version.

import { ProtocolError } from '../bytes/protocol-error.ts'
import { Reader, type ReaderOptions } from '../bytes/reader.ts'
import { Writer } from '../bytes/writer.ts'
import { decodeMessage, encodeMessage } from './compile.ts'
import type { Message } from './message.ts'
import type { Decoded, Encodable } from './message-type.ts'

/** The version, then the message. Throws EncodeError. */
export function encodeVersioned<Kind extends Message>(
  message: Kind,
  version: number,
  value: Encodable<Kind>,
): Buffer {
  const writer = new Writer(128)
  writer.int16(version)
  encodeMessage(message, version, value, writer)
  return writer.finish()
}

export interface VersionedOptions extends ReaderOptions {
  /** Read a version above what we know as the newest that we know: right where later versions only append. */
  readonly newerAsNewest?: boolean
}

/** Throws ProtocolError for what does not fit, and for versions that are not known. Bytes after the message are left alone. */
export function decodeVersioned<Kind extends Message>(
  message: Kind,
  bytes: Buffer,
  options: VersionedOptions = {},
): Decoded<Kind> {
  if (bytes.length < 2)
    throw new ProtocolError(`${message.name} has no room for its version in ${bytes.length} bytes.`)
  const reader = new Reader(bytes, 0, bytes.length, options)
  const version = reader.int16()
  const newest = message.versions.max
  return decodeMessage(message, options.newerAsNewest === true && version > newest ? newest : version, reader)
}
