import type { InSyncSetAnswer, InSyncSetChange } from '../../broker/replication/in-sync-set-changes.ts'
import type { LeaderParts } from '../../broker/replication/leadership.ts'
import { replicationCounters } from '../../broker/replication/replication-counters.ts'
import type { Clock } from '../../runtime/clock.ts'
import { silentLogger } from '../../runtime/logger.ts'

/** What leaderships of broker 1 share, with a controller that answers when the test does. */
export function leaderParts(
  clock: Clock,
  epochs: ReadonlyMap<number, number> = new Map(),
  leaving: ReadonlySet<number> = new Set(),
): LeaderParts & { readonly asked: InSyncSetChange[] } {
  const asked: InSyncSetChange[] = []
  return {
    brokerId: 1,
    clock,
    registeredEpoch: id => epochs.get(id),
    mayJoin: id => epochs.has(id) && !leaving.has(id),
    maxLagMs: () => 30_000,
    changes: { submit: change => asked.push(change) },
    counters: replicationCounters(),
    logger: silentLogger,
    asked,
  }
}

/** The controller's yes. */
export function agreed({ set }: InSyncSetChange): InSyncSetAnswer {
  return {
    error: 'NONE',
    message: null,
    leaderEpoch: set.leaderEpoch,
    isr: set.newIsr.map(({ brokerId }) => brokerId),
    partitionEpoch: set.partitionEpoch + 1,
  }
}

/** The controller's no. */
export function refused(error: InSyncSetAnswer['error']): InSyncSetAnswer {
  return { error, message: null, leaderEpoch: -1, isr: [], partitionEpoch: -1 }
}
