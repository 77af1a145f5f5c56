import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EtcdKeys, keyAfter, revisionOf } from '../../../broker/metadata/etcd-messages.ts'

describe('the keys of a cluster in etcd', () => {
  test('stand below the prefix and the cluster, however the prefix is written', () => {
    for (const prefix of ['/barnabas', '/barnabas/', '/barnabas//']) {
      expect(new EtcdKeys(prefix, 'c').full('topics/1').toString()).toBe('/barnabas/c/topics/1')
    }
  })

  test('lie in the range of each of their beginnings and of no other', () => {
    const text = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', '/', '0', 'é', '\u{1F600}', '~') })
    fc.assert(
      fc.property(text, text, (key, prefix) => {
        const keys = new EtcdKeys('/p', 'c')
        const { key: from, range_end: to } = keys.range(prefix)
        const full = keys.full(key)
        const isInRange = full.compare(from) >= 0 && full.compare(to) < 0
        expect(isInRange).toBe(key.startsWith(prefix))
        expect(keys.relative(full)).toBe(key)
      }),
    )
  })

  test('a page goes on right after the last key', () => {
    const key = Buffer.from('a')
    expect(keyAfter(key).compare(key)).toBe(1)
    expect(keyAfter(key).compare(Buffer.from('a\u0001'))).toBe(-1)
  })

  test('a number that is not exact is a mistake', () => {
    expect(revisionOf('9007199254740991')).toBe(9007199254740991)
    expect(() => revisionOf('9007199254740993')).toThrow('exact')
    expect(() => revisionOf('x')).toThrow('exact')
  })
})
