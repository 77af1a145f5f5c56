import { expect } from 'vitest'
import type { EndMarker, ProducerBatch } from '../../broker/log/check-producer.ts'
import type { DraftOptions } from '../../broker/log/producer-draft.ts'
import { ProducerState } from '../../broker/log/producer-state.ts'

export const nowMs = 1_000_000

export interface Sent extends Partial<ProducerBatch> {
  readonly records?: number
}

/** One record of producer 1, unless said otherwise. */
export function batchOf({ records = 1, ...batch }: Sent): ProducerBatch {
  return {
    producerId: 1,
    producerEpoch: 0,
    baseSequence: 0,
    lastOffsetDelta: records - 1,
    maxTimestamp: nowMs,
    isTransactional: false,
    ...batch,
  }
}

/** A log that only counts offsets. */
export class Appender {
  state = new ProducerState()
  nextOffset = 0
  ended: unknown[] = []

  /** As a client does: what of an unknown producer has to come twice is sent twice. */
  append(sent: Sent, options: Partial<DraftOptions> = {}) {
    const verdict = this.offer(sent, options)
    const mustComeAgain = verdict.kind === 'refused' && verdict.error === 'NOT_ENOUGH_REPLICAS'
    return mustComeAgain ? this.offer(sent, options) : verdict
  }

  offer(sent: Sent, options: Partial<DraftOptions> = {}) {
    const batch = batchOf(sent)
    const draft = this.state.draft({ origin: 'client', nowMs, ...options })
    const verdict = draft.add(batch, this.nextOffset)
    if (verdict.kind === 'accepted') {
      this.ended.push(...draft.takeOver())
      this.nextOffset += batch.lastOffsetDelta + 1
    }
    return verdict
  }

  mark(sent: Sent, marker: Partial<EndMarker> = {}, options: Partial<DraftOptions> = {}) {
    const batch = batchOf({ baseSequence: -1, isTransactional: true, ...sent })
    const draft = this.state.draft({ origin: 'coordinator', nowMs, ...options })
    const verdict = draft.addMarker(batch, this.nextOffset, {
      isAbort: false,
      coordinatorEpoch: 0,
      ...marker,
    })
    if (verdict.kind === 'accepted') {
      this.ended.push(...draft.takeOver())
      this.nextOffset++
    }
    return verdict
  }
}

export const accepted = { kind: 'accepted' }
export const refusedAs = (error: string): unknown => expect.objectContaining({ kind: 'refused', error })
