import type { AppendOutcome, LeaderAppendOptions } from './log-options.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogSettings } from './log-settings.ts'
import type { LogTail } from './log-tail.ts'
import { addBatchToDraft } from './producer-batches.ts'
import type { ProducerDraft } from './producer-draft.ts'
import type { ProducerState } from './producer-state.ts'
import { validateBatch } from './validate-batch.ts'

/** What an append goes to, and what it changes together with it. */
export interface AppendInto {
  readonly tail: LogTail
  readonly leaderEpochs: LeaderEpochs
  readonly producers: ProducerState
  readonly settings: LogSettings
  /** Wall clock. */
  readonly nowMs: number
}

/**
 * Validates one batch, gives out its offsets, stages or writes it. `records` is changed in place and not needed afterwards.
 * Undefined when the disk fails or is full; see LogTail.attempt.
 */
export function appendAsLeader(
  into: AppendInto,
  records: Buffer,
  options: LeaderAppendOptions,
): AppendOutcome | undefined {
  const { tail, leaderEpochs, producers, settings, nowMs } = into
  const { origin, apiVersion, leaderEpoch } = options
  const valid = validateBatch(records, settings, { origin, apiVersion, nowMs })
  if (valid.kind === 'refused') return valid

  const { batch } = valid
  const baseOffset = tail.nextOffset
  batch.setBaseOffset(baseOffset)
  batch.setPartitionLeaderEpoch(leaderEpoch)
  let draft: ProducerDraft | undefined
  if (batch.producerId >= 0) {
    draft = producers.draft({ ...options, nowMs })
    const verdict = addBatchToDraft(draft, batch, options.transactionVersion)
    if (verdict.kind === 'refused') return verdict
    if (verdict.kind === 'duplicate') {
      const { lastOffset, timestampMs } = verdict
      return { kind: 'duplicate', baseOffset: verdict.baseOffset, lastOffset, logAppendTimeMs: timestampMs }
    }
  }
  const { lastOffset } = batch
  const stored = tail.attempt(() => {
    if (tail.mustRoll(settings, batch)) tail.roll(baseOffset)
    tail.note(batch)
    leaderEpochs.assign(leaderEpoch, baseOffset)
    if (draft !== undefined) tail.ended(draft.takeOver(tail.unwritten))
    tail.add(batch.buffer, batch.start, batch.sizeInBytes)
    return true
  })
  if (stored === undefined) return undefined
  return { kind: 'appended', baseOffset, lastOffset, logAppendTimeMs: valid.logAppendTimeMs }
}
