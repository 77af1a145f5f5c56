import { batchHeaderBytes, batchLengthEnd, at, currentMagic, RecordBatchView } from './record-batch.ts'
import { RecordsError } from './records-error.ts'

/** The least that even the oldest format needs behind the length field. */
const leastBatchLength = 14

export type FoundBatch =
  | { readonly kind: 'batch'; readonly batch: RecordBatchView }
  /** The bytes end before the batch does. `sizeInBytes` is what the whole needs, unknown before 12 bytes are there. */
  | { readonly kind: 'incomplete'; readonly sizeInBytes: number | undefined }
  /** A message set of the formats 0 and 1: `magic` says which. Whole, but not readable here. */
  | { readonly kind: 'oldMagic'; readonly magic: 0 | 1; readonly sizeInBytes: number }
  | { readonly kind: 'corrupt'; readonly sentence: string }

/**
 * What stands at `start`: a whole version-2 batch or why not. Looks at sizes, magic and number ranges; the checksum is
 * the caller's (`isValidCrc`), who may know already that it fits.
 */
export function findBatch(buffer: Buffer, start = 0, end: number = buffer.length): FoundBatch {
  const available = end - start
  if (available < batchLengthEnd) return { kind: 'incomplete', sizeInBytes: undefined }
  const length = buffer.readInt32BE(start + at.batchLength)
  if (length < leastBatchLength) return corrupt(`A batch claims to have ${length} bytes, fewer than any has.`)
  const sizeInBytes = length + batchLengthEnd
  if (available <= at.magic) return { kind: 'incomplete', sizeInBytes }
  const magic = buffer.readInt8(start + at.magic)
  if (magic < 0 || magic > currentMagic) return corrupt(`A batch has the unknown magic ${magic}.`)
  if (magic === currentMagic && sizeInBytes < batchHeaderBytes) {
    return corrupt(`A batch claims to have ${sizeInBytes} bytes, fewer than its header.`)
  }
  if (available < sizeInBytes) return { kind: 'incomplete', sizeInBytes }
  if (magic === 0 || magic === 1) return { kind: 'oldMagic', magic, sizeInBytes }
  if (!hasSafeNumbers(buffer, start))
    return corrupt('A batch has an offset, time or producer id beyond 2^53.')
  return { kind: 'batch', batch: new RecordBatchView(buffer, start) }
}

/**
 * The whole batches of `buffer[start, end)` one after the other. A part of a batch at the end is left out silently, as
 * fetched data may end so; anything else that is no batch throws RecordsError `batchHeader`.
 */
export function* batchesOf(
  buffer: Buffer,
  start = 0,
  end: number = buffer.length,
): Generator<RecordBatchView, void, undefined> {
  let position = start
  while (position < end) {
    const found = findBatch(buffer, position, end)
    switch (found.kind) {
      case 'batch':
        position += found.batch.sizeInBytes
        yield found.batch
        break
      case 'incomplete':
        return
      case 'oldMagic':
        throw new RecordsError('batchHeader', `A batch has the old magic ${found.magic}.`)
      case 'corrupt':
        throw new RecordsError('batchHeader', found.sentence)
    }
  }
}

function hasSafeNumbers(buffer: Buffer, start: number): boolean {
  return (
    isSafe(buffer, start + at.baseOffset) &&
    isSafe(buffer, start + at.baseTimestamp) &&
    isSafe(buffer, start + at.maxTimestamp) &&
    isSafe(buffer, start + at.producerId)
  )
}

function isSafe(buffer: Buffer, position: number): boolean {
  const high = buffer.readInt32BE(position)
  return high < 2 ** 21 && high >= -(2 ** 21)
}

function corrupt(sentence: string): FoundBatch {
  return { kind: 'corrupt', sentence }
}
