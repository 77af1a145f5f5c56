import { RecordBatchView } from '../../protocol/index.ts'
import { addBatchToDraft } from './producer-batches.ts'
import { type FoundSnapshot } from './producer-snapshots.ts'
import { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'

/**
 * The producer state after all readable batches of `segments`: from the newest snapshot, and the batches behind it.
 * Reads headers, and whole batches only where they are control batches.
 */
export function replayProducers(
  segments: readonly Segment[],
  snapshot: FoundSnapshot | undefined,
  options: { readonly nowMs: number; readonly expirationMs: number },
): ProducerState {
  const state = ProducerState.fromSnapshot(snapshot?.entries ?? [], options)
  const from = snapshot?.offset ?? 0
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1]
    if (next !== undefined && next.baseOffset <= from) continue
    const start = from <= segment.baseOffset ? 0 : segment.find(from)?.position
    if (start === undefined || start === segment.readableBytes) continue
    for (const { batch, position } of segment.headers(start)) {
      if (batch.producerId < 0 || batch.lastOffset < from) continue
      const draft = state.draft({ origin: 'replication', nowMs: options.nowMs })
      const whole = batch.isControl
        ? segment.batchAt(position)
        : new RecordBatchView(batch.buffer, batch.start)
      addBatchToDraft(draft, whole)
      draft.takeOver()
    }
  }
  return state
}
