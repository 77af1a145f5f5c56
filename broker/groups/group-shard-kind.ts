import type { ShardKind } from '../coordinator/shard-kind.ts'
import { nameOf } from '../coordinator/shard-kind.ts'
import { applyGroupRecord } from './apply-records.ts'
import { newClassicGroup } from './classic-group.ts'
import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from './group-records.ts'
import { rulesOf } from './group-rules.ts'
import type { GroupParts } from './group-settings.ts'
import { type GroupDecision, type GroupEffect, GroupState } from './group-state.ts'
import { expireOffsets } from './remove-offsets.ts'

/** What makes a partition of __consumer_offsets a shard of groups. */
export function groupShardKind(parts: GroupParts): ShardKind<GroupState, GroupRecord> {
  return {
    create: timeline => new GroupState(timeline),
    decode: decodeGroupRecord,
    encode: encodeGroupRecord,
    apply: applyGroupRecord,
    applyMarker: (state, producerId, outcome) => state.offsets.endTransaction(producerId, outcome),
    loaded: state => loaded(state, parts),
  }
}

function loaded(state: GroupState, parts: GroupParts): GroupDecision {
  const effects: GroupEffect[] = [expireLater(parts)]
  const records: GroupRecord[] = []
  const changes: ((state: GroupState) => void)[] = []
  for (const group of state.groups.values()) {
    const decision = rulesOf(group).loaded(group, parts)
    effects.push(...(decision.effects ?? []))
    records.push(...(decision.records ?? []))
    if (decision.volatile !== undefined) changes.push(decision.volatile)
  }
  const volatile = (changed: GroupState): void => {
    // Left behind by a group of another kind: they have to be found to be shown, and to expire.
    for (const groupId of changed.offsets.groups()) {
      if (!changed.groups.has(groupId)) changed.groups.set(groupId, newClassicGroup(groupId, -1))
    }
    for (const change of changes) change(changed)
  }
  return { records, independent: true, volatile, effects }
}

/** Positions are looked through in portions, so that a shard with very many of them does not hold up the loop. */
const groupsPerLook = 200
const msBetweenLooks = 5

function expireLater(parts: GroupParts): GroupEffect {
  return {
    kind: 'schedule',
    timer: nameOf('expire-offsets'),
    afterMs: parts.now().settings['offsets.retention.check.interval.ms'],
    event: state => expireNext(state, [...state.groups.keys()], parts),
  }
}

function expireNext(state: GroupState, groupIds: readonly string[], parts: GroupParts): GroupDecision {
  const rest = groupIds.slice(groupsPerLook)
  const next: GroupEffect =
    rest.length === 0
      ? expireLater(parts)
      : {
          kind: 'schedule',
          timer: nameOf('expire-offsets'),
          afterMs: msBetweenLooks,
          event: later => expireNext(later, rest, parts),
        }
  return { ...expireOffsets(state, groupIds.slice(0, groupsPerLook), parts.now()), effects: [next] }
}
