import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Assignment,
  type Assignor,
  type AssignorInput,
  type AssignorMember,
  assignors,
  checkAssignor,
  noPartitions,
  sameAssignment,
} from '../../../broker/groups/assignor.ts'

const uniform = assignors.get('uniform')!
const range = assignors.get('range')!

function member(
  memberId: string,
  topicIds: readonly string[],
  assignment: Assignment = noPartitions,
): AssignorMember {
  return { memberId, subscribedTopicIds: new Set(topicIds), assignment }
}

function shown(assigned: ReadonlyMap<string, Assignment>): Record<string, string> {
  return Object.fromEntries(
    [...assigned].map(([memberId, assignment]) => [
      memberId,
      [...assignment].map(([topicId, partitions]) => `${topicId}:${partitions.join(',')}`).join(' '),
    ]),
  )
}

function counts(assigned: ReadonlyMap<string, Assignment>): Map<string, number> {
  return new Map(
    [...assigned].map(([memberId, assignment]) => [
      memberId,
      [...assignment.values()].reduce((sum, partitions) => sum + partitions.length, 0),
    ]),
  )
}

function owners(assigned: ReadonlyMap<string, Assignment>): Map<string, string> {
  const found = new Map<string, string>()
  for (const [memberId, assignment] of assigned) {
    for (const [topicId, partitions] of assignment) {
      for (const partition of partitions) {
        const key = `${topicId}/${partition}`
        expect(found.has(key), `${key} has two owners`).toBe(false)
        found.set(key, memberId)
      }
    }
  }
  return found
}

test('uniform gives three members of two topics like shares', () => {
  const input = {
    members: ['a', 'b', 'c'].map(id => member(id, ['t', 'u'])),
    partitionCounts: new Map([
      ['t', 3],
      ['u', 2],
    ]),
  }
  expect(shown(uniform(input))).toEqual({ a: 't:0,1', b: 't:2 u:0', c: 'u:1' })
})

test('range gives the same partitions of like topics to the same member', () => {
  const input = {
    members: ['a', 'b', 'c'].map(id => member(id, ['t', 'u'])),
    partitionCounts: new Map([
      ['t', 4],
      ['u', 4],
    ]),
  }
  expect(shown(range(input))).toEqual({ a: 't:0,1 u:0,1', b: 't:2 u:2', c: 't:3 u:3' })
})

test('range leaves members of a topic with fewer partitions than subscribers without any', () => {
  const input = {
    members: ['a', 'b', 'c'].map(id => member(id, ['t'])),
    partitionCounts: new Map([['t', 2]]),
  }
  expect(shown(range(input))).toEqual({ a: 't:0', b: 't:1', c: '' })
})

test('a member that joins takes only what makes the balance', () => {
  const input = {
    members: [
      member('a', ['t'], new Map([['t', [0, 1, 2]]])),
      member('b', ['t'], new Map([['t', [3, 4, 5]]])),
      member('c', ['t']),
    ],
    partitionCounts: new Map([['t', 6]]),
  }
  expect(shown(uniform(input))).toEqual({ a: 't:0,1', b: 't:3,4', c: 't:2,5' })
  expect(shown(range(input))).toEqual({ a: 't:0,1', b: 't:3,4', c: 't:2,5' })
})

test('a member with one partition more than the least keeps it, wherever it stands in order', () => {
  const input = {
    members: [member('a', ['t'], new Map([['t', [0]]])), member('b', ['t'], new Map([['t', [1, 2]]]))],
    partitionCounts: new Map([['t', 3]]),
  }
  expect(shown(uniform(input))).toEqual({ a: 't:0', b: 't:1,2' })
})

test('with different subscriptions uniform evens out what can be moved', () => {
  const input = {
    members: [
      member(
        'a',
        ['t', 'u'],
        new Map([
          ['t', [0, 1, 2]],
          ['u', [0]],
        ]),
      ),
      member('b', ['t']),
      member('c', ['u']),
    ],
    partitionCounts: new Map([
      ['t', 3],
      ['u', 1],
    ]),
  }
  expect([...counts(uniform(input)).values()].sort((a, b) => a - b)).toEqual([1, 1, 2])
})

test('an assignor that is unknown or switched off is refused', () => {
  expect(checkAssignor('uniform', ['uniform', 'range'])).toBeUndefined()
  expect(checkAssignor('range', ['uniform'])?.error).toBe('UNSUPPORTED_ASSIGNOR')
  expect(checkAssignor('sticky', ['uniform', 'sticky'])?.error).toBe('UNSUPPORTED_ASSIGNOR')
})

const topicIds = ['t', 'u', 'v', 'w']
const partitionCounts = fc
  .tuple(...topicIds.map(() => fc.integer({ min: 0, max: 12 })))
  .map(found => new Map(topicIds.map((id, index) => [id, found[index]!])))
const memberIds = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 9 })
const subscription = fc.subarray(topicIds)

const alike: fc.Arbitrary<AssignorInput> = fc
  .tuple(memberIds, subscription, partitionCounts)
  .map(([ids, topics, found]) => ({ members: ids.map(id => member(id, topics)), partitionCounts: found }))
const different: fc.Arbitrary<AssignorInput> = memberIds
  .chain(ids =>
    fc.tuple(fc.tuple(...ids.map(id => subscription.map(topics => member(id, topics)))), partitionCounts),
  )
  .map(([members, found]) => ({ members, partitionCounts: found }))

/** The same group after some left, some joined, and topics grew; each has what `assignor` gave it before. */
function later(
  assignor: Assignor,
  input: AssignorInput,
  change: { leaves: number; joins: string[]; grows: number },
) {
  const before = assignor(input)
  const staying = input.members.slice(Math.min(change.leaves, input.members.length - 1))
  const joining = change.joins.filter(id => !input.members.some(({ memberId }) => memberId === id))
  const topics = [...(input.members[0]?.subscribedTopicIds ?? [])]
  const members = [
    ...staying.map(one => ({ ...one, assignment: before.get(one.memberId)! })),
    ...joining.map(id => member(id, topics)),
  ]
  const grown = new Map([...input.partitionCounts].map(([id, count]) => [id, count + change.grows]))
  return { before, input: { members, partitionCounts: grown } }
}
const change = fc.record({
  leaves: fc.integer({ min: 0, max: 4 }),
  joins: fc.uniqueArray(fc.stringMatching(/^[a-z]{5}$/), { maxLength: 3 }),
  grows: fc.constantFrom(0, 0, 1, 3),
})

for (const [name, assignor] of assignors) {
  for (const [kind, inputs] of [
    ['like', alike],
    ['different', different],
  ] as const) {
    test(`${name} gives every partition to exactly one subscriber, whatever order it is told (${kind} subscriptions)`, () => {
      fc.assert(
        fc.property(inputs, change, (first, changed) => {
          for (const input of [first, later(assignor, first, changed).input]) {
            const assigned = assignor(input)
            expect([...assigned.keys()].sort()).toEqual(input.members.map(one => one.memberId).sort())
            const found = owners(assigned)
            for (const [key, owner] of found) {
              const topicId = key.split('/')[0]!
              expect(input.members.find(one => one.memberId === owner)!.subscribedTopicIds.has(topicId)).toBe(
                true,
              )
            }
            const wanted = [...input.partitionCounts]
              .filter(([id]) => input.members.some(one => one.subscribedTopicIds.has(id)))
              .reduce((sum, [, count]) => sum + count, 0)
            expect(found.size).toBe(wanted)
            const turned = assignor({ ...input, members: [...input.members].reverse() })
            for (const [id, assignment] of assigned)
              expect(sameAssignment(assignment, turned.get(id)!)).toBe(true)
          }
        }),
        { numRuns: 150 },
      )
    })
  }

  test(`${name} leaves everything where it is when nothing changed`, () => {
    fc.assert(
      fc.property(different, input => {
        const { before, input: again } = later(assignor, input, { leaves: 0, joins: [], grows: 0 })
        expect(shown(assignor(again))).toEqual(shown(before))
      }),
      { numRuns: 150 },
    )
  })
}

test('uniform lets counts differ by one at most when all subscribe alike, and moves no more than it must', () => {
  fc.assert(
    fc.property(alike, change, (first, changed) => {
      const { before, input } = later(uniform, first, changed)
      const assigned = uniform(input)
      const found = [...counts(assigned).values()]
      expect(Math.max(...found) - Math.min(...found)).toBeLessThanOrEqual(1)
      // A member gives something up only when it would have more than its share.
      const least = Math.min(...found)
      for (const one of input.members) {
        const kept = owners(new Map([[one.memberId, assigned.get(one.memberId)!]]))
        const had = [...owners(new Map([[one.memberId, before.get(one.memberId) ?? noPartitions]])).keys()]
        const given = had.filter(key => !kept.has(key)).length
        if (given > 0) expect(kept.size).toBeGreaterThanOrEqual(least)
        if (given > 0) expect(had.length).toBeGreaterThan(least)
        expect(given).toBeLessThanOrEqual(Math.max(0, had.length - least))
      }
    }),
    { numRuns: 200 },
  )
})

test('uniform leaves no partition that could move to a subscriber with two fewer', () => {
  fc.assert(
    fc.property(different, change, (first, changed) => {
      const { input } = later(uniform, first, changed)
      const assigned = uniform(input)
      const count = counts(assigned)
      for (const [key, owner] of owners(assigned)) {
        const topicId = key.split('/')[0]!
        for (const one of input.members)
          if (one.subscribedTopicIds.has(topicId))
            expect(count.get(one.memberId)! + 1).toBeGreaterThanOrEqual(count.get(owner)!)
      }
    }),
    { numRuns: 200 },
  )
})

test('range lets counts of a topic differ by one at most among its subscribers', () => {
  fc.assert(
    fc.property(different, change, (first, changed) => {
      const { input } = later(range, first, changed)
      const assigned = range(input)
      for (const topicId of topicIds) {
        const found = input.members
          .filter(one => one.subscribedTopicIds.has(topicId))
          .map(one => assigned.get(one.memberId)!.get(topicId)?.length ?? 0)
        if (found.length > 0) expect(Math.max(...found) - Math.min(...found)).toBeLessThanOrEqual(1)
      }
    }),
    { numRuns: 200 },
  )
})
