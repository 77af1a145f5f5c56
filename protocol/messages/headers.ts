// What stands in front of every request and response. The client id is never compact, not even in the flexible header,
// and the header of an ApiVersions response never is flexible: a client must be able to read it before it knows us.

import { ProtocolError } from '../bytes/protocol-error.ts'
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import type { Api } from '../schema/message.ts'
import { contains } from '../schema/versions.ts'
import { apiByKey } from './apis.ts'
import { apiVersions } from './api-versions.ts'

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
}

/**
 * Reads the header and leaves the reader at the body. Neither key nor version are checked: an unknown key is read as
 * if it were not flexible, a version above what we know as if it were.
 */
export function decodeRequestHeader(reader: Reader): RequestHeader {
  try {
    const apiKey = reader.int16()
    const apiVersion = reader.int16()
    const correlationId = reader.int32()
    const clientId = reader.nullableString()
    const api = apiByKey(apiKey)
    if (api !== undefined && contains(api.flexible, apiVersion)) reader.skipTaggedFields()
    return { apiKey, apiVersion, correlationId, clientId }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new ProtocolError(`A request's header cannot be read. ${error.message}`, { cause: error })
  }
}

export function encodeRequestHeader(api: Api, header: Omit<RequestHeader, 'apiKey'>, writer: Writer): void {
  writer.int16(api.key)
  writer.int16(header.apiVersion)
  writer.int32(header.correlationId)
  writer.nullableString(header.clientId)
  if (contains(api.flexible, header.apiVersion)) writer.unsignedVarint(0)
}

/** `apiVersion` is the version of the response's body; ApiVersions refuses with 0. */
export function encodeResponseHeader(
  api: Api,
  apiVersion: number,
  correlationId: number,
  writer: Writer,
): void {
  writer.int32(correlationId)
  if (hasFlexibleResponseHeader(api, apiVersion)) writer.unsignedVarint(0)
}

/** Reads the whole header of a response and returns its correlation id. */
export function decodeResponseHeader(api: Api, apiVersion: number, reader: Reader): number {
  const correlationId = reader.int32()
  if (hasFlexibleResponseHeader(api, apiVersion)) reader.skipTaggedFields()
  return correlationId
}

function hasFlexibleResponseHeader(api: Api, apiVersion: number): boolean {
  return api.key !== apiVersions.key && contains(api.flexible, apiVersion)
}
