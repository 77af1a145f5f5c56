import {
  decodeCoordinatorRecord,
  type DecodedCoordinatorRecord,
  encodeRecordKey,
  encodeRecordValue,
  groupCoordinatorRecords,
} from '../../protocol/index.ts'
import { assert } from '../../runtime/assert.ts'
import type { EncodedEntry } from '../coordinator/shard-kind.ts'

/** A record of __consumer_offsets, typed by its `kind`; `value` null is a tombstone. */
export type GroupRecord = Exclude<
  DecodedCoordinatorRecord<(typeof groupCoordinatorRecords)[number]>,
  { readonly kind: 'unknown' }
>

export type GroupRecordOf<Kind extends GroupRecord['kind']> = Extract<GroupRecord, { readonly kind: Kind }>

export type RecordKey<Kind extends GroupRecord['kind']> = GroupRecordOf<Kind>['key']

/** Without the tombstone. */
export type RecordValue<Kind extends GroupRecord['kind']> = NonNullable<GroupRecordOf<Kind>['value']>

const definitions = new Map<string, (typeof groupCoordinatorRecords)[number]>(
  groupCoordinatorRecords.map(definition => [definition.name, definition]),
)

/** Each alone in a list: to look for a definition among all of them would be half the cost of reading a position. */
const byType = new Map(groupCoordinatorRecords.map(definition => [definition.type, [definition]]))

export function encodeGroupRecord(record: GroupRecord): EncodedEntry {
  const definition = definitions.get(record.kind)
  assert(definition !== undefined, 'Every kind of record has a definition.', { kind: record.kind })
  // Key and value are those of `kind`, which TypeScript cannot see through the table.
  return {
    key: encodeRecordKey(definition, record.key as never),
    value:
      record.value === null
        ? null
        : encodeRecordValue(definition, valueVersion(record), record.value as never),
  }
}

/** Null for types that a newer broker may have written. Throws ProtocolError for damaged bytes. */
export function decodeGroupRecord(key: Buffer | null, value: Buffer | null): GroupRecord | null {
  const definition = key === null || key.length < 2 ? undefined : byType.get(key.readInt16BE(0))
  const record = decodeCoordinatorRecord(definition ?? groupCoordinatorRecords, key, value)
  return record.kind === 'unknown' ? null : record
}

/** The versions that Kafka writes: all of its releases that could be downgraded to read them. */
function valueVersion(record: GroupRecord): number {
  if (record.kind === 'OffsetCommit')
    return record.value !== null && record.value.expireTimestamp >= 0 ? 1 : 4
  if (record.kind === 'GroupMetadata') return 3
  return definitions.get(record.kind)?.value.versions.max ?? 0
}
