import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OffsetMap, offsetMapSlotBytes } from '../../../broker/log/offset-map.ts'

const seed = Int32Array.of(1, 2, 3, 4)

function aMap(slots: number, loadFactor = 0.9): OffsetMap {
  return new OffsetMap({ memoryBytes: slots * offsetMapSlotBytes, loadFactor, seed })
}

test('it answers what a Map answers', () => {
  const key = fc.uint8Array({ maxLength: 3 })
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          key,
          fc.maxSafeNat().map(offset => Math.floor(offset / 2)),
        ),
      ),
      puts => {
        const map = aMap(400)
        const model = new Map<string, number>()
        for (const [bytes, offset] of puts) {
          map.put(bytes, 0, bytes.length, offset)
          model.set(bytes.join(), offset)
          expect(map.get(bytes, 0, bytes.length)).toBe(offset)
        }
        expect(map.size).toBe(model.size)
        for (const [bytes] of puts) expect(map.get(bytes, 0, bytes.length)).toBe(model.get(bytes.join()))
        expect(map.get(Buffer.from('none of them'), 0, 12)).toBe(-1)
      },
    ),
  )
})

test('filled to the last key it takes, it still finds each, and knows what is not in it', () => {
  const map = aMap(50_000)
  for (let offset = 0; offset < map.capacity; offset++) put(map, `key-${offset}`, offset)
  expect(map.size).toBe(map.capacity)
  for (let offset = 0; offset < map.capacity; offset++) expect(get(map, `key-${offset}`)).toBe(offset)
  expect(get(map, 'another')).toBe(-1)
  put(map, 'key-0', 7)
  expect(get(map, 'key-0')).toBe(7)
  expect(() => put(map, 'another', 1)).toThrow('full')
})

test('it begins small and never has more memory than it was given, also while it grows', () => {
  const slots = 100_000
  const map = aMap(slots)
  expect(map.memoryBytes).toBe(4096 * offsetMapSlotBytes)
  let before = map.memoryBytes
  for (let offset = 0; offset < map.capacity; offset++) {
    put(map, `key-${offset}`, offset)
    if (map.memoryBytes === before) continue
    expect(map.memoryBytes + before).toBeLessThanOrEqual(slots * offsetMapSlotBytes)
    before = map.memoryBytes
  }
  expect(map.capacity).toBeGreaterThan(slots * 0.75)
})

test('a tiny one takes what it can', () => {
  const map = aMap(5)
  expect(map.capacity).toBe(4)
  for (const key of ['a', 'b', 'c', 'd']) put(map, key, 2 ** 52)
  expect(['a', 'b', 'c', 'd', 'e'].map(key => get(map, key))).toEqual([
    2 ** 52,
    2 ** 52,
    2 ** 52,
    2 ** 52,
    -1,
  ])
})

function put(map: OffsetMap, key: string, offset: number): void {
  map.put(Buffer.from(key), 0, key.length, offset)
}

function get(map: OffsetMap, key: string): number {
  return map.get(Buffer.from(key), 0, key.length)
}
