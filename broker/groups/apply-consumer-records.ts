import { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupRecord } from './consumer-group-records.ts'
import type { RecordKey, RecordValue } from './group-records.ts'
import type { GroupState } from './group-state.ts'

/**
 * Record → state for consumer groups. The group object stays the same one while its records change it: what asks about
 * it goes through the shard, and is answered when all that was written by then is replicated.
 */
export function applyConsumerRecord(state: GroupState, record: ConsumerGroupRecord): void {
  const { groupId } = record.key
  const existing = state.groups.get(groupId)
  if (existing?.kind === 'consumer') {
    existing.apply(record)
    if (existing.deleted) state.groups.delete(groupId)
    return
  }
  // What a tombstone is about is gone already. A classic group that stands here was made by nothing but positions.
  if (record.value === null) return
  const group = new ConsumerGroup(groupId)
  group.apply(record)
  state.groups.set(groupId, group)
}

/** For the table of apply-records.ts. */
function applies<Kind extends ConsumerGroupRecord['kind']>(kind: Kind) {
  return (state: GroupState, key: RecordKey<Kind>, value: RecordValue<Kind> | null): void =>
    // Key and value are those of `kind`.
    applyConsumerRecord(state, { kind, key, value } as ConsumerGroupRecord)
}

export const consumerAppliers = {
  ConsumerGroupMetadata: applies('ConsumerGroupMetadata'),
  ConsumerGroupPartitionMetadata: applies('ConsumerGroupPartitionMetadata'),
  ConsumerGroupMemberMetadata: applies('ConsumerGroupMemberMetadata'),
  ConsumerGroupTargetAssignmentMetadata: applies('ConsumerGroupTargetAssignmentMetadata'),
  ConsumerGroupTargetAssignmentMember: applies('ConsumerGroupTargetAssignmentMember'),
  ConsumerGroupCurrentMemberAssignment: applies('ConsumerGroupCurrentMemberAssignment'),
  ConsumerGroupRegularExpression: applies('ConsumerGroupRegularExpression'),
}
