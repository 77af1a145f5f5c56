import {
  batchHeaderBytes,
  batchLengthEnd,
  buildBatch,
  compress,
  type CompressionType,
  compressionTypes,
  decodePlainRecords,
  RecordBatchView,
} from '../../protocol/index.ts'

const batchLengthAt = 8
const attributesAt = 21
const codecBits = 0x07

/**
 * The same batch with its records packed by another codec, and numbered 0, 1, 2, … if they were not. Producer, epoch,
 * sequence and times stay. `plain` is what the batch unpacks to.
 */
export function rebuildBatch(
  batch: RecordBatchView,
  plain: Buffer,
  options: {
    readonly compression: CompressionType
    readonly level?: number | undefined
    readonly isConsecutive: boolean
  },
): RecordBatchView {
  const { compression, level, isConsecutive } = options
  if (!isConsecutive) return renumbered(batch, plain, compression, level)

  const block = compress(compression, plain, level === undefined ? {} : { level })
  const bytes = Buffer.allocUnsafe(batchHeaderBytes + block.length)
  batch.buffer.copy(bytes, 0, batch.start, batch.start + batchHeaderBytes)
  block.copy(bytes, batchHeaderBytes)
  bytes.writeInt32BE(bytes.length - batchLengthEnd, batchLengthAt)
  bytes.writeInt16BE((batch.attributes & ~codecBits) | compressionTypes.indexOf(compression), attributesAt)
  const rebuilt = new RecordBatchView(bytes)
  rebuilt.updateCrc()
  return rebuilt
}

function renumbered(
  batch: RecordBatchView,
  plain: Buffer,
  compression: CompressionType,
  level: number | undefined,
): RecordBatchView {
  return new RecordBatchView(
    buildBatch({
      records: [...decodePlainRecords(batch, plain)],
      compression,
      ...(level === undefined ? {} : { compressionLevel: level }),
      timestampType: batch.timestampType,
      maxTimestamp: batch.maxTimestamp,
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      isTransactional: batch.isTransactional,
      isControl: batch.isControl,
    }),
  )
}
