import type { EntryOrigin } from '../coordinator/shard-kind.ts'
import { applyGroupMetadata, applyLegacyOffsetCommit, applyOffsetCommit } from './apply-classic-records.ts'
import { consumerAppliers } from './apply-consumer-records.ts'
import type { GroupRecord, RecordKey, RecordValue } from './group-records.ts'
import type { GroupState } from './group-state.ts'

type Apply<Kind extends GroupRecord['kind']> = (
  state: GroupState,
  key: RecordKey<Kind>,
  value: RecordValue<Kind> | null,
  origin: EntryOrigin,
) => void

/** Record kind → what it does. Kinds that are missing here belong to groups that this broker does not have. */
const appliers: { readonly [Kind in GroupRecord['kind']]?: Apply<Kind> } = {
  GroupMetadata: applyGroupMetadata,
  OffsetCommit: applyOffsetCommit,
  LegacyOffsetCommit: applyLegacyOffsetCommit,
  ...consumerAppliers,
}

/** The only way in which the remembered state changes, at load and in life. */
export function applyGroupRecord(state: GroupState, record: GroupRecord, origin: EntryOrigin): void {
  const apply = appliers[record.kind] as Apply<GroupRecord['kind']> | undefined
  apply?.(state, record.key as never, record.value as never, origin)
}
