import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type FollowerProgress, unknownProgress } from '../../../broker/replication/follower-progress.ts'
import {
  type InSyncFacts,
  mayJoin,
  membersToLeave,
  nextHighWatermark,
} from '../../../broker/replication/in-sync-replicas.ts'

/** A follower that asked for `endOffset`, and had everything `ageMs` before now (1000). */
function at(endOffset: number, ageMs = 0): FollowerProgress {
  return { ...unknownProgress(true, 0), endOffset, caughtUpAtMs: 1000 - ageMs, brokerEpoch: 7 }
}

/** Leader 1 and its followers, all in sync unless said otherwise. */
function facts(
  endOffset: number,
  followers: Readonly<Record<number, FollowerProgress>> = {},
  changes: Partial<InSyncFacts> = {},
): InSyncFacts {
  const map = new Map(Object.entries(followers).map(([id, progress]) => [Number(id), progress]))
  const isr = changes.isr ?? [1, ...map.keys()]
  return {
    endOffset,
    followers: map,
    isr,
    maximalIsr: isr,
    replicaCount: 1 + map.size,
    minInsyncReplicas: 1,
    nowMs: 1000,
    maxLagMs: 100,
    isEligible: () => true,
    ...changes,
  }
}

test('a leader that is alone in sync commits what it has written', () => {
  expect(nextHighWatermark(facts(10), 4)).toBe(10)
})

test('the slowest replica in sync holds the high watermark back', () => {
  expect(nextHighWatermark(facts(10, { 2: at(9), 3: at(6) }), 4)).toBe(6)
})

test('a replica out of sync that is far behind does not hold it back', () => {
  expect(nextHighWatermark(facts(10, { 2: at(9), 3: at(6, 500) }, { isr: [1, 2] }), 4)).toBe(9)
})

test('one that is about to join does, so that the watermark has not passed it when it is in', () => {
  const followers = { 2: at(9), 3: at(6, 50) }
  expect(nextHighWatermark(facts(10, followers, { isr: [1, 2] }), 4)).toBe(6)
  expect(nextHighWatermark(facts(10, followers, { isr: [1, 2], isEligible: () => false }), 4)).toBe(9)
})

test('a replica in sync that has not fetched from this leader yet holds everything', () => {
  expect(nextHighWatermark(facts(10, { 2: unknownProgress(true, 0) }), 4)).toBe(4)
})

test('who joins counts before the controller has agreed, who leaves until it has', () => {
  const followers = { 2: at(9), 3: at(6, 500) }
  expect(nextHighWatermark(facts(10, followers, { isr: [1, 2], maximalIsr: [1, 2, 3] }), 4)).toBe(6)
  expect(nextHighWatermark(facts(10, followers, { isr: [1, 2, 3] }), 4)).toBe(6)
})

test('it stands still while fewer replicas are in sync than min.insync.replicas asks for', () => {
  const few = { isr: [1], minInsyncReplicas: 2 }
  expect(nextHighWatermark(facts(10, { 2: at(10), 3: at(10) }, few), 4)).toBe(4)
  // The one that joins makes it enough only when it is in.
  expect(nextHighWatermark(facts(10, { 2: at(10) }, { ...few, maximalIsr: [1, 2] }), 4)).toBe(4)
})

test('min.insync.replicas above the number of replicas counts as that number', () => {
  expect(nextHighWatermark(facts(10, {}, { minInsyncReplicas: 3 }), 4)).toBe(10)
})

test('a member leaves that is behind and was caught up too long ago', () => {
  expect(membersToLeave(facts(10, { 2: at(9, 100), 3: at(9, 101), 4: at(10, 5000) }))).toEqual([3])
})

test('a member that never fetched leaves when its time is up', () => {
  const never = unknownProgress(true, 900)
  expect(membersToLeave(facts(10, { 2: never }))).toEqual([])
  expect(membersToLeave(facts(10, { 2: never }, { nowMs: 1001 }))).toEqual([2])
})

test('who joins has everything committed and everything from before the epoch', () => {
  expect(mayJoin(at(5), 5, 5)).toBe(true)
  expect(mayJoin(at(5), 6, 5)).toBe(false)
  // A new leader's watermark may be old: it says nothing of what earlier leaders have acknowledged.
  expect(mayJoin(at(5), 5, 6)).toBe(false)
})

test('it never goes back and never passes a replica in sync', () => {
  fc.assert(
    fc.property(
      fc.nat(100),
      fc.array(fc.record({ endOffset: fc.nat(100), ageMs: fc.nat(200), isIn: fc.boolean() }), {
        maxLength: 4,
      }),
      fc.nat(100),
      (local, followers, current) => {
        const known = Object.fromEntries(
          followers.map(({ endOffset, ageMs }, index) => [index + 2, at(endOffset, ageMs)]),
        )
        const isr = [1, ...followers.flatMap(({ isIn }, index) => (isIn ? [index + 2] : []))]
        const next = nextHighWatermark(facts(local, known, { isr }), current)
        expect(next).toBeGreaterThanOrEqual(current)
        if (next === current) return
        expect(next).toBeLessThanOrEqual(local)
        for (const { endOffset, isIn } of followers) if (isIn) expect(next).toBeLessThanOrEqual(endOffset)
      },
    ),
  )
})
