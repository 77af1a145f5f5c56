// The four things that are done with an API's messages.

import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { decodeMessage, encodeMessage } from '../schema/compile.ts'
import type { Api } from '../schema/message.ts'
import type { Decoded, Encodable } from '../schema/message-type.ts'

/** Reads a request's body from where the reader stands; throws ProtocolError. */
export function decodeRequest<Kind extends Api>(
  api: Kind,
  version: number,
  reader: Reader,
): Decoded<Kind['request']> {
  return decodeMessage<Kind['request']>(api.request, version, reader)
}

/** Appends a response's body; throws EncodeError. */
export function encodeResponse<Kind extends Api>(
  api: Kind,
  version: number,
  value: Encodable<Kind['response']>,
  writer: Writer,
): void {
  encodeMessage<Kind['response']>(api.response, version, value, writer)
}

/** Appends a request's body; throws EncodeError. */
export function encodeRequest<Kind extends Api>(
  api: Kind,
  version: number,
  value: Encodable<Kind['request']>,
  writer: Writer,
): void {
  encodeMessage<Kind['request']>(api.request, version, value, writer)
}

/** Reads a response's body from where the reader stands; throws ProtocolError. */
export function decodeResponse<Kind extends Api>(
  api: Kind,
  version: number,
  reader: Reader,
): Decoded<Kind['response']> {
  return decodeMessage<Kind['response']>(api.response, version, reader)
}
