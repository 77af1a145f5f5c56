import { type ErrorName, findBatch, type RecordBatchView } from '../../protocol/index.ts'

/**
 * The whole batches that a leader sent. A part of a batch at the end is left out, and so is everything from the first
 * batch on that is of a later epoch than `mostLeaderEpoch`: a late answer of a leader that has changed since.
 */
export function checkFollowed(
  records: Buffer,
  mostLeaderEpoch: number,
):
  | { readonly batches: readonly RecordBatchView[] }
  | { readonly error: ErrorName; readonly message: string } {
  const batches: RecordBatchView[] = []
  let nextOffset = -1
  for (let position = 0; position < records.length; ) {
    const found = findBatch(records, position)
    if (found.kind === 'incomplete') break
    if (found.kind === 'corrupt') return corrupt(found.sentence)
    if (found.kind === 'oldMagic') return corrupt(`The leader sent a batch of the old magic ${found.magic}.`)
    const { batch } = found
    if (batch.partitionLeaderEpoch > mostLeaderEpoch) break
    if (!batch.isValidCrc())
      return corrupt(`The checksum of the batch at offset ${batch.baseOffset} does not fit its bytes.`)
    if (batch.lastOffsetDelta < 0 || batch.baseOffset < nextOffset) {
      return corrupt(`The leader sent offset ${batch.baseOffset} after offset ${nextOffset - 1}.`)
    }
    nextOffset = batch.nextOffset
    position = batch.end
    batches.push(batch)
  }
  return { batches }
}

function corrupt(message: string): { error: ErrorName; message: string } {
  return { error: 'CORRUPT_MESSAGE', message }
}
