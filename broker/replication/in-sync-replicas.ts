/**
 * The arithmetic of the in-sync set: how far the high watermark may go. Pure.
 *
 * A partition's replicas (AR) are those in sync (ISR) and those out of sync (OSR). The high watermark is the
 * offset below which every replica in sync has every record; only records below it are shown to consumers.
 */

export interface ReplicaProgress {
  readonly selfId: number
  /** This leader's own log end offset. */
  readonly localEndOffset: number
  /** What each follower said in its last fetch: the offset it asked for; absent = has not fetched from this leader. */
  readonly followerEndOffsets: ReadonlyMap<number, number>
  readonly isr: readonly number[]
  readonly replicas: readonly number[]
  /** The setting min.insync.replicas. */
  readonly minInsyncReplicas: number
}

/** min.insync.replicas can never ask for more replicas than there are. */
export function effectiveMinInsyncReplicas(minInsyncReplicas: number, replicaCount: number): number {
  return Math.min(minInsyncReplicas, replicaCount)
}

export function isUnderMinInsyncReplicas(
  progress: Pick<ReplicaProgress, 'isr' | 'replicas' | 'minInsyncReplicas'>,
): boolean {
  return (
    progress.isr.length < effectiveMinInsyncReplicas(progress.minInsyncReplicas, progress.replicas.length)
  )
}

/**
 * The new high watermark: the smallest log end offset in the ISR, never below `current` (it does not go back on a
 * leader), and not moved at all while the ISR is smaller than the effective minimum (KIP-966).
 */
export function nextHighWatermark(progress: ReplicaProgress, current: number): number {
  if (isUnderMinInsyncReplicas(progress)) return current
  let smallest = progress.localEndOffset
  for (const id of progress.isr) {
    if (id === progress.selfId) continue
    const endOffset = progress.followerEndOffsets.get(id)
    if (endOffset === undefined) return current
    smallest = Math.min(smallest, endOffset)
  }
  return Math.max(current, smallest)
}
