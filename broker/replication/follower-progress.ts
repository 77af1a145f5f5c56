/**
 * How far one follower is, as its leader knows it. Pure.
 *
 * A follower's log end is what it asked for in its last fetch: bytes that were only sent to it do not count. All times
 * are on the leader's monotonic clock.
 *
 * A fetch that asks again for what it asked for before, of a log that has not moved since, is not noted partition by
 * partition: it moves the `heartbeat` that all partitions of a fetch session share.
 */
export interface FollowerProgress {
  /** The offset of the last fetch; -1 while it has not fetched from this leader in this epoch. */
  readonly endOffset: number
  readonly logStartOffset: number
  /** Broker epoch in the last fetch; -1: the follower cannot tell; undefined: it has not fetched yet. */
  readonly brokerEpoch: number | undefined
  /** When it fetched last. */
  readonly heartbeat: { readonly fetchedAtMs: number }
  /** This leader's log end when a fetch was noted last. */
  readonly leaderEndOffset: number
  /** When it was noted last that it had everything the leader had; -Infinity: never. */
  readonly caughtUpAtMs: number
}

export interface FollowerFetch {
  readonly brokerEpoch: number
  readonly fetchOffset: number
  readonly logStartOffset: number
  /** The leader's log end when the fetch was read. */
  readonly leaderEndOffset: number
  /** Still says when the fetch before was; whoever notes the fetch moves it afterwards. */
  readonly heartbeat: { readonly fetchedAtMs: number }
  readonly nowMs: number
}

/** What a new leader knows: who is in the in-sync set was caught up until a moment ago. */
export function unknownProgress(isInSync: boolean, nowMs: number): FollowerProgress {
  return {
    endOffset: -1,
    logStartOffset: -1,
    brokerEpoch: undefined,
    heartbeat: never,
    leaderEndOffset: -1,
    caughtUpAtMs: isInSync ? nowMs : Number.NEGATIVE_INFINITY,
  }
}

/** A fetch that asks for what the leader had at the fetch before shows that the follower was caught up then. */
export function afterFetch(progress: FollowerProgress, fetch: FollowerFetch): FollowerProgress {
  const { fetchOffset, leaderEndOffset, nowMs } = fetch
  let caughtUpAtMs = caughtUpAt(progress)
  if (fetchOffset >= leaderEndOffset) caughtUpAtMs = Math.max(caughtUpAtMs, nowMs)
  else if (progress.endOffset >= 0 && fetchOffset >= progress.leaderEndOffset) {
    caughtUpAtMs = Math.max(caughtUpAtMs, progress.heartbeat.fetchedAtMs)
  }
  return {
    endOffset: fetchOffset,
    logStartOffset: fetch.logStartOffset,
    brokerEpoch: fetch.brokerEpoch,
    heartbeat: fetch.heartbeat,
    leaderEndOffset: Math.max(leaderEndOffset, progress.leaderEndOffset),
    caughtUpAtMs,
  }
}

/** Has everything, or had everything at most `maxLagMs` ago. */
export function isCaughtUp(
  progress: FollowerProgress,
  leaderEndOffset: number,
  nowMs: number,
  maxLagMs: number,
): boolean {
  return progress.endOffset === leaderEndOffset || nowMs - caughtUpAt(progress) <= maxLagMs
}

/** It fetches this partition no more, or not with success: later fetches with its session say nothing of it. */
export function withoutHeartbeat(progress: FollowerProgress): FollowerProgress {
  return { ...progress, heartbeat: { fetchedAtMs: progress.heartbeat.fetchedAtMs } }
}

/** While the log did not move between, every heartbeat shows that the follower still had everything. */
function caughtUpAt(progress: FollowerProgress): number {
  const { endOffset, leaderEndOffset, caughtUpAtMs, heartbeat } = progress
  return endOffset >= 0 && endOffset >= leaderEndOffset
    ? Math.max(caughtUpAtMs, heartbeat.fetchedAtMs)
    : caughtUpAtMs
}

const never = { fetchedAtMs: Number.NEGATIVE_INFINITY }
