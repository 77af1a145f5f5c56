import { type ErrorName, type Uuid, zeroUuid } from '../../protocol/index.ts'
import { offsetTombstone } from './commit-offsets.ts'
import type { CommittedOffset } from './committed-offsets.ts'
import type { Group } from './group.ts'
import type { GroupRecord } from './group-records.ts'
import { rulesOf } from './group-rules.ts'
import type { Now } from './group-settings.ts'
import type { GroupDecision, GroupState } from './group-state.ts'

/** The ways in which positions, and groups that have nothing else, go: by order, with their topic, by time. */

export interface OffsetsToDelete {
  readonly groupId: string
  readonly offsets: readonly { readonly topic: string; readonly partition: number }[]
}

/** OffsetDelete: one outcome for each position, in order; or none at all is deleted. */
export function deleteOffsets(
  state: GroupState,
  { groupId, offsets }: OffsetsToDelete,
): GroupDecision<{ readonly error: ErrorName } | { readonly errors: readonly ErrorName[] }> {
  const group = state.groups.get(groupId)
  if (group === undefined) return { response: { error: 'GROUP_ID_NOT_FOUND' } }
  const rules = rulesOf(group)
  const error = rules.checkOffsetDelete(group)
  if (error !== 'NONE') return { response: { error } }
  const subscribed = new Map<string, boolean>()
  const records: GroupRecord[] = []
  const errors = offsets.map(({ topic, partition }): ErrorName => {
    const wanted = subscribed.get(topic) ?? rules.isSubscribedTo(group, topic)
    subscribed.set(topic, wanted)
    if (wanted) return 'GROUP_SUBSCRIBED_TO_TOPIC'
    const isThere =
      state.offsets.get(groupId, topic, partition) !== undefined ||
      state.offsets.isPending(groupId, topic, partition)
    if (isThere) records.push(offsetTombstone(groupId, topic, partition))
    return 'NONE'
  })
  return { records, independent: true, response: { errors } }
}

/** DeleteGroups, one of them: its positions, pending ones too, and all that is remembered of it. */
export function deleteGroup(state: GroupState, groupId: string): GroupDecision<ErrorName> {
  const group = state.groups.get(groupId)
  if (group === undefined) return { response: 'GROUP_ID_NOT_FOUND' }
  const error = rulesOf(group).checkDelete(group)
  if (error !== 'NONE') return { response: error }
  return { records: tombstonesOf(state, group), independent: true, response: 'NONE' }
}

function tombstonesOf(state: GroupState, group: Group): GroupRecord[] {
  const { groupId } = group
  const records: GroupRecord[] = []
  for (const [topic, partition] of state.offsets.of(groupId))
    records.push(offsetTombstone(groupId, topic, partition))
  for (const [topic, partition] of state.offsets.pendingOf(groupId)) {
    if (state.offsets.get(groupId, topic, partition) === undefined) {
      records.push(offsetTombstone(groupId, topic, partition))
    }
  }
  records.push(...rulesOf(group).tombstones(group))
  return records
}

/** Topics are gone. What was committed for a younger topic of the same name stays. */
export function removeOffsetsOfTopics(
  state: GroupState,
  topics: readonly { readonly name: string; readonly id: Uuid }[],
): GroupDecision {
  const records: GroupRecord[] = []
  for (const groupId of state.offsets.groups()) {
    for (const { name, id } of topics) {
      for (const [partition, { topicId }] of state.offsets.ofTopic(groupId, name)) {
        if (topicId === zeroUuid || topicId === id) records.push(offsetTombstone(groupId, name, partition))
      }
    }
  }
  return { records, independent: true }
}

/** What has expired of these groups; those that are empty and left with nothing go too. */
export function expireOffsets(state: GroupState, groupIds: readonly string[], now: Now): GroupDecision {
  const records: GroupRecord[] = []
  for (const groupId of groupIds) {
    const group = state.groups.get(groupId)
    if (group !== undefined) records.push(...expiredOf(state, group, now))
  }
  return { records, independent: true }
}

function expiredOf(state: GroupState, group: Group, now: Now): readonly GroupRecord[] {
  const { groupId } = group
  const rules = rulesOf(group)
  const isEmpty = rules.checkDelete(group) === 'NONE'
  const since = rules.offsetsExpireSince(group)
  if (since === 'never') return []
  const records: GroupRecord[] = []
  const subscribed = new Map<string, boolean>()
  let stays = state.offsets.hasPending(groupId)
  for (const [topic, partition, offset] of state.offsets.of(groupId)) {
    const wanted = subscribed.get(topic) ?? rules.isSubscribedTo(group, topic)
    subscribed.set(topic, wanted)
    const expired =
      !wanted && hasExpired(offset, since, now) && !state.offsets.isPending(groupId, topic, partition)
    if (expired) records.push(offsetTombstone(groupId, topic, partition))
    else stays = true
  }
  if (isEmpty && !stays) records.push(...rules.tombstones(group))
  return records
}

function hasExpired(offset: CommittedOffset, since: 'commit' | number, { nowMs, settings }: Now): boolean {
  if (offset.expireTimestampMs >= 0) return nowMs >= offset.expireTimestampMs
  const begunMs = since === 'commit' ? offset.commitTimestampMs : since
  return nowMs - begunMs >= settings['offsets.retention.minutes'] * 60_000
}
