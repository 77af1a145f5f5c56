// Records by which coordinators remember. The key begins with an int16 that tells the type of record, the value with
// one that tells its version; no value at all (a tombstone) means that what the key names is gone.

import { ProtocolError } from '../bytes/protocol-error.ts'
import { Reader } from '../bytes/reader.ts'
import { Writer } from '../bytes/writer.ts'
import { decodeMessage, encodeMessage } from '../schema/compile.ts'
import type { Fields } from '../schema/fields.ts'
import { defineData, type Message } from '../schema/message.ts'
import type { Decoded, Encodable } from '../schema/message-type.ts'
import { decodeVersioned, encodeVersioned } from '../schema/versioned.ts'

export interface CoordinatorRecord<
  out Name extends string = string,
  out Key extends Fields = Fields,
  out Value extends Fields = Fields,
> {
  readonly type: number
  readonly name: Name
  /** Keys have one version, 0. */
  readonly key: Message<Key>
  readonly value: Message<Value>
}

interface CoordinatorRecordDeclaration<Name extends string, Key extends Fields, Value extends Fields> {
  readonly type: number
  readonly name: Name
  /** Of the value. */
  readonly versions: string
  readonly flexible: string
  readonly key: Key
  readonly value: Value
}

export function defineCoordinatorRecord<
  const Name extends string,
  const Key extends Fields,
  const Value extends Fields,
>(declaration: CoordinatorRecordDeclaration<Name, Key, Value>): CoordinatorRecord<Name, Key, Value> {
  const { type, name, versions, flexible, key, value } = declaration
  return {
    type,
    name,
    key: defineData({ name: `${name}Key`, versions: '0', flexible: 'none', fields: key }),
    value: defineData({ name: `${name}Value`, versions, flexible, fields: value }),
  }
}

/** A record as it was read. `unknown` ones come from a newer broker and are to be passed over. */
export type DecodedCoordinatorRecord<Kind extends CoordinatorRecord> =
  | (Kind extends CoordinatorRecord<infer Name, infer Key, infer Value>
      ? {
          readonly kind: Name
          readonly key: Decoded<Message<Key>>
          /** null: a tombstone. */
          readonly value: Decoded<Message<Value>> | null
        }
      : never)
  | { readonly kind: 'unknown'; readonly type: number }

export function encodeRecordKey<Kind extends CoordinatorRecord>(
  record: Kind,
  key: Encodable<Kind['key']>,
): Buffer {
  const writer = new Writer(64)
  writer.int16(record.type)
  encodeMessage<Kind['key']>(record.key, 0, key, writer)
  return writer.finish()
}

/** The caller chooses the version: the newest that every broker of the cluster can read. */
export function encodeRecordValue<Kind extends CoordinatorRecord>(
  record: Kind,
  version: number,
  value: Encodable<Kind['value']>,
): Buffer {
  return encodeVersioned<Kind['value']>(record.value, version, value)
}

/** Reads a record that is one of `records`. Throws ProtocolError for damaged bytes and unknown versions of values. */
export function decodeCoordinatorRecord<Kind extends CoordinatorRecord>(
  records: readonly Kind[],
  key: Buffer | null,
  value: Buffer | null,
): DecodedCoordinatorRecord<Kind> {
  if (key === null || key.length < 2)
    throw new ProtocolError("A coordinator's record has no key that tells its type.")
  const reader = new Reader(key)
  const type = reader.int16()
  const record = records.find(candidate => candidate.type === type)
  if (record === undefined) return { kind: 'unknown', type }
  return {
    kind: record.name,
    key: decodeMessage(record.key, 0, reader),
    value: value === null ? null : decodeVersioned(record.value, value),
  } as DecodedCoordinatorRecord<Kind>
}
