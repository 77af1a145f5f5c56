import { expect, test } from 'vitest'
import { xxhash32 } from '../../../protocol/bytes/xxhash32.ts'

test.each([
  ['', 0x02cc5d05],
  ['a', 0x550d7456],
  ['abc', 0x32d153ff],
  ['Nobody inspects the spammish repetition', 0xe2293b2f],
])('the published hash of %j comes out', (text, hash) => {
  expect(xxhash32(Buffer.from(text))).toBe(hash)
})

test('only the named piece is hashed', () => {
  expect(xxhash32(Buffer.from('xxabcyy'), 2, 5)).toBe(xxhash32(Buffer.from('abc')))
})
