import { zeroUuid } from '../../protocol/index.ts'
import type { EntryOrigin } from '../coordinator/shard-kind.ts'
import type { ClassicGroup, ClassicMember } from './classic-group.ts'
import { newClassicGroup } from './classic-group.ts'
import type { RecordKey, RecordValue } from './group-records.ts'
import type { GroupState } from './group-state.ts'

/** Record → state for classic groups and for positions, which belong to groups of every kind. */

export function applyGroupMetadata(
  state: GroupState,
  key: RecordKey<'GroupMetadata'>,
  value: RecordValue<'GroupMetadata'> | null,
): void {
  const before = state.groups.get(key.group)
  const classic = before?.kind === 'classic' ? before : undefined
  if (value !== null) state.groups.set(key.group, classicGroupOf(key.group, value, classic))
  else if (classic !== undefined) state.groups.delete(key.group)
}

export function applyOffsetCommit(
  state: GroupState,
  key: RecordKey<'OffsetCommit'>,
  value: RecordValue<'OffsetCommit'> | null,
  origin: EntryOrigin,
): void {
  const { group, topic, partition } = key
  if (value === null) {
    state.offsets.delete(group, topic, partition)
    return
  }
  // A commit makes its group: that is what a consumer without group management leaves behind.
  if (!state.groups.has(group)) state.groups.set(group, newClassicGroup(group, -1))
  const offset = {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
    topicId: value.topicId,
  }
  if (origin.producerId >= 0) state.offsets.setPending(origin.producerId, group, topic, partition, offset)
  else state.offsets.set(group, topic, partition, offset)
}

/** Positions as Kafka wrote them before 0.9. */
export function applyLegacyOffsetCommit(
  state: GroupState,
  key: RecordKey<'LegacyOffsetCommit'>,
  value: RecordValue<'LegacyOffsetCommit'> | null,
  origin: EntryOrigin,
): void {
  const current =
    value === null ? null : { ...value, leaderEpoch: -1, expireTimestamp: -1, topicId: zeroUuid }
  applyOffsetCommit(state, key, current, origin)
}

/** The group as the record has it; what the record does not tell of a member that stays is kept. */
function classicGroupOf(
  groupId: string,
  value: RecordValue<'GroupMetadata'>,
  before: ClassicGroup | undefined,
): ClassicGroup {
  const members = new Map<string, ClassicMember>()
  for (const recorded of value.members) {
    const known = before?.members.get(recorded.memberId)
    const { memberId, groupInstanceId, clientId, clientHost, sessionTimeout, rebalanceTimeout } = recorded
    const protocols = known?.protocols ?? new Map([[value.protocol ?? '', recorded.subscription]])
    members.set(memberId, {
      id: memberId,
      instanceId: groupInstanceId,
      clientId,
      clientHost,
      sessionTimeoutMs: sessionTimeout,
      rebalanceTimeoutMs: rebalanceTimeout === -1 ? sessionTimeout : rebalanceTimeout,
      protocols,
      assignment: recorded.assignment,
      isNew: false,
      // Whoever waited for an assignment has it now.
      awaiting: known?.awaiting === 'join' ? 'join' : null,
    })
  }
  return {
    ...(before ?? newClassicGroup(groupId, value.currentStateTimestamp)),
    state: members.size === 0 ? 'empty' : 'stable',
    stateSinceMs: value.currentStateTimestamp,
    protocolType: value.protocolType === '' ? null : value.protocolType,
    generation: value.generation,
    protocol: value.protocol,
    leader: value.leader,
    members,
    isInitialRebalance: false,
  }
}
