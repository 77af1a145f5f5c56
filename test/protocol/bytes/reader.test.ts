import { describe, expect, test } from 'vitest'
import { ProtocolError, Reader, zeroUuid } from '../../../protocol/index.ts'

function readerOf(hex: string): Reader {
  return new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

describe('numbers', () => {
  test('are read big-endian', () => {
    const reader = readerOf('ff fffe fffe fffffffd fffffffd 3ff8000000000000 00 05')
    expect(reader.int8()).toBe(-1)
    expect(reader.int16()).toBe(-2)
    expect(reader.uint16()).toBe(65_534)
    expect(reader.int32()).toBe(-3)
    expect(reader.uint32()).toBe(4_294_967_293)
    expect(reader.float64()).toBe(1.5)
    expect(reader.bool()).toBe(false)
    expect(reader.bool()).toBe(true)
    expect(reader.remaining).toBe(0)
  })

  test('of 64 bits are exact up to the safe integers', () => {
    expect(readerOf('001fffffffffffff').int64()).toBe(Number.MAX_SAFE_INTEGER)
    expect(readerOf('ffe0000000000001').int64()).toBe(Number.MIN_SAFE_INTEGER)
    expect(readerOf('ffffffffffffffff').int64()).toBe(-1)
    expect(readerOf('ffffffff00000000').int64()).toBe(-4_294_967_296)
    expect(readerOf('7fffffffffffffff').int64Big()).toBe(2n ** 63n - 1n)
  })

  test('of 64 bits beyond the safe integers are refused, or saturated where a time is meant', () => {
    expect(() => readerOf('0020000000000000').int64()).toThrow(
      'The number 9007199254740992 at byte 0 is beyond the integers that are handled exactly.',
    )
    expect(() => readerOf('8000000000000000').int64()).toThrow(ProtocolError)
    expect(readerOf('7fffffffffffffff').int64Saturated()).toBe(Number.MAX_SAFE_INTEGER)
    expect(readerOf('8000000000000000').int64Saturated()).toBe(Number.MIN_SAFE_INTEGER)
    expect(readerOf('fffffffffffffffe').int64Saturated()).toBe(-2)
  })

  test('that do not fit before the end are refused with the place', () => {
    expect(() => readerOf('0000 00').int32()).toThrow('4 bytes are needed at byte 0, but 3 are left.')
    const inside = new Reader(Buffer.alloc(100), 10, 12)
    expect(() => inside.int32()).toThrow('4 bytes are needed at byte 10, but 2 are left.')
  })
})

describe('variable-length numbers', () => {
  test('may be longer than necessary but not longer than five bytes', () => {
    expect(readerOf('ffffffff0f').unsignedVarint()).toBe(0xffff_ffff)
    expect(readerOf('8000').unsignedVarint()).toBe(0)
    expect(readerOf('8080808000').unsignedVarint()).toBe(0)
    expect(() => readerOf('808080808000').unsignedVarint()).toThrow('is longer than 5 bytes')
    expect(() => readerOf('80').unsignedVarint()).toThrow('1 bytes are needed')
  })

  test('of records are zigzag', () => {
    expect(readerOf('00').varint()).toBe(0)
    expect(readerOf('01').varint()).toBe(-1)
    expect(readerOf('feffffff0f').varint()).toBe(2_147_483_647)
    expect(readerOf('ffffffff0f').varint()).toBe(-2_147_483_648)
    expect(readerOf('01').varlong()).toBe(-1)
    expect(readerOf('feffffffffffff1f').varlong()).toBe(Number.MAX_SAFE_INTEGER)
    expect(() => readerOf('80808080808080808001').varlong()).toThrow(ProtocolError)
    expect(() => readerOf('8080808080808080808001').varlong()).toThrow('longer than 10 bytes')
  })
})

describe('text and bytes', () => {
  test('that are null come as null where that is allowed', () => {
    expect(readerOf('ffff').nullableString()).toBeNull()
    expect(readerOf('00').nullableCompactString()).toBeNull()
    expect(readerOf('ffffffff').nullableBytes()).toBeNull()
    expect(readerOf('00').nullableCompactBytes()).toBeNull()
    expect(() => readerOf('ffff').string()).toThrow(
      'A string that ends at byte 2 is null, which it may not be.',
    )
    expect(() => readerOf('00').compactBytes()).toThrow('A byte field that ends at byte 1 is null')
  })

  test('with lengths below -1 or beyond the end are refused', () => {
    expect(() => readerOf('fffe').nullableString()).toThrow('A string at byte 0 has length -2.')
    expect(() => readerOf('fffffffe').nullableBytes()).toThrow('A byte field at byte 0 has length -2.')
    expect(() => readerOf('000561').string()).toThrow('5 bytes are needed at byte 2, but 1 are left.')
    expect(() => readerOf('ffffffff0f').compactBytes()).toThrow('4294967294 bytes are needed')
    expect(() => readerOf('818004').compactString()).toThrow('at most 32767 are allowed')
  })

  test('that are not UTF-8 get replacement characters', () => {
    expect(readerOf('0003 61ff62').string()).toBe('a\ufffdb')
  })

  test('are copied, or views of the buffer when borrowed', () => {
    const buffer = Buffer.from('00000002aabb', 'hex')
    const copied = new Reader(buffer).bytes()
    const borrowed = new Reader(buffer, 0, buffer.length, { borrow: true }).bytes()
    buffer.fill(0)
    expect(copied.toString('hex')).toBe('aabb')
    expect(borrowed.toString('hex')).toBe('0000')
  })

  test('of sixteen bytes are a uuid, all zeros the one that stands for none', () => {
    expect(readerOf('00000000000000000000000000000000').uuid()).toBe(zeroUuid)
    expect(readerOf('00000000000000000000000000000001').uuid()).toBe('AAAAAAAAAAAAAAAAAAAAAQ')
  })
})

describe('arrays', () => {
  test('are believed only if their elements could be there', () => {
    expect(readerOf('00000002 0000 0000').arrayLength(2)).toBe(2)
    expect(() => readerOf('7fffffff 0000').arrayLength(1)).toThrow(
      'An array of 2147483647 elements at byte 4 does not fit in the 2 bytes that follow.',
    )
    expect(() => readerOf('00000002 000000').arrayLength(2)).toThrow(ProtocolError)
    expect(() => readerOf('ffffffff0f').compactArrayLength(1)).toThrow(ProtocolError)
    expect(() => readerOf('fffffffe').arrayLength(1)).toThrow('An array at byte 0 has length -2.')
  })

  test('that are null have length -1', () => {
    expect(readerOf('ffffffff').arrayLength(4)).toBe(-1)
    expect(readerOf('00').compactArrayLength(4)).toBe(-1)
  })
})

describe('tagged fields', () => {
  test('that nobody knows are skipped', () => {
    const reader = readerOf('02 00 01 aa 07 02 bbcc 09')
    reader.skipTaggedFields()
    expect(reader.int8()).toBe(9)
  })

  test('may not claim more bytes than there are', () => {
    expect(() => readerOf('01 00 05 aa').skipTaggedFields()).toThrow(
      '5 bytes are needed at byte 3, but 1 are left.',
    )
    expect(() => readerOf('ffffffff0f 00 00').skipTaggedFields()).toThrow(ProtocolError)
  })
})

test('a range outside the buffer is a mistake of the caller', () => {
  expect(() => new Reader(Buffer.alloc(4), 0, 5)).toThrow(RangeError)
  expect(() => new Reader(Buffer.alloc(4), 3, 2)).toThrow(RangeError)
})
