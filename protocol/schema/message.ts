// A message: fields with the versions in which they are spoken. An API is two of them under one key.

import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import type { Fields } from './fields.ts'
import { parseVersions, type VersionRange } from './versions.ts'

export type Decoder = (reader: Reader) => unknown
export type Encoder = (writer: Writer, value: unknown) => void

export interface Message<out Inner extends Fields = Fields> {
  /** As in error messages: "FetchRequest". */
  readonly name: string
  readonly fields: Inner
  readonly versions: VersionRange
  /** Versions with compact lengths and tagged fields. */
  readonly flexible: VersionRange
  /** By version; each is compiled on first use. */
  readonly decoders: Decoder[]
  readonly encoders: Encoder[]
}

export interface Api<out Request extends Fields = Fields, out Response extends Fields = Fields> {
  readonly key: number
  readonly name: string
  readonly versions: VersionRange
  readonly flexible: VersionRange
  /** The newest version is understood, but not offered to clients. */
  readonly latestVersionUnstable: boolean
  readonly request: Message<Request>
  readonly response: Message<Response>
}

interface ApiDeclaration<Request extends Fields, Response extends Fields> {
  readonly key: number
  readonly name: string
  readonly versions: string
  readonly flexible: string
  readonly latestVersionUnstable?: true
  readonly request: Request
  readonly response: Response
}

export function defineApi<const Request extends Fields, const Response extends Fields>(
  declaration: ApiDeclaration<Request, Response>,
): Api<Request, Response> {
  const { key, name, request, response } = declaration
  const versions = parseVersions(declaration.versions)
  const flexible = parseVersions(declaration.flexible)
  return {
    key,
    name,
    versions,
    flexible,
    latestVersionUnstable: declaration.latestVersionUnstable === true,
    request: { name: `${name}Request`, fields: request, versions, flexible, decoders: [], encoders: [] },
    response: { name: `${name}Response`, fields: response, versions, flexible, decoders: [], encoders: [] },
  }
}

interface MessageDeclaration<Inner extends Fields> {
  readonly name: string
  readonly versions: string
  readonly flexible: string
  readonly fields: Inner
}

/** A message that stands alone: in a record of an internal topic, in a bytes field, in a file. */
export function defineData<const Inner extends Fields>(
  declaration: MessageDeclaration<Inner>,
): Message<Inner> {
  const { name, fields } = declaration
  const versions = parseVersions(declaration.versions)
  return { name, fields, versions, flexible: parseVersions(declaration.flexible), decoders: [], encoders: [] }
}
