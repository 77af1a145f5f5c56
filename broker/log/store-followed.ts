import type { RecordBatchView } from '../../protocol/index.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogSettings } from './log-settings.ts'
import type { LogTail } from './log-tail.ts'
import { addBatchToDraft } from './producer-batches.ts'
import type { ProducerState } from './producer-state.ts'

/** Where a follower's batches go. */
export interface FollowedInto {
  readonly tail: LogTail
  readonly leaderEpochs: LeaderEpochs
  readonly producers: ProducerState
  readonly settings: LogSettings
  readonly nowMs: number
}

/**
 * Stores batches that stand one behind the other in `records` as they are, with what they say of epochs and producers.
 * Neighbours that go to one segment are written together. Throws DiskError.
 */
export function storeFollowed(
  into: FollowedInto,
  records: Buffer,
  batches: readonly RecordBatchView[],
): void {
  const { tail, leaderEpochs, producers, settings, nowMs } = into
  let runStart = 0
  let runEnd = 0
  const addRun = (): void => {
    if (runEnd > runStart) tail.add(records, runStart, runEnd - runStart)
  }
  for (const batch of batches) {
    if (tail.mustRoll(settings, batch)) {
      addRun()
      runStart = batch.start
      tail.roll(Math.max(tail.nextOffset, batch.baseOffset))
    }
    runEnd = batch.end
    tail.note(batch)
    leaderEpochs.assign(batch.partitionLeaderEpoch, batch.baseOffset)
    if (batch.producerId < 0) continue
    const draft = producers.draft({ origin: 'replication', nowMs })
    addBatchToDraft(draft, batch)
    tail.ended(draft.takeOver())
  }
  addRun()
}
