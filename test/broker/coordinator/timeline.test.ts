import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Timeline } from '../../../broker/coordinator/timeline.ts'

test('a reader of the committed side sees what stood there before the write', () => {
  const timeline = new Timeline()
  const map = timeline.map<string, number>()
  map.set('a', 1)
  timeline.write(1)
  map.set('a', 2)
  map.set('b', 1)
  expect([map.get('a'), map.committed('a'), map.committed('b')]).toEqual([2, 1, undefined])
  expect([...map.committedEntries()]).toEqual([['a', 1]])
  timeline.commit(1)
  expect([map.committed('a'), map.committed('b')]).toEqual([2, 1])
})

test('what was deleted is there for readers until the deletion is committed', () => {
  const timeline = new Timeline()
  const map = timeline.map<string, number>()
  map.set('a', 1)
  timeline.write(1)
  map.delete('a')
  expect([map.has('a'), map.committed('a')]).toEqual([false, 1])
  expect([...map.committedEntries()]).toEqual([['a', 1]])
  timeline.commit(1)
  expect([...map.committedEntries()]).toEqual([])
})

test('whatever is written and committed, readers see the state after the last committed write', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), key: fc.nat(4), value: fc.nat(99) }),
    fc.record({ kind: fc.constant('delete' as const), key: fc.nat(4) }),
    fc.record({ kind: fc.constant('commit' as const), by: fc.nat(3) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const timeline = new Timeline()
      const map = timeline.map<number, number>()
      const states = [new Map<number, number>()]
      let committed = 0
      for (const one of steps) {
        if (one.kind === 'commit') {
          committed = Math.min(states.length - 1, committed + one.by)
          timeline.commit(committed)
        } else {
          const next = new Map(states.at(-1))
          timeline.write(states.length)
          if (one.kind === 'set') {
            next.set(one.key, one.value)
            map.set(one.key, one.value)
          } else {
            next.delete(one.key)
            map.delete(one.key)
          }
          states.push(next)
        }
        const expected = states[committed]!
        expect(new Map(map.committedEntries())).toEqual(expected)
        for (let key = 0; key < 5; key++) expect(map.committed(key)).toBe(expected.get(key))
        expect(new Map(map.entries())).toEqual(states.at(-1))
      }
    }),
  )
})
