// Makes the decoder and the encoder of one version of a message when it is first spoken, and keeps them with the message.

import { compileFunction } from 'node:vm'
import { EncodeError, ProtocolError } from '../bytes/protocol-error.ts'
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { decodeSource } from './decode-source.ts'
import { encodeSource } from './encode-source.ts'
import type { Layout } from './layout.ts'
import type { Decoder, Encoder, Message } from './message.ts'
import type { Decoded, Encodable } from './message-type.ts'
import { contains, formatVersions } from './versions.ts'

const emptyBytes = Buffer.alloc(0)
const emptyList: readonly unknown[] = Object.freeze([])
const emptyStruct: object = Object.freeze({})

/**
 * Reads one message from where the reader stands. Bytes after it are left alone, as Kafka does. Whatever does not fit
 * is a ProtocolError that names the message and the byte.
 */
export function decodeMessage<Kind extends Message>(
  message: Kind,
  version: number,
  reader: Reader,
): Decoded<Kind> {
  const decode = message.decoders[version] ?? compileDecoder(message, version)
  try {
    return decode(reader) as Decoded<Kind>
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new ProtocolError(`${message.name} v${version} cannot be read. ${error.message}`, { cause: error })
  }
}

/**
 * Appends one message. A value that this version cannot carry (null where there is none, a number out of range, a
 * field that the version lacks and that may not be dropped) is an EncodeError; the writer then holds half a message.
 */
export function encodeMessage<Kind extends Message>(
  message: Kind,
  version: number,
  value: Encodable<Kind>,
  writer: Writer,
): void {
  const encode = message.encoders[version] ?? compileEncoder(message, version)
  try {
    encode(writer, value)
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error
    throw new EncodeError(`${message.name} v${version} cannot be written. ${error.message}`, { cause: error })
  }
}

function compileDecoder(message: Message, version: number): Decoder {
  const layout = layoutOf(message, version)
  if (layout === undefined) throw new ProtocolError(unknownVersion(message, version))
  const make = compileFunction(decodeSource(message.fields, layout), ['emptyBytes'], {
    filename: `decode-${message.name}-v${version}`,
  }) as (empty: Buffer) => Decoder
  const decoder = make(emptyBytes)
  message.decoders[version] = decoder
  return decoder
}

function compileEncoder(message: Message, version: number): Encoder {
  const layout = layoutOf(message, version)
  if (layout === undefined) throw new EncodeError(unknownVersion(message, version))
  const parameters = ['emptyBytes', 'emptyList', 'emptyStruct', 'refuseNull', 'refuseField']
  const make = compileFunction(encodeSource(message.fields, layout), parameters, {
    filename: `encode-${message.name}-v${version}`,
  }) as (...given: unknown[]) => Encoder
  const encoder = make(emptyBytes, emptyList, emptyStruct, refuseNull, refuseField)
  message.encoders[version] = encoder
  return encoder
}

function layoutOf(message: Message, version: number): Layout | undefined {
  if (!contains(message.versions, version)) return undefined
  return { version, flexible: contains(message.flexible, version) }
}

function unknownVersion(message: Message, version: number): string {
  return `${message.name} v${version} is not among the versions ${formatVersions(message.versions)}.`
}

function refuseNull(field: string): never {
  throw new EncodeError(`The field ${field} may not be null in this version.`)
}

function refuseField(field: string): never {
  throw new EncodeError(`The field ${field} has a value, but this version has no such field.`)
}
