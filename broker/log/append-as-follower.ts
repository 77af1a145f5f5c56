import type { RecordBatchView } from '../../protocol/index.ts'
import type { AppendInto } from './append-as-leader.ts'
import { checkFollowed } from './check-followed.ts'
import type { AppendOutcome } from './log-options.ts'
import { addBatchToDraft } from './producer-batches.ts'

export interface FollowInto extends AppendInto {
  /** The log holds no batch. */
  readonly isEmpty: boolean
  /** Makes an empty log begin at this offset, below its log start. */
  readonly startBelowLogStart: (baseOffset: number) => void
}

/**
 * Stores batches as the leader has them. `records` may end in a part of a batch, which is left out; so is everything from the
 * first batch on that is of a later epoch than `mostLeaderEpoch`. Undefined when the disk fails or is full; batches before the one that
 * found no room may have been stored then.
 */
export function appendAsFollower(
  into: FollowInto,
  records: Buffer,
  mostLeaderEpoch: number,
): AppendOutcome | undefined {
  const checked = checkFollowed(records, mostLeaderEpoch)
  if ('error' in checked) return { kind: 'refused', ...checked }
  const { tail } = into
  const { batches } = checked
  const [first] = batches
  if (first !== undefined) {
    const beginsBelow = first.baseOffset < tail.nextOffset
    if (beginsBelow && !(into.isEmpty && first.lastOffset >= tail.nextOffset)) {
      const message = `The leader sent offset ${first.baseOffset}, but ${tail.nextOffset} is next here.`
      return { kind: 'refused', error: 'UNKNOWN_SERVER_ERROR', message }
    }
    if (beginsBelow) into.startBelowLogStart(first.baseOffset)
    const stored = tail.attempt(() => {
      store(into, records, batches)
      return true
    })
    if (stored === undefined) return undefined
  }
  return {
    kind: 'appended',
    baseOffset: first?.baseOffset ?? tail.nextOffset,
    lastOffset: tail.nextOffset - 1,
    logAppendTimeMs: -1,
  }
}

/**
 * Stages batches that stand one behind the other in `records` as they are, with what they say of epochs and producers.
 * Neighbours that go to one segment are written together. Throws DiskError.
 */
function store(into: AppendInto, records: Buffer, batches: readonly RecordBatchView[]): void {
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
    tail.ended(draft.takeOver(tail.unwritten))
  }
  addRun()
}
