import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyHash } from '../../../broker/log/key-hash.ts'

const seed = Int32Array.of(1, -2, 3, -4)

function hashOf(key: Uint8Array, from = seed): string {
  const hash = new KeyHash(from)
  hash.update(key, 0, key.length)
  return hash.words.join()
}

test('keys that differ in anything have other hashes', () => {
  const keys = new Map<string, Uint8Array>()
  const bytes = fc.uint8Array({ maxLength: 20 })
  fc.assert(
    fc.property(bytes, key => {
      const hash = hashOf(key)
      const other = keys.get(hash)
      if (other !== undefined) expect(other).toEqual(key)
      keys.set(hash, key)
    }),
    { numRuns: 2000 },
  )
  // Zeros of every length, and every single bit of a key.
  const zeros = Array.from({ length: 64 }, (_, length) => hashOf(new Uint8Array(length)))
  expect(new Set(zeros).size).toBe(64)
  const flipped = Array.from({ length: 13 * 8 }, (_, bit) => {
    const key = new Uint8Array(13)
    key[bit >> 3] = 1 << (bit & 7)
    return hashOf(key)
  })
  expect(new Set(flipped).size).toBe(13 * 8)
})

test('only the bytes of the key count, wherever they stand', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), fc.uint8Array(), fc.uint8Array(), (key, before, after) => {
      const hash = new KeyHash(seed)
      hash.update(Uint8Array.of(...before, ...key, ...after), before.length, key.length)
      expect(hash.words.join()).toBe(hashOf(key))
    }),
  )
})

test('another seed gives other hashes, in both lanes', () => {
  const key = Buffer.from('a key')
  const [first, second] = [Int32Array.of(1, 2, 3, 4), Int32Array.of(5, 6, 7, 8)].map(some =>
    hashOf(key, some).split(','),
  )
  for (const word of [0, 1, 2, 3]) expect(first?.[word]).not.toBe(second?.[word])
})

test('each bit of the hash is set for about half of all keys', () => {
  const counts = Array.from({ length: 128 }, () => 0)
  const hash = new KeyHash(seed)
  const keys = 4000
  for (let index = 0; index < keys; index++) {
    const key = Buffer.from(`user-${index}`)
    hash.update(key, 0, key.length)
    for (let bit = 0; bit < 128; bit++) counts[bit]! += (hash.words[bit >> 5]! >>> (bit & 31)) & 1
  }
  for (const count of counts) expect(Math.abs(count - keys / 2)).toBeLessThan(keys * 0.05)
})
