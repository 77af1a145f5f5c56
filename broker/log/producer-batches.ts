import { decodeControlRecord, decodeRecords, type RecordBatchView } from '../../protocol/index.ts'
import type { EndMarker, ProducerVerdict } from './check-producer.ts'
import type { ProducerDraft } from './producer-draft.ts'

/**
 * Adds a whole batch whose base offset is set to a draft: data, or the marker that ends a transaction. Batches without
 * a producer, and control batches of other kinds, change nothing.
 */
export function addBatchToDraft(
  draft: ProducerDraft,
  batch: RecordBatchView,
  transactionVersion: 1 | 2 = 1,
): ProducerVerdict {
  if (batch.producerId < 0) return nothingToCheck
  if (!batch.isControl) return draft.add(batch, batch.baseOffset)
  const marker = endMarkerOf(batch, transactionVersion)
  return marker === undefined ? nothingToCheck : draft.addMarker(batch, batch.baseOffset, marker)
}

/** What a control batch says about a transaction; undefined when it is about something else or emptied by compaction. */
export function endMarkerOf(batch: RecordBatchView, transactionVersion: 1 | 2 = 1): EndMarker | undefined {
  const [record] = decodeRecords(batch, { maxDecompressedBytes: maxMarkerBytes })
  if (record === undefined) return undefined
  const control = decodeControlRecord(record)
  if (control.kind === 'other') return undefined
  return {
    isAbort: control.kind === 'abort',
    coordinatorEpoch: control.coordinatorEpoch,
    transactionVersion,
  }
}

const nothingToCheck: ProducerVerdict = { kind: 'accepted' }

/** A marker has 10 bytes of content; more than this is none. */
const maxMarkerBytes = 4096
