import { describe, expect, test } from 'vitest'
import { EncodeError, type RecordsSource, Writer, zeroUuid } from '../../../protocol/index.ts'

function hexOf(write: (writer: Writer) => void): string {
  const writer = new Writer(1)
  write(writer)
  return writer.finish().toString('hex')
}

test('numbers are written big-endian', () => {
  expect(
    hexOf(writer => {
      writer.int8(-1)
      writer.int16(-2)
      writer.uint16(65_534)
      writer.int32(-3)
      writer.uint32(4_294_967_293)
      writer.float64(1.5)
      writer.bool(true)
    }),
  ).toBe('fffffefffefffffffdfffffffd3ff800000000000001')
})

test('numbers of 64 bits are written exactly', () => {
  expect(hexOf(writer => writer.int64(Number.MAX_SAFE_INTEGER))).toBe('001fffffffffffff')
  expect(hexOf(writer => writer.int64(Number.MIN_SAFE_INTEGER))).toBe('ffe0000000000001')
  expect(hexOf(writer => writer.int64(-1))).toBe('ffffffffffffffff')
  expect(hexOf(writer => writer.int64(-4_294_967_296))).toBe('ffffffff00000000')
  expect(hexOf(writer => writer.int64(4_294_967_295))).toBe('00000000ffffffff')
  expect(hexOf(writer => writer.int64Big(-(2n ** 63n)))).toBe('8000000000000000')
})

test('numbers that do not fit their type are refused, not cut', () => {
  const writer = new Writer()
  expect(() => writer.int8(128)).toThrow('128 is not an int8.')
  expect(() => writer.int16(-32_769)).toThrow(EncodeError)
  expect(() => writer.uint16(-1)).toThrow(EncodeError)
  expect(() => writer.int32(2 ** 31)).toThrow(EncodeError)
  expect(() => writer.int32(1.5)).toThrow(EncodeError)
  expect(() => writer.int32(Number.NaN)).toThrow(EncodeError)
  expect(() => writer.uint32(2 ** 32)).toThrow(EncodeError)
  expect(() => writer.int64(2 ** 53)).toThrow(EncodeError)
  expect(() => writer.int64Big(2n ** 63n)).toThrow(EncodeError)
  expect(writer.position).toBe(0)
})

describe('variable-length numbers', () => {
  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [16_383, 'ff7f'],
    [16_384, '808001'],
    [0xffff_ffff, 'ffffffff0f'],
  ])('%i is %s', (value, hex) => {
    expect(hexOf(writer => writer.unsignedVarint(value))).toBe(hex)
  })

  test('of records are zigzag', () => {
    expect(hexOf(writer => writer.varint(-1))).toBe('01')
    expect(hexOf(writer => writer.varint(-2_147_483_648))).toBe('ffffffff0f')
    expect(hexOf(writer => writer.varlong(2_147_483_648))).toBe('8080808010')
    expect(hexOf(writer => writer.varlong(-2_147_483_649))).toBe('8180808010')
    expect(hexOf(writer => writer.varlong(Number.MAX_SAFE_INTEGER))).toBe('feffffffffffff1f')
  })
})

describe('text and bytes', () => {
  test('carry their length in bytes, one more when compact, and null apart', () => {
    expect(hexOf(writer => writer.string('é'))).toBe('0002c3a9')
    expect(hexOf(writer => writer.compactString('é'))).toBe('03c3a9')
    expect(hexOf(writer => writer.nullableString(null))).toBe('ffff')
    expect(hexOf(writer => writer.nullableCompactString(null))).toBe('00')
    expect(hexOf(writer => writer.bytes(Buffer.from('aa', 'hex')))).toBe('00000001aa')
    expect(hexOf(writer => writer.compactBytes(Buffer.from('aa', 'hex')))).toBe('02aa')
    expect(hexOf(writer => writer.nullableBytes(null))).toBe('ffffffff')
    expect(hexOf(writer => writer.nullableCompactBytes(null))).toBe('00')
  })

  test('of more than 32,767 bytes are no string', () => {
    const writer = new Writer()
    expect(() => writer.string('é'.repeat(16_384))).toThrow(
      'A string of 32768 bytes is longer than the 32767 that a message can carry.',
    )
    writer.string('x'.repeat(32_767))
    expect(writer.position).toBe(32_769)
  })

  test('that are no uuid are refused', () => {
    expect(hexOf(writer => writer.uuid(zeroUuid))).toBe('00'.repeat(16))
    expect(hexOf(writer => writer.uuid('AAAAAAAAAAAAAAAAAAAAAQ'))).toBe(`${'00'.repeat(15)}01`)
    expect(() => new Writer().uuid('topic')).toThrow('"topic" is not a UUID of 22 base64url characters.')
    expect(() => new Writer().uuid('!!!!!!!!!!!!!!!!!!!!!!')).toThrow(EncodeError)
  })
})

test('records come from where they lie straight into the message', () => {
  const source: RecordsSource = { length: 3, readInto: (target, at) => void target.fill(0xab, at, at + 3) }
  expect(hexOf(writer => writer.records(source))).toBe('00000003ababab')
  expect(hexOf(writer => writer.compactRecords(source))).toBe('04ababab')
  expect(hexOf(writer => writer.nullableCompactRecords(null))).toBe('00')
})

test('a given buffer is filled in place until it is too small', () => {
  const target = Buffer.alloc(8)
  const writer = new Writer(target)
  writer.int64(1)
  expect(writer.buffer).toBe(target)
  writer.int8(2)
  expect(writer.buffer).not.toBe(target)
  expect(writer.finish().toString('hex')).toBe('000000000000000102')
})

test('a size is put in front of what it is the size of, however long it becomes', () => {
  for (const length of [0, 127, 128, 20_000]) {
    const writer = new Writer()
    const mark = writer.beginSized()
    writer.raw(Buffer.alloc(length, 0xcd))
    writer.endSized(mark)
    const expected = new Writer()
    expected.unsignedVarint(length)
    expected.raw(Buffer.alloc(length, 0xcd))
    expect(writer.finish().equals(expected.finish())).toBe(true)
  }
})
