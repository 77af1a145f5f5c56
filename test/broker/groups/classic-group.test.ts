import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type ClassicGroup,
  type ClassicMember,
  commonProtocols,
  legalMoves,
  newClassicGroup,
  noBytes,
  selectProtocol,
  supportsProtocols,
} from '../../../broker/groups/classic-group.ts'

const scripts = join(import.meta.dirname, '..', '..', 'scripts', 'classic-groups')

test('scripts go through every move of the state table, and make no other', () => {
  const made = new Set<string>()
  for (const name of readdirSync(scripts)) {
    let state = 'empty'
    for (const [, next = ''] of readFileSync(join(scripts, name), 'utf8').matchAll(/^state (\w+)$/gm)) {
      if (next !== state) made.add(`${state} → ${next}`)
      state = next
    }
  }
  const moves = (from: string): readonly string[] => legalMoves[from as keyof typeof legalMoves]
  // One thing that happens may be several moves: the last member of a stable group leaves, say.
  const isPath = (from: string, to: string, most: number): boolean =>
    moves(from).some(next => next === to || (most > 1 && isPath(next, to, most - 1)))
  for (const move of made) expect(isPath(...(move.split(' → ') as [string, string]), 3), move).toBe(true)
  for (const from of Object.keys(legalMoves)) {
    for (const to of moves(from)) if (to !== 'dead') expect([...made]).toContain(`${from} → ${to}`)
  }
})

function groupOf(preferences: readonly (readonly string[])[]): ClassicGroup {
  const members = preferences.map((names, index): [string, ClassicMember] => [
    `m${index}`,
    {
      id: `m${index}`,
      instanceId: null,
      clientId: 'c',
      clientHost: '/h',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocols: new Map(names.map(name => [name, noBytes])),
      assignment: noBytes,
      isNew: false,
      awaiting: null,
    },
  ])
  return { ...newClassicGroup('g', 0), state: 'stable', protocolType: 'consumer', members: new Map(members) }
}

test('the chosen protocol is one that all know, and no other has more first votes among those', () => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 })
  fc.assert(
    fc.property(fc.array(names, { minLength: 1, maxLength: 8 }), preferences => {
      const group = groupOf(preferences)
      const common = commonProtocols(group)
      const chosen = selectProtocol(group)
      if (common.size === 0) {
        expect(chosen).toBeNull()
        return
      }
      const votes = (name: string): number =>
        preferences.filter(list => list.find(one => common.has(one)) === name).length
      expect(common.has(chosen ?? '')).toBe(true)
      for (const name of common) expect(votes(chosen ?? '')).toBeGreaterThanOrEqual(votes(name))
    }),
  )
})

test('somebody new fits when it shares with all what they share', () => {
  const group = groupOf([
    ['a', 'b'],
    ['b', 'c'],
  ])
  const knows = (...names: string[]): Map<string, Buffer> => new Map(names.map(name => [name, noBytes]))
  expect(supportsProtocols(group, 'consumer', knows('b', 'z'))).toBe(true)
  expect(supportsProtocols(group, 'consumer', knows('a', 'c'))).toBe(false)
  expect(supportsProtocols(group, 'connect', knows('b'))).toBe(false)
})
