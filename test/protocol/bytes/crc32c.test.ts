import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c, crc32cInJavaScript } from '../../../protocol/bytes/crc32c.ts'

test('the check value of CRC-32C comes out', () => {
  const digits = Buffer.from('123456789')
  expect(crc32c(digits)).toBe(0xe3069283)
  expect(crc32cInJavaScript(digits)).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
  expect(crc32c(Buffer.alloc(0))).toBe(0)
})

test('both engines agree on any piece of any buffer', () => {
  const piece = fc.record({
    bytes: fc.uint8Array({ maxLength: 600, size: 'max' }),
    from: fc.nat(600),
    to: fc.nat(600),
  })
  fc.assert(
    fc.property(piece, ({ bytes, from, to }) => {
      const start = Math.min(from, to, bytes.length)
      const end = Math.min(Math.max(from, to), bytes.length)
      expect(crc32c(bytes, start, end)).toBe(crc32cInJavaScript(bytes, start, end))
    }),
  )
})

test('a checksum can go on from an earlier one', () => {
  const bytes = Buffer.from('a batch that arrives in two pieces of quite different lengths'.repeat(10))
  for (const cut of [0, 1, 159, 160, 400, bytes.length]) {
    expect(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut))).toBe(crc32c(bytes))
  }
})
