// Who may commit and fetch positions of a consumer group.

import { type ErrorName, type Uuid, zeroUuid } from '../../protocol/index.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'

export interface Committer {
  readonly memberId: string
  /** Generation of a classic member; negative: no member at all. */
  readonly memberEpoch: number
  readonly apiVersion: number
  readonly isTransactional: boolean
}

/** The first version of OffsetCommit that knows member epochs. */
const firstWithEpochs = 9

/**
 * NONE, why all is refused, or a function that says it partition by partition: a member that is behind may still commit
 * what it has had since that epoch, so that nothing is lost between a rebalance and its next heartbeat (KIP-1251).
 */
export function checkConsumerCommit(
  group: ConsumerGroup,
  committer: Committer,
): ErrorName | ((topicId: Uuid, partition: number) => ErrorName) {
  const { memberId, memberEpoch, isTransactional } = committer
  if (memberEpoch < 0 && group.members.size === 0) return 'NONE'
  const member = group.members.get(memberId)
  if (member === undefined) return 'UNKNOWN_MEMBER_ID'
  if (!isTransactional && member.classic === null && committer.apiVersion < firstWithEpochs)
    return 'UNSUPPORTED_VERSION'
  if (memberEpoch === member.memberEpoch) return 'NONE'
  const stale: ErrorName =
    isTransactional || member.classic !== null ? 'ILLEGAL_GENERATION' : 'STALE_MEMBER_EPOCH'
  if (memberEpoch > member.memberEpoch) return stale
  return (topicId, partition) => {
    const since = topicId === zeroUuid ? undefined : assignedSince(member, topicId, partition)
    return since !== undefined && memberEpoch >= since ? 'NONE' : stale
  }
}

function assignedSince(member: ConsumerMember, topicId: Uuid, partition: number): number | undefined {
  return member.assigned.get(topicId)?.get(partition) ?? member.pendingRevocation.get(topicId)?.get(partition)
}

/** Without a member (an admin, or an old client) everybody may read. */
export function checkConsumerFetch(
  group: ConsumerGroup,
  member: { readonly id: string | null; readonly epoch: number },
): ErrorName {
  if ((member.id === null || member.id === '') && member.epoch < 0) return 'NONE'
  const known = member.id === null ? undefined : group.members.get(member.id)
  if (known === undefined) return 'UNKNOWN_MEMBER_ID'
  if (known.memberEpoch === member.epoch) return 'NONE'
  return known.classic === null ? 'STALE_MEMBER_EPOCH' : 'ILLEGAL_GENERATION'
}
