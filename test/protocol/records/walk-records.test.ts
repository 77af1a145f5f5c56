import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  buildBatch,
  decodePlainRecords,
  decompress,
  RecordBatchView,
  RecordsError,
  type RecordsFault,
  type WalkedRecords,
  walkPlainRecords,
  walkRecords,
} from '../../../protocol/index.ts'
import { arbitraryBatch } from './arbitrary-batches.ts'

const limit = { maxDecompressedBytes: 10_000_000 }

/** Walks and decodes the same bytes; both must say the same about them. */
function walkAndDecode(plain: Buffer, count: number, baseTimestamp = 0): WalkedRecords {
  const batch = new RecordBatchView(buildBatch({ records: [], lastOffsetDelta: 0 }))
  batch.buffer.writeInt32BE(count, 57)
  batch.buffer.writeBigInt64BE(BigInt(baseTimestamp), 27)
  const walked = walkPlainRecords(plain, count, baseTimestamp)
  let fault: RecordsFault | undefined
  try {
    for (const record of decodePlainRecords(batch, plain))
      expect(record.headers.length).toBeLessThanOrEqual(plain.length)
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error
    fault = error.fault
  }
  expect(walked.kind === 'unsound').toBe(fault !== undefined)
  return walked
}

function faultOf(plain: Buffer, count: number): RecordsFault | 'sound' {
  const walked = walkAndDecode(plain, count)
  return walked.kind === 'sound' ? 'sound' : walked.fault
}

function plainOf(...records: Parameters<typeof buildBatch>[0]['records'][number][]): Buffer {
  return Buffer.from(new RecordBatchView(buildBatch({ records })).recordsBytes)
}

test('what was built is sound, and its times and keys are told', () => {
  fc.assert(
    fc.property(arbitraryBatch, built => {
      const batch = new RecordBatchView(buildBatch(built))
      const times = built.records.map(record => record.timestamp)
      const realTimes = times.filter(time => time !== -1)
      const max = Math.max(...times)
      expect(walkRecords(batch, decompress(batch.compression, batch.recordsBytes, limit))).toEqual({
        kind: 'sound',
        maxTimestamp: max,
        indexOfMaxTimestamp: times.indexOf(max),
        minTimestamp: realTimes.length === 0 ? -1 : Math.min(...realTimes),
        firstNullKey: built.records.findIndex(record => record.key === undefined || record.key === null),
        consecutiveOffsets: true,
      })
    }),
    { numRuns: 200 },
  )
})

test('offsets that leave some out are noticed', () => {
  const records = [
    { value: null, timestamp: 0, offsetDelta: 0 },
    { value: null, timestamp: 0, offsetDelta: 2 },
  ]
  const walked = walkRecords(new RecordBatchView(buildBatch({ records })))
  expect(walked).toMatchObject({ kind: 'sound', consecutiveOffsets: false })
})

test('a batch without records is sound if no bytes are left', () => {
  expect(walkAndDecode(Buffer.alloc(0), 0)).toMatchObject({
    kind: 'sound',
    maxTimestamp: -1,
    minTimestamp: -1,
  })
  expect(faultOf(Buffer.alloc(1), 0)).toBe('recordCount')
})

describe('hostile records', () => {
  const some = { key: Buffer.from('key'), value: Buffer.from('a value of some length'), timestamp: 0 }

  test('a count that lies is refused, in either direction and at any size', () => {
    const plain = plainOf(some, some, some)
    for (const count of [0, 1, 2, 4, 1000, 2 ** 31 - 1]) expect(faultOf(plain, count)).toBe('recordCount')
    expect(faultOf(plain, 3)).toBe('sound')
    expect(walkAndDecode(plain, 4)).toMatchObject({ recordIndex: 3 })
  })

  test('records cut anywhere are refused', () => {
    const plain = plainOf(some, { ...some, headers: [{ key: 'h', value: Buffer.from('v') }] })
    for (let length = 0; length < plain.length; length++) {
      expect(walkAndDecode(plain.subarray(0, length), 2).kind).toBe('unsound')
    }
  })

  // Each is one record: length, attributes, time delta, offset delta, then what is wrong. Zigzag: 1 is -1, 3 is -2.
  test.each<[string, number[], RecordsFault]>([
    ['a header count of 2^31 - 1', [0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f], 'headerCount'],
    ['a negative header count', [0, 0, 0, 1, 1, 1], 'headerCount'],
    ['a header without a key', [0, 0, 0, 1, 1, 2, 1, 1], 'headerLength'],
    ['a header key beyond the record', [0, 0, 0, 1, 1, 2, 40, 1], 'headerLength'],
    ['a header value beyond the record', [0, 0, 0, 1, 1, 2, 0, 40], 'headerLength'],
    ['a header value of length -2', [0, 0, 0, 1, 1, 2, 0, 3], 'headerLength'],
    ['a key of length -2', [0, 0, 0, 3, 1, 0], 'keyLength'],
    ['a key beyond the record', [0, 0, 0, 40, 1, 0], 'keyLength'],
    ['a key of 2^31 - 1 bytes', [0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 1, 0], 'keyLength'],
    ['a value of length -2', [0, 0, 0, 1, 3, 0], 'valueLength'],
    ['a value beyond the record', [0, 0, 0, 1, 40, 0], 'valueLength'],
    ['an offset varint of six bytes', [0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 1, 1, 0], 'varint'],
    ['an offset varint past 32 bits', [0, 0, 0xff, 0xff, 0xff, 0xff, 0x1f, 1, 1, 0], 'varint'],
    [
      'a time of eleven bytes',
      [0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0, 1, 1, 0],
      'varint',
    ],
    [
      'a time past 64 bits',
      [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 1, 1, 0],
      'varint',
    ],
    [
      'a time beyond 2^53',
      [0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 1, 1, 0],
      'numberOutOfRange',
    ],
    ['bytes behind the headers', [0, 0, 0, 1, 1, 0, 9], 'recordLength'],
  ])('%s is refused', (_, body, fault) => {
    const record = Buffer.from([body.length * 2, ...body])
    // Alone it is walked with care; with an ordinary record behind it, at speed first.
    expect(faultOf(record, 1)).toBe(fault)
    expect(faultOf(Buffer.concat([record, plainOf(some)]), 2)).toBe(fault)
  })

  test.each<[string, number[]]>([
    ['negative', [1]],
    ['longer than the bytes there are', [80, 0, 0, 0, 1, 1, 0]],
    ['2^31 - 1', [0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 1, 1, 0]],
    ['shorter than its fields', [8, 0, 0, 0, 1, 1, 0]],
    ['zero', [0]],
  ])('a record length that is %s is refused', (_, bytes) => {
    expect(walkAndDecode(Buffer.from(bytes), 1)).toMatchObject({ kind: 'unsound', recordIndex: 0 })
  })

  test('a varint with superfluous bytes is still that number', () => {
    // Key length -1 as 81 00, as a careless writer might.
    expect(faultOf(Buffer.from([14, 0, 0, 0, 0x81, 0x00, 1, 0]), 1)).toBe('sound')
  })

  test('times that leave 2^53 only with the base added are refused', () => {
    const plain = plainOf({ value: null, timestamp: 0 }, { value: null, timestamp: 100 })
    expect(walkAndDecode(plain, 2, Number.MAX_SAFE_INTEGER - 99)).toMatchObject({ fault: 'numberOutOfRange' })
    expect(walkAndDecode(plain, 2, Number.MAX_SAFE_INTEGER - 100)).toMatchObject({ kind: 'sound' })
  })

  test('damaged and arbitrary bytes are sound or refused, and never anything else', () => {
    const plain = plainOf(some, { ...some, headers: [{ key: 'h', value: null }] }, some, {
      value: null,
      timestamp: 99,
    })
    const damaged = fc
      .tuple(fc.nat(plain.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([place, change]) => {
        const copy = Buffer.from(plain)
        copy[place] = copy[place]! ^ change
        return copy
      })
    const any = fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(damaged, any), fc.integer({ min: -1, max: 6 }), (bytes, count) => {
        expect(['sound', 'unsound']).toContain(walkAndDecode(bytes, count).kind)
      }),
      { numRuns: 2000 },
    )
  })
})
