import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LayeredMap } from '../../../broker/metadata/layered-map.ts'

describe('a layered map', () => {
  test('is at every version what a Map with the same edits is, and older versions stay as they were', () => {
    const edits = fc.array(fc.dictionary(fc.nat(60).map(String), fc.option(fc.nat(), { nil: undefined })), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(edits, batches => {
        let layered = LayeredMap.empty<string, number>()
        const plain = new Map<string, number>()
        const versions: { layered: LayeredMap<string, number>; expected: [string, number][] }[] = []
        for (const batch of batches) {
          layered = layered.with(new Map(Object.entries(batch)))
          for (const [key, value] of Object.entries(batch)) {
            if (value === undefined) plain.delete(key)
            else plain.set(key, value)
          }
          versions.push({ layered, expected: [...plain].toSorted(byKey) })
        }
        for (const version of versions) {
          expect([...version.layered].toSorted(byKey)).toEqual(version.expected)
          expect(version.layered.size).toBe(version.expected.length)
          for (const [key, value] of version.expected) expect(version.layered.get(key)).toBe(value)
        }
      }),
    )
  })

  test('iterates in the order of insertion', () => {
    const base = LayeredMap.empty<string, number>().with(
      new Map(Array.from({ length: 100 }, (_, at) => [`k${at}`, at])),
    )
    const next = base.with(
      new Map([
        ['new', 1],
        ['k5', 55],
        ['k7', undefined],
      ]),
    )
    expect([...next.keys()].slice(0, 8)).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k8'])
    expect([...next.keys()].at(-1)).toBe('new')
    const seen: string[] = []
    next.forEach((value, key) => seen.push(`${key}=${value}`))
    expect(seen[5]).toBe('k5=55')
    expect(next.has('k7')).toBe(false)
  })

  test('a change of one entry does not copy a big map', () => {
    let map = LayeredMap.empty<number, number>().with(
      new Map(Array.from({ length: 100_000 }, (_, at) => [at, at])),
    )
    const startedAtMs = performance.now()
    for (let at = 0; at < 1000; at++) map = map.with(new Map([[at, -at]]))
    expect(map.get(999)).toBe(-999)
    // Copying all of it each time takes seconds.
    expect(performance.now() - startedAtMs).toBeLessThan(1000)
  })
})

function byKey([one]: readonly [string, number], [other]: readonly [string, number]): number {
  return one < other ? -1 : 1
}
