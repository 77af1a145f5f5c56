import { decompress, decompressAsync, type DecompressOptions } from './compression.ts'
import type { RecordBatchView } from './record-batch.ts'
import { RecordCursor } from './record-cursor.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** A record taken out of its batch. Key, value and header values are views of the batch's bytes, or of what they unpack to. */
export interface DecodedRecord {
  readonly offset: number
  /** Milliseconds; the append time in a LogAppendTime batch; -1 = none. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In the order they were written, doubles kept. */
  readonly headers: readonly RecordHeader[]
}

const noHeaders: readonly RecordHeader[] = []

/**
 * The records of a batch, one by one in the order of their offsets, after unpacking at once. Control records come too.
 * Throws RecordsError where the bytes break the format; the records before that place have been given out by then.
 */
export function decodeRecords(
  batch: RecordBatchView,
  options: DecompressOptions,
): Generator<DecodedRecord, void, undefined> {
  if (batch.recordCount === 0) return decodePlainRecords(batch, Buffer.alloc(0))
  return decodePlainRecords(batch, decompress(batch.compression, batch.recordsBytes, options))
}

/** The same with the unpacking off this thread; the batch's bytes must not change until the records are used. */
export async function decodeRecordsAsync(
  batch: RecordBatchView,
  options: DecompressOptions,
): Promise<Generator<DecodedRecord, void, undefined>> {
  if (batch.recordCount === 0) return decodePlainRecords(batch, Buffer.alloc(0))
  return decodePlainRecords(batch, await decompressAsync(batch.compression, batch.recordsBytes, options))
}

/** The records of a batch out of `plain`: its unpacked records. */
export function* decodePlainRecords(
  batch: RecordBatchView,
  plain: Buffer,
): Generator<DecodedRecord, void, undefined> {
  const { baseOffset, baseTimestamp, recordCount } = batch
  const appendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined
  const cursor = new RecordCursor(plain, 0, plain.length)
  for (let index = 0; index < recordCount; index++) {
    if (cursor.position >= cursor.end)
      throw cursor.fault('recordCount', 'fewer records than the batch counts')
    const length = cursor.varint()
    const end = cursor.position + length
    if (length < 0 || end > cursor.end)
      throw cursor.fault('recordLength', 'a record longer than the bytes there are')
    cursor.position++ // attributes, of which none is in use
    const timestamp = baseTimestamp + cursor.varlong()
    if (!Number.isSafeInteger(timestamp)) throw cursor.fault('numberOutOfRange', 'a time beyond 2^53')
    const offset = baseOffset + cursor.varint()
    const key = nullableBytes(cursor, plain, end, 'keyLength')
    const value = nullableBytes(cursor, plain, end, 'valueLength')
    const headers = decodeHeaders(cursor, plain, end)
    if (cursor.position !== end) throw cursor.fault('recordLength', 'a record of another length than it says')
    yield { offset, timestamp: appendTime ?? timestamp, key, value, headers }
  }
  if (cursor.position !== cursor.end)
    throw cursor.fault('recordCount', 'more bytes than the counted records need')
}

function nullableBytes(
  cursor: RecordCursor,
  plain: Buffer,
  end: number,
  fault: 'keyLength' | 'valueLength' | 'headerLength',
): Buffer | null {
  const length = cursor.varint()
  if (length === -1) return null
  if (length < 0 || length > end - cursor.position) throw cursor.fault(fault, 'an impossible length')
  const start = cursor.position
  cursor.position = start + length
  return plain.subarray(start, start + length)
}

function decodeHeaders(cursor: RecordCursor, plain: Buffer, end: number): readonly RecordHeader[] {
  const count = cursor.varint()
  if (count === 0) return noHeaders
  // Checked before anything is allocated for it.
  if (count < 0 || count > end - cursor.position)
    throw cursor.fault('headerCount', 'an impossible header count')
  const headers: RecordHeader[] = []
  for (let index = 0; index < count; index++) {
    const keyLength = cursor.varint()
    if (keyLength < 0 || keyLength > end - cursor.position)
      throw cursor.fault('headerLength', 'an impossible header key')
    const start = cursor.position
    cursor.position = start + keyLength
    const key = plain.toString('utf8', start, start + keyLength)
    headers.push({ key, value: nullableBytes(cursor, plain, end, 'headerLength') })
  }
  return headers
}
