import type { EpochEnd, LeaderEpochs } from '../log/leader-epochs.ts'

/**
 * Where a follower cuts its log when its leader says that the two have parted (KIP-279, KIP-595). Pure.
 *
 * `leaderEnd` is the leader's answer to the follower's newest epoch: the largest epoch up to it that the leader knows, and
 * where that ended there. When the follower does not know that epoch either, it cuts to where its own largest epoch below
 * ended, and the next fetch asks again with that one: each round goes at least one epoch back.
 */
export function truncationOffset(
  own: { readonly epochs: LeaderEpochs; readonly endOffset: number },
  leaderEnd: EpochEnd,
): number {
  const ownEnd = own.epochs.endOffsetFor(leaderEnd.epoch, own.endOffset)
  // The follower knows nothing as late as that epoch, so the leader's end is all there is to go by.
  if (ownEnd.epoch < 0) return Math.min(leaderEnd.endOffset, own.endOffset)
  if (ownEnd.epoch !== leaderEnd.epoch) return Math.min(ownEnd.endOffset, own.endOffset)
  return Math.min(ownEnd.endOffset, leaderEnd.endOffset, own.endOffset)
}

/**
 * What a follower does whose next offset its leader does not have (OFFSET_OUT_OF_RANGE): it was ahead of a leader that was
 * elected uncleanly, or so far behind that the leader has deleted what comes next.
 */
export function outOfRange(
  ownEndOffset: number,
  leader: { readonly logStartOffset: number; readonly endOffset: number },
): { readonly kind: 'truncate' | 'startAnew'; readonly offset: number } | { readonly kind: 'goOn' } {
  if (leader.endOffset < ownEndOffset) return { kind: 'truncate', offset: leader.endOffset }
  if (leader.logStartOffset > ownEndOffset) return { kind: 'startAnew', offset: leader.logStartOffset }
  return { kind: 'goOn' }
}
