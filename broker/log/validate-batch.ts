import {
  type CompressionType,
  compressionTypes,
  decodePlainRecords,
  decompress,
  type ErrorName,
  beginsLike,
  findBatch,
  type RecordBatchView,
  RecordsError,
  type TimestampType,
  walkRecords,
  type WalkedRecords,
} from '../../protocol/index.ts'
import { isCompacted, type LogSettings } from './log-settings.ts'
import { rebuildBatch } from './rebuild-batch.ts'

/** What validation needs to know of topic and request. */
export interface BatchLimits {
  readonly origin: 'client' | 'coordinator'
  /** Version of the Produce request; the newest when left out. */
  readonly apiVersion?: number | undefined
  readonly nowMs: number
}

/** The batch as it is to be written, but for base offset and leader epoch. */
export interface ValidBatch {
  readonly kind: 'valid'
  /** Over the bytes that came, or over new ones when the batch had to be rebuilt for another codec. */
  readonly batch: RecordBatchView
  /** -1 for CreateTime. */
  readonly logAppendTimeMs: number
}

export interface InvalidBatch {
  readonly kind: 'refused'
  readonly error: ErrorName
  readonly message: string
  readonly recordErrors?: readonly RecordError[]
}

/** `batchIndex` is the record's place in the batch. */
export interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

const zstdSinceVersion = 7
const mostRecordErrors = 100

/** However well a batch packs, it may not unpack to more than this where a rule asks to look inside. */
export function mostUnpackedBytes(settings: LogSettings): number {
  return Math.max(16 * 1024 * 1024, 8 * settings['max.message.bytes'])
}

/**
 * Checks what a leader is asked to append, in Kafka's order, and stamps what the leader decides: time type, largest
 * time, checksum. Nothing is decompressed unless the topic's rules need to see keys or another codec; without that the
 * times of a compressed batch are the ones in its header.
 */
export function validateBatch(
  records: Buffer,
  settings: LogSettings,
  limits: BatchLimits,
): ValidBatch | InvalidBatch {
  const shape = checkShape(records, limits)
  if (shape.kind === 'refused') return shape
  const { batch } = shape
  const wrong =
    checkHeader(batch, settings, limits) ?? checkCounts(batch, limits) ?? checkTimestampType(batch, settings)
  if (wrong !== undefined) return wrong

  try {
    const looked = lookInside(batch, settings, limits)
    if (looked.kind === 'refused') return looked
    const rebuilt = looked.batch !== batch
    if (rebuilt && looked.batch.sizeInBytes > settings['max.message.bytes'])
      return tooLarge(looked.batch, settings)
    if (looked.batch.sizeInBytes > settings['segment.bytes']) {
      return refuse(
        'RECORD_LIST_TOO_LARGE',
        `A batch of ${looked.batch.sizeInBytes} bytes does not fit a segment of ${settings['segment.bytes']} bytes.`,
      )
    }
    const isAppendTime = timestampTypeOf(settings) === 'LogAppendTime'
    looked.batch.setMaxTimestamp(
      isAppendTime ? 'LogAppendTime' : 'CreateTime',
      isAppendTime ? limits.nowMs : looked.maxTimestamp,
    )
    return { kind: 'valid', batch: looked.batch, logAppendTimeMs: isAppendTime ? limits.nowMs : -1 }
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error
    return refuse(error.fault === 'tooLarge' ? 'MESSAGE_TOO_LARGE' : 'INVALID_RECORD', error.message)
  }
}

function checkShape(
  records: Buffer,
  limits: BatchLimits,
): { readonly kind: 'shaped'; readonly batch: RecordBatchView } | InvalidBatch {
  const found = findBatch(records)
  switch (found.kind) {
    case 'incomplete':
      return refuse(
        'INVALID_RECORD',
        'A produce request must have at least one whole record batch per partition.',
      )
    case 'oldMagic':
      return refuse('INVALID_RECORD', `Record batches must have magic 2; this one has magic ${found.magic}.`)
    case 'corrupt':
      return refuse('CORRUPT_MESSAGE', found.sentence)
    case 'batch':
      break
  }
  const { batch } = found
  const next = findBatch(records, batch.sizeInBytes)
  if (next.kind === 'corrupt') return refuse('CORRUPT_MESSAGE', next.sentence)
  // As in Kafka, a piece that is too short to be a batch is left out.
  if (next.kind !== 'incomplete') {
    return refuse('INVALID_RECORD', 'A produce request must have exactly one record batch per partition.')
  }
  const codec = compressionTypes[batch.compressionId]
  if (codec === undefined) {
    return refuse('UNSUPPORTED_COMPRESSION_TYPE', `There is no compression type ${batch.compressionId}.`)
  }
  if (codec === 'zstd' && (limits.apiVersion ?? zstdSinceVersion) < zstdSinceVersion) {
    return refuse('UNSUPPORTED_COMPRESSION_TYPE', `zstd needs Produce version ${zstdSinceVersion} or later.`)
  }
  return { kind: 'shaped', batch }
}

function checkHeader(
  batch: RecordBatchView,
  settings: LogSettings,
  limits: BatchLimits,
): InvalidBatch | undefined {
  if (limits.origin === 'client' && batch.baseOffset !== 0) {
    return refuse('INVALID_RECORD', `The base offset of a batch must be 0, but it is ${batch.baseOffset}.`)
  }
  if (batch.sizeInBytes > settings['max.message.bytes'] && !batch.isControl) return tooLarge(batch, settings)
  if (!batch.isValidCrc())
    return refuse('CORRUPT_MESSAGE', 'The checksum of the batch does not fit its bytes.')
  if (!beginsLike(batch.compression, batch.recordsBytes)) {
    return refuse(
      'INVALID_RECORD',
      `The batch says that it is packed with ${batch.compression}, but its bytes are not.`,
    )
  }
  return undefined
}

function checkCounts(batch: RecordBatchView, limits: BatchLimits): InvalidBatch | undefined {
  const { recordCount, lastOffsetDelta } = batch
  if (recordCount <= 0 || lastOffsetDelta !== recordCount - 1) {
    return refuse(
      'INVALID_RECORD',
      `The batch counts ${recordCount} records but its last offset delta is ${lastOffsetDelta}.`,
    )
  }
  if (limits.origin !== 'client') return undefined
  if (batch.isControl) return refuse('INVALID_RECORD', 'Clients may not write control batches.')
  if (batch.producerId >= 0 && batch.baseSequence < 0) {
    return refuse(
      'INVALID_RECORD',
      `Producer ${batch.producerId} has sent the impossible sequence ${batch.baseSequence}.`,
    )
  }
  if (batch.isTransactional && batch.producerId < 0) {
    return refuse('INVALID_RECORD', 'A transactional batch must name its producer.')
  }
  return undefined
}

function checkTimestampType(batch: RecordBatchView, settings: LogSettings): InvalidBatch | undefined {
  if (batch.timestampType !== 'LogAppendTime') return undefined
  // On a CreateTime topic the bit is just cleared, as long as there is a time to speak of.
  if (timestampTypeOf(settings) === 'CreateTime' && batch.maxTimestamp !== -1) return undefined
  return refuse('INVALID_TIMESTAMP', 'A producer must not set the time type to LogAppendTime.')
}

/** Looks at the records as far as needed, and packs them anew when the topic wants another codec. */
function lookInside(
  batch: RecordBatchView,
  settings: LogSettings,
  limits: BatchLimits,
):
  | { readonly kind: 'looked'; readonly batch: RecordBatchView; readonly maxTimestamp: number }
  | InvalidBatch {
  const codec = batch.compression
  const target = targetCodec(batch, settings)
  const isPlain = codec === 'none'
  if (!isPlain && codec === target && !isCompacted(settings)) {
    const wrongTime = checkTimes(batch.baseTimestamp, batch.maxTimestamp, settings, limits)
    return wrongTime ?? { kind: 'looked', batch, maxTimestamp: batch.maxTimestamp }
  }

  const plain = isPlain
    ? batch.recordsBytes
    : decompress(codec, batch.recordsBytes, { maxDecompressedBytes: mostUnpackedBytes(settings) })
  const walked = walkRecords(batch, plain)
  if (walked.kind === 'unsound') {
    return refuse('INVALID_RECORD', `Record ${walked.recordIndex} cannot be read: ${walked.sentence}`)
  }
  // Old clients numbered what they packed otherwise; nobody has a reason to in plain batches.
  if (isPlain && !walked.consecutiveOffsets) {
    return refuse('INVALID_RECORD', 'The offsets of the records are not 0, 1, 2 and so on.')
  }
  const wrong = checkRecords(batch, plain, walked, settings, limits)
  if (wrong !== undefined) return wrong
  // The records of a batch with append time all have the time of the header.
  const maxTimestamp = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : walked.maxTimestamp
  if (codec === target && walked.consecutiveOffsets) return { kind: 'looked', batch, maxTimestamp }
  const rebuilt = rebuildBatch(batch, plain, {
    compression: target,
    level: levelOf(target, settings),
    isConsecutive: walked.consecutiveOffsets,
  })
  return { kind: 'looked', batch: rebuilt, maxTimestamp }
}

type SoundRecords = Extract<WalkedRecords, { kind: 'sound' }>

function checkRecords(
  batch: RecordBatchView,
  plain: Buffer,
  walked: SoundRecords,
  settings: LogSettings,
  limits: BatchLimits,
): InvalidBatch | undefined {
  const lacksKey = walked.firstNullKey >= 0 && isCompacted(settings) && !batch.isControl
  const wrongTime = checkTimes(walked.minTimestamp, walked.maxTimestamp, settings, limits)
  if (!lacksKey && wrongTime === undefined) return undefined

  const recordErrors: RecordError[] = []
  let batchIndex = 0
  for (const record of decodePlainRecords(batch, plain)) {
    if (recordErrors.length === mostRecordErrors) break
    const message =
      lacksKey && record.key === null
        ? 'A compacted topic takes no record without a key.'
        : checkTimes(record.timestamp, record.timestamp, settings, limits)?.message
    if (message !== undefined) recordErrors.push({ batchIndex, message })
    batchIndex++
  }
  const message = `${recordErrors.length} of ${batch.recordCount} records are not acceptable: ${recordErrors[0]?.message ?? ''}`
  return {
    ...refuse(wrongTime === undefined ? 'INVALID_RECORD' : 'INVALID_TIMESTAMP', message),
    recordErrors,
  }
}

/** -1 stands for no time, which is let through. */
function checkTimes(
  smallest: number,
  largest: number,
  settings: LogSettings,
  limits: BatchLimits,
): InvalidBatch | undefined {
  if (timestampTypeOf(settings) !== 'CreateTime') return undefined
  const earliest = limits.nowMs - settings['message.timestamp.before.max.ms']
  const latest = limits.nowMs + settings['message.timestamp.after.max.ms']
  const wrong =
    smallest !== -1 && smallest < earliest
      ? smallest
      : largest !== -1 && largest > latest
        ? largest
        : undefined
  if (wrong === undefined) return undefined
  return refuse(
    'INVALID_TIMESTAMP',
    `Time ${wrong} is out of range: the topic takes ${Math.max(earliest, Number.MIN_SAFE_INTEGER)} to ${Math.min(latest, Number.MAX_SAFE_INTEGER)}.`,
  )
}

function timestampTypeOf(settings: LogSettings): TimestampType {
  return settings['message.timestamp.type'] === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime'
}

/** Plain control batches stay plain. */
function targetCodec(batch: RecordBatchView, settings: LogSettings): CompressionType {
  const wanted = settings['compression.type']
  if (wanted === 'producer' || (batch.isControl && batch.compression === 'none')) return batch.compression
  return compressionTypes.find(type => type === wanted) ?? 'none'
}

function levelOf(codec: CompressionType, settings: LogSettings): number | undefined {
  if (codec === 'zstd') return settings['compression.zstd.level']
  return codec === 'gzip' && settings['compression.gzip.level'] !== -1
    ? settings['compression.gzip.level']
    : undefined
}

function tooLarge(batch: RecordBatchView, settings: LogSettings): InvalidBatch {
  return refuse(
    'MESSAGE_TOO_LARGE',
    `The batch has ${batch.sizeInBytes} bytes, more than max.message.bytes = ${settings['max.message.bytes']}.`,
  )
}

function refuse(error: ErrorName, message: string): InvalidBatch {
  return { kind: 'refused', error, message }
}
