import { type ErrorName, type Uuid, zeroUuid } from '../../protocol/index.ts'
import { type EntryOrigin, outsideTransactions } from '../coordinator/shard-kind.ts'
import type { GroupRecord } from './group-records.ts'
import { type CommitIdentity, rulesOf } from './group-rules.ts'
import type { GroupParts } from './group-settings.ts'
import type { GroupDecision, GroupState } from './group-state.ts'

export interface OffsetsCommitted {
  readonly groupId: string
  readonly identity: CommitIdentity
  readonly offsets: readonly OffsetToCommit[]
  /** -1: the broker's retention. */
  readonly retentionMs: number
  /** The producer whose transaction this is part of. */
  readonly transaction?: EntryOrigin
}

export interface OffsetToCommit {
  readonly topic: string
  /** Zero when not known. */
  readonly topicId: Uuid
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
}

/** The first form: nothing is committed. The second: one outcome for each position, in order. */
export type CommitReply = { readonly error: ErrorName } | { readonly errors: readonly ErrorName[] }

/** Each commit replaces the one before it, whatever its offset: order in the log is what counts. */
export function commitOffsets(
  state: GroupState,
  event: OffsetsCommitted,
  parts: GroupParts,
): GroupDecision<CommitReply> {
  const verdict = checkCommit(state, event)
  if (typeof verdict === 'string' && verdict !== 'NONE') return { response: { error: verdict } }
  const { nowMs, settings } = parts.now()
  const records: GroupRecord[] = []
  const errors = event.offsets.map((offset): ErrorName => {
    if (offset.metadata.length > settings['offset.metadata.max.bytes']) return 'OFFSET_METADATA_TOO_LARGE'
    const error = typeof verdict === 'string' ? 'NONE' : verdict(offset.topicId, offset.partition)
    if (error === 'NONE') records.push(offsetCommit(event, offset, nowMs))
    return error
  })
  const group = state.groups.get(event.groupId)
  const { transaction = outsideTransactions } = event
  return {
    records,
    independent: true,
    ...(transaction === outsideTransactions ? {} : { transaction }),
    effects: group === undefined ? [] : rulesOf(group).effectsOfCommit(group, event.identity, parts),
    response: { errors },
  }
}

function checkCommit(
  state: GroupState,
  event: OffsetsCommitted,
): ReturnType<ReturnType<typeof rulesOf>['checkCommit']> {
  const { identity } = event
  const group = state.groups.get(event.groupId)
  if (group !== undefined) return rulesOf(group).checkCommit(group, identity)
  if (identity.generation < 0) return 'NONE'
  return identity.isTransactional || identity.apiVersion < 9 ? 'ILLEGAL_GENERATION' : 'GROUP_ID_NOT_FOUND'
}

function offsetCommit(event: OffsetsCommitted, committed: OffsetToCommit, nowMs: number): GroupRecord {
  const { topic, topicId, partition, offset, leaderEpoch, metadata } = committed
  const expireTimestamp =
    event.retentionMs < 0 ? -1 : Math.min(nowMs + event.retentionMs, Number.MAX_SAFE_INTEGER)
  return {
    kind: 'OffsetCommit',
    key: { group: event.groupId, topic, partition },
    value: {
      offset,
      leaderEpoch,
      metadata,
      commitTimestamp: nowMs,
      expireTimestamp,
      // The old form, which carries the time of expiry, has no place for the id.
      topicId: expireTimestamp < 0 ? topicId : zeroUuid,
    },
  }
}

export function offsetTombstone(group: string, topic: string, partition: number): GroupRecord {
  return { kind: 'OffsetCommit', key: { group, topic, partition }, value: null }
}
