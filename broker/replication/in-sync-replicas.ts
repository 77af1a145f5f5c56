import { type FollowerProgress, isCaughtUp } from './follower-progress.ts'

/**
 * The arithmetic of the in-sync set: how far the high watermark may go, who leaves the set and who joins it. Pure.
 *
 * A partition's replicas (AR) are those in sync (ISR) and those out of sync (OSR). The high watermark is the
 * offset below which every replica in sync has every record; only records below it are shown to consumers.
 *
 * While a change of the set is on its way to the controller nobody knows which of the two is in force. So the watermark
 * waits for the members of both, the *maximal* set (KIP-497).
 */
export interface InSyncFacts {
  /** This leader's own log end offset. */
  readonly endOffset: number
  /** Every replica but the leader. */
  readonly followers: ReadonlyMap<number, FollowerProgress>
  /** The set as the controller has written it. */
  readonly isr: readonly number[]
  /** With those that a change on its way would add; who would leave by it still counts. */
  readonly maximalIsr: readonly number[]
  readonly replicaCount: number
  /** The setting min.insync.replicas. */
  readonly minInsyncReplicas: number
  readonly nowMs: number
  /** The setting replica.lag.time.max.ms. */
  readonly maxLagMs: number
  /** Whether this follower, as it fetched last, may be in the set: registered in that very epoch and let in (KIP-841, KIP-903). */
  readonly isEligible: (brokerId: number, progress: FollowerProgress) => boolean
}

/** min.insync.replicas can never ask for more replicas than there are. */
export function effectiveMinInsyncReplicas(minInsyncReplicas: number, replicaCount: number): number {
  return Math.min(minInsyncReplicas, replicaCount)
}

export function isUnderMinInsyncReplicas(
  facts: Pick<InSyncFacts, 'isr' | 'replicaCount' | 'minInsyncReplicas'>,
): boolean {
  return facts.isr.length < effectiveMinInsyncReplicas(facts.minInsyncReplicas, facts.replicaCount)
}

/**
 * The new high watermark: the smallest log end offset among the leader, the maximal set, and those that are about to join
 * it (caught up and eligible). Never below `current` (it does not go back on a leader), and not moved at all while the
 * set is smaller than the effective minimum (KIP-966).
 */
export function nextHighWatermark(facts: InSyncFacts, current: number): number {
  if (isUnderMinInsyncReplicas(facts)) return current
  let smallest = facts.endOffset
  for (const [id, progress] of facts.followers) {
    if (progress.endOffset >= smallest) continue
    if (facts.maximalIsr.includes(id) || isAboutToJoin(facts, id, progress)) smallest = progress.endOffset
  }
  return Math.max(current, smallest)
}

/** The members that fell behind: not at the leader's end, and last caught up longer ago than is allowed. */
export function membersToLeave(
  facts: Pick<InSyncFacts, 'endOffset' | 'followers' | 'isr' | 'nowMs' | 'maxLagMs'>,
): number[] {
  return facts.isr.filter(id => {
    const progress = facts.followers.get(id)
    return progress !== undefined && !isCaughtUp(progress, facts.endOffset, facts.nowMs, facts.maxLagMs)
  })
}

/**
 * Whether a follower has caught up: it has everything that is committed and everything from before this leader's
 * epoch, so that nothing acknowledged can be missing from it.
 */
export function mayJoin(
  progress: FollowerProgress,
  highWatermark: number,
  epochStartOffset: number,
): boolean {
  return progress.endOffset >= highWatermark && progress.endOffset >= epochStartOffset
}

function isAboutToJoin(facts: InSyncFacts, id: number, progress: FollowerProgress): boolean {
  return isCaughtUp(progress, facts.endOffset, facts.nowMs, facts.maxLagMs) && facts.isEligible(id, progress)
}
