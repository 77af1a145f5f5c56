import { describe, expect, test } from 'vitest'
import type { LogSettings } from '../../../broker/log/log-settings.ts'
import { type BatchLimits, validateBatch } from '../../../broker/log/validate-batch.ts'
import {
  type BatchToBuild,
  buildBatch,
  compress,
  type CompressionType,
  decodeRecords,
  RecordBatchView,
} from '../../../protocol/index.ts'
import { defaultLogSettings } from '../../support/a-log.ts'

const nowMs = 1_700_000_000_000
const key = Buffer.from('key')
const value = Buffer.from('value')
const record = { key, value, timestamp: nowMs }

function validate(
  records: Buffer | Partial<BatchToBuild>,
  settings: Partial<LogSettings> = {},
  limits: Partial<BatchLimits> = {},
): ReturnType<typeof validateBatch> {
  const bytes = Buffer.isBuffer(records) ? records : buildBatch({ records: [record, record], ...records })
  return validateBatch(bytes, { ...defaultLogSettings, ...settings }, { origin: 'client', nowMs, ...limits })
}

function errorOf(outcome: ReturnType<typeof validateBatch>): string {
  return outcome.kind === 'refused' ? outcome.error : 'valid'
}

/** The batch after a change to its header, with a checksum that fits. */
function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = buildBatch({ records: [record, record] })
  change(bytes)
  new RecordBatchView(bytes).updateCrc()
  return bytes
}

function valid(outcome: ReturnType<typeof validateBatch>): RecordBatchView {
  if (outcome.kind === 'refused') throw new Error(outcome.message)
  return outcome.batch
}

describe('shape', () => {
  test('a good batch is left as it came', () => {
    const bytes = buildBatch({ records: [record, record] })
    const before = Buffer.from(bytes)
    expect(valid(validate(bytes)).buffer).toBe(bytes)
    expect(bytes).toEqual(before)
  })

  test('no batch, a part of one, or two are refused', () => {
    const bytes = buildBatch({ records: [record] })
    expect(errorOf(validate(Buffer.alloc(0)))).toBe('INVALID_RECORD')
    expect(errorOf(validate(bytes.subarray(0, bytes.length - 1)))).toBe('INVALID_RECORD')
    expect(errorOf(validate(Buffer.concat([bytes, bytes])))).toBe('INVALID_RECORD')
  })

  test('old and unknown formats are refused', () => {
    for (const [magic, error] of [
      [0, 'INVALID_RECORD'],
      [1, 'INVALID_RECORD'],
      [3, 'CORRUPT_MESSAGE'],
    ] as const) {
      expect(errorOf(validate(changed(bytes => bytes.writeInt8(magic, 16))))).toBe(error)
    }
  })

  test('a size that no batch has is corrupt', () => {
    expect(errorOf(validate(changed(bytes => bytes.writeInt32BE(3, 8))))).toBe('CORRUPT_MESSAGE')
    expect(errorOf(validate(changed(bytes => bytes.writeInt32BE(-1, 8))))).toBe('CORRUPT_MESSAGE')
  })

  test('zstd needs version 7, and codecs 5 to 7 do not exist', () => {
    const zstd = { compression: 'zstd' as const }
    expect(errorOf(validate(zstd, {}, { apiVersion: 6 }))).toBe('UNSUPPORTED_COMPRESSION_TYPE')
    expect(errorOf(validate(zstd, {}, { apiVersion: 7 }))).toBe('valid')
    for (const codec of [5, 6, 7]) {
      expect(errorOf(validate(changed(bytes => bytes.writeInt16BE(codec, 21))))).toBe(
        'UNSUPPORTED_COMPRESSION_TYPE',
      )
    }
  })
})

describe('header', () => {
  test('the base offset of a client is 0', () => {
    expect(errorOf(validate({ baseOffset: 5 }))).toBe('INVALID_RECORD')
    expect(errorOf(validate({ baseOffset: 5 }, {}, { origin: 'coordinator' }))).toBe('valid')
  })

  test('size is checked before the checksum', () => {
    const bytes = buildBatch({ records: [record] })
    bytes[bytes.length - 1]! ^= 1
    expect(errorOf(validate(bytes))).toBe('CORRUPT_MESSAGE')
    expect(errorOf(validate(bytes, { 'max.message.bytes': 10 }))).toBe('MESSAGE_TOO_LARGE')
  })

  test('counts that lie are refused', () => {
    expect(errorOf(validate(changed(bytes => bytes.writeInt32BE(5, 23))))).toBe('INVALID_RECORD')
    expect(errorOf(validate(changed(bytes => bytes.writeInt32BE(-1, 23))))).toBe('INVALID_RECORD')
    expect(errorOf(validate(changed(bytes => bytes.writeInt32BE(3, 57))))).toBe('INVALID_RECORD')
    expect(errorOf(validate({ records: [] }))).toBe('INVALID_RECORD')
    const both = changed(bytes => {
      bytes.writeInt32BE(2 ** 31 - 2, 23)
      bytes.writeInt32BE(2 ** 31 - 1, 57)
    })
    expect(errorOf(validate(both))).toBe('INVALID_RECORD')
  })

  test('control batches are for coordinators', () => {
    const control = {
      records: [record],
      isControl: true,
      isTransactional: true,
      producerId: 4,
      producerEpoch: 0,
    }
    expect(errorOf(validate(control))).toBe('INVALID_RECORD')
    expect(errorOf(validate(control, {}, { origin: 'coordinator' }))).toBe('valid')
  })

  test('a producer needs a sequence, a transaction a producer', () => {
    expect(errorOf(validate({ producerId: 4, producerEpoch: 0 }))).toBe('INVALID_RECORD')
    expect(errorOf(validate({ producerId: 4, producerEpoch: 0, baseSequence: 0 }))).toBe('valid')
    expect(errorOf(validate({ isTransactional: true }))).toBe('INVALID_RECORD')
  })
})

describe('records', () => {
  test('a record that does not fit its length is refused', () => {
    for (let at = 61; at < 70; at++) {
      const bytes = changed(batch => {
        batch[at] = 0x7f
      })
      expect(['INVALID_RECORD', 'valid', 'INVALID_TIMESTAMP']).toContain(errorOf(validate(bytes)))
    }
    expect(errorOf(validate(changed(bytes => void (bytes[61] = 0x70))))).toBe('INVALID_RECORD')
  })

  test('offsets in a plain batch are 0, 1, 2 and so on', () => {
    const records = [
      { ...record, offsetDelta: 0 },
      { ...record, offsetDelta: 5 },
    ]
    expect(errorOf(validate({ records, lastOffsetDelta: 1 }))).toBe('INVALID_RECORD')
  })

  test('a compacted topic takes no record without a key, and says which', () => {
    const records = [record, { value, timestamp: nowMs }, record, { value, timestamp: nowMs }]
    expect(errorOf(validate({ records }))).toBe('valid')
    for (const compression of ['none', 'gzip', 'lz4'] as const) {
      const outcome = validate({ records, compression }, { 'cleanup.policy': ['compact'] })
      expect(outcome).toMatchObject({ kind: 'refused', error: 'INVALID_RECORD' })
      expect(outcome.kind === 'refused' && outcome.recordErrors?.map(error => error.batchIndex)).toEqual([
        1, 3,
      ])
    }
  })

  test('the largest time is the true one, with a new checksum', () => {
    const records = [record, { ...record, timestamp: nowMs + 50 }, { ...record, timestamp: nowMs - 50 }]
    const batch = valid(validate({ records, maxTimestamp: 12 }))
    expect([batch.maxTimestamp, batch.timestampType, batch.isValidCrc()]).toEqual([
      nowMs + 50,
      'CreateTime',
      true,
    ])
  })

  test('broken compressed data matters only where somebody looks inside', () => {
    const bytes = buildBatch({ records: [record], compression: 'gzip' })
    bytes.fill(0, 63)
    new RecordBatchView(bytes).updateCrc()
    expect(errorOf(validate(Buffer.from(bytes)))).toBe('valid')
    expect(errorOf(validate(bytes, { 'cleanup.policy': ['compact'] }))).toBe('INVALID_RECORD')
  })

  test('plain bytes that are said to be packed are refused at once', () => {
    for (const type of [1, 3, 4]) {
      const bytes = buildBatch({ records: [record] })
      bytes.writeInt16BE(type, 21)
      new RecordBatchView(bytes).updateCrc()
      expect(errorOf(validate(bytes))).toBe('INVALID_RECORD')
    }
  })

  test('what unpacks to too much is refused', () => {
    const bomb = Buffer.alloc(40_000_000)
    const plain = buildBatch({ records: [record] })
    const block = compress('gzip', bomb)
    const bytes = Buffer.concat([plain.subarray(0, 61), block])
    bytes.writeInt32BE(bytes.length - 12, 8)
    bytes.writeInt16BE(1, 21)
    new RecordBatchView(bytes).updateCrc()
    expect(errorOf(validate(bytes, { 'cleanup.policy': ['compact'] }))).toBe('MESSAGE_TOO_LARGE')
  })
})

describe('times', () => {
  const limits = { 'message.timestamp.before.max.ms': 1000, 'message.timestamp.after.max.ms': 500 }

  test('too early and too late are refused, record by record', () => {
    const records = [
      { ...record, timestamp: nowMs - 1000 },
      { ...record, timestamp: nowMs - 1001 },
      { ...record, timestamp: nowMs + 500 },
      { ...record, timestamp: nowMs + 501 },
      { ...record, timestamp: -1 },
    ]
    const outcome = validate({ records }, limits)
    expect(errorOf(outcome)).toBe('INVALID_TIMESTAMP')
    expect(outcome.kind === 'refused' && outcome.recordErrors?.map(error => error.batchIndex)).toEqual([1, 3])
    expect(errorOf(validate({ records: [records[0]!, records[2]!, records[4]!] }, limits))).toBe('valid')
  })

  test('of a compressed batch the header is judged', () => {
    const late = { records: [{ ...record, timestamp: nowMs + 501 }], compression: 'lz4' as const }
    expect(errorOf(validate(late, limits))).toBe('INVALID_TIMESTAMP')
    expect(errorOf(validate(late))).toBe('valid')
  })

  test('append time is set by the broker, whatever the records say', () => {
    const settings = { 'message.timestamp.type': 'LogAppendTime', ...limits }
    const outcome = validate({ records: [{ ...record, timestamp: 5 }] }, settings)
    const batch = valid(outcome)
    expect([batch.timestampType, batch.maxTimestamp, batch.isValidCrc()]).toEqual([
      'LogAppendTime',
      nowMs,
      true,
    ])
    expect(outcome.kind === 'valid' && outcome.logAppendTimeMs).toBe(nowMs)
  })

  test('a client that sets the append time itself is refused where the topic does, else the bit is cleared', () => {
    const batch = { timestampType: 'LogAppendTime' as const, maxTimestamp: nowMs }
    expect(errorOf(validate(batch, { 'message.timestamp.type': 'LogAppendTime' }))).toBe('INVALID_TIMESTAMP')
    expect(valid(validate(batch)).timestampType).toBe('CreateTime')
  })
})

describe('another codec on disk', () => {
  const records = Array.from({ length: 50 }, (_, index) => ({ ...record, timestamp: nowMs + index }))

  for (const [from, to] of [
    ['none', 'gzip'],
    ['gzip', 'zstd'],
    ['lz4', 'snappy'],
    ['zstd', 'uncompressed'],
  ] as const) {
    test(`${from} becomes ${to}`, () => {
      const producer = { producerId: 8, producerEpoch: 2, baseSequence: 70 }
      const bytes = buildBatch({ records, compression: from, ...producer })
      const batch = valid(validate(bytes, { 'compression.type': to }))
      const codec: CompressionType = to === 'uncompressed' ? 'none' : to
      expect(batch).toMatchObject({ compression: codec, recordCount: 50, lastOffsetDelta: 49, ...producer })
      expect(batch.isValidCrc()).toBe(true)
      expect([batch.baseTimestamp, batch.maxTimestamp]).toEqual([nowMs, nowMs + 49])
      const read = [...decodeRecords(batch, { maxDecompressedBytes: 1e6 })]
      expect(read.map(({ timestamp }) => timestamp)).toEqual(records.map(({ timestamp }) => timestamp))
    })
  }

  test('the same codec is left alone', () => {
    const bytes = buildBatch({ records, compression: 'gzip' })
    expect(valid(validate(bytes, { 'compression.type': 'gzip' })).buffer).toBe(bytes)
  })

  test('the size is checked again', () => {
    const large = [{ ...record, value: Buffer.alloc(5000) }]
    const outcome = validate(
      { records: large, compression: 'gzip' },
      { 'compression.type': 'uncompressed', 'max.message.bytes': 1000 },
    )
    expect(errorOf(outcome)).toBe('MESSAGE_TOO_LARGE')
  })

  test('offsets that old clients numbered otherwise are numbered anew', () => {
    const odd = [
      { ...record, offsetDelta: 0 },
      { ...record, offsetDelta: 3 },
    ]
    const bytes = buildBatch({ records: odd, compression: 'gzip', lastOffsetDelta: 1 })
    const batch = valid(validate(bytes, { 'cleanup.policy': ['compact'] }))
    expect([...decodeRecords(batch, { maxDecompressedBytes: 1e6 })].map(({ offset }) => offset)).toEqual([
      0, 1,
    ])
  })

  test('a plain marker stays plain', () => {
    const marker = { records: [record], isControl: true, producerId: 1, producerEpoch: 0 }
    const batch = valid(validate(marker, { 'compression.type': 'gzip' }, { origin: 'coordinator' }))
    expect(batch.compression).toBe('none')
  })
})

test('a batch must fit a segment', () => {
  expect(errorOf(validate({}, { 'segment.bytes': 50 }))).toBe('RECORD_LIST_TOO_LARGE')
})
