import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  changePartition,
  electionKind,
  type PartitionView,
} from '../../../broker/controller/partition-change.ts'
import type { PartitionState } from '../../../broker/metadata/keys.ts'
import type { PartitionImage } from '../../../broker/metadata/image.ts'
import { aPartition } from './image-of.ts'

function partition(changes: Partial<PartitionImage>): PartitionImage {
  return {
    ...aPartition(),
    leaderEpoch: 5,
    partitionEpoch: 9,
    modRevision: 1,
    replicas: [1, 2, 3],
    ...changes,
  }
}

interface World {
  readonly alive: readonly number[]
  /** Alive, but in a new process. */
  readonly renewed?: readonly number[]
  /** Of these, whose process did not stop cleanly. */
  readonly unclean?: readonly number[]
  readonly electsUncleanly?: boolean
  readonly minInsyncReplicas?: number
  readonly keepsEligible?: boolean
}

function viewOf({
  alive,
  electsUncleanly = false,
  minInsyncReplicas = 1,
  keepsEligible = false,
}: World): PartitionView {
  const isAlive = (id: number): boolean => alive.includes(id)
  return {
    canLead: isAlive,
    canStay: isAlive,
    electsUncleanly,
    minInsyncReplicas,
    keepsEligible,
    directoryOf: () => undefined,
  }
}

/** What becomes of the partition when the world is seen to be so. */
function afterBrokerChange(before: PartitionImage, world: World): PartitionState | null {
  const { alive, renewed = [], unclean = [] } = world
  const isLost = (id: number): boolean => !alive.includes(id) || renewed.includes(id)
  const isr = before.isr.filter(id => !isLost(id))
  const isNewTerm = before.leader !== -1 && isLost(before.leader)
  return changePartition(before, { isr, isNewTerm, isUnclean: id => unclean.includes(id) }, viewOf(world))
}

function view(alive: readonly number[], renewed: readonly number[] = [], electsUncleanly = false): World {
  return { alive, renewed, electsUncleanly }
}

function image(state: PartitionState | null): PartitionImage {
  return { ...state!, modRevision: 1 }
}

describe('who leads when brokers come and go', () => {
  test('nothing changes while all members of the in-sync set live on', () => {
    expect(afterBrokerChange(partition({ leader: 2, isr: [2, 1] }), view([1, 2]))).toBeNull()
  })

  test('a dead leader gives way to the first in-sync replica of the list, in a new epoch', () => {
    expect(afterBrokerChange(partition({ leader: 1, isr: [3, 1, 2] }), view([2, 3]))).toMatchObject({
      leader: 2,
      leaderEpoch: 6,
      isr: [3, 2],
      partitionEpoch: 10,
    })
  })

  test('a replica out of sync is not elected', () => {
    expect(afterBrokerChange(partition({ leader: 1, isr: [1, 3] }), view([2, 3]))).toMatchObject({
      leader: 3,
      isr: [3],
    })
  })

  test('a dead follower leaves the in-sync set, in the same leader epoch', () => {
    expect(afterBrokerChange(partition({ leader: 1, isr: [1, 2] }), view([1, 3]))).toMatchObject({
      leader: 1,
      leaderEpoch: 5,
      isr: [1],
      partitionEpoch: 10,
    })
  })

  test('the last in-sync replica stays in the set when it dies, and the partition has no leader', () => {
    const headless = afterBrokerChange(partition({ leader: 1, isr: [1] }), view([2, 3]))
    expect(headless).toMatchObject({ leader: -1, leaderEpoch: 6, isr: [1] })
    expect(afterBrokerChange(partition({ ...headless, leader: -1 }), view([2, 3]))).toBeNull()
  })

  test('it leads again when it comes back', () => {
    expect(afterBrokerChange(partition({ leader: -1, isr: [1] }), view([1, 2], [1]))).toMatchObject({
      leader: 1,
      leaderEpoch: 6,
      isr: [1],
    })
  })

  test('a leader whose process was replaced leads on in a new epoch if it is the only one', () => {
    expect(afterBrokerChange(partition({ leader: 1, isr: [1] }), view([1], [1]))).toMatchObject({
      leader: 1,
      leaderEpoch: 6,
      isr: [1],
      partitionEpoch: 10,
    })
  })

  test('a leader whose process was replaced gives way where others are in sync', () => {
    expect(afterBrokerChange(partition({ leader: 1, isr: [1, 2] }), view([1, 2], [1]))).toMatchObject({
      leader: 2,
      leaderEpoch: 6,
      isr: [2],
    })
  })

  test('when all processes were replaced, one leads and the others must catch up first', () => {
    expect(afterBrokerChange(partition({ leader: 2, isr: [1, 2, 3] }), view([2, 3], [2, 3]))).toMatchObject({
      leader: 2,
      leaderEpoch: 6,
      isr: [2],
    })
  })

  test('when all are away the set stays as it was', () => {
    expect(afterBrokerChange(partition({ leader: 2, isr: [1, 2] }), view([]))).toMatchObject({
      leader: -1,
      isr: [1, 2],
    })
  })

  test('only where it is asked for, a replica out of sync is elected, and then recovers', () => {
    const lost = partition({ leader: 1, isr: [1] })
    expect(afterBrokerChange(lost, view([2, 3], [], true))).toMatchObject({
      leader: 2,
      leaderEpoch: 6,
      isr: [2],
      recovering: true,
    })
    expect(afterBrokerChange(partition({ leader: -1, isr: [1] }), view([3], [], true))).toMatchObject({
      leader: 3,
    })
  })
})

describe('eligible leader replicas', () => {
  const two = { keepsEligible: true, minInsyncReplicas: 2 }

  test('with an empty in-sync set an eligible leader replica leads alone', () => {
    const empty = partition({ leader: -1, isr: [], elr: [3, 2], lastKnownLeader: 1 })
    expect(afterBrokerChange(empty, { alive: [1, 3], ...two })).toMatchObject({
      leader: 3,
      isr: [3],
      elr: [2],
      lastKnownLeader: -1,
      recovering: false,
    })
  })

  test('members that are lost below min.insync.replicas are eligible, above it they are not', () => {
    const full = partition({ leader: 1, isr: [1, 2, 3] })
    const still = afterBrokerChange(full, { alive: [1, 2], ...two })
    expect(still).toMatchObject({ isr: [1, 2], elr: [] })
    const below = afterBrokerChange(image(still), { alive: [1], ...two })
    expect(below).toMatchObject({ leader: 1, isr: [1], elr: [2] })
    const none = afterBrokerChange(image(below), { alive: [], ...two })
    expect(none).toMatchObject({ leader: -1, isr: [], elr: [2, 1], lastKnownLeader: 1 })
  })

  test('whoever of them comes back first after a clean stop leads', () => {
    const none = partition({ leader: -1, isr: [], elr: [2, 1], lastKnownLeader: 1 })
    const back = afterBrokerChange(none, { alive: [2], renewed: [2], ...two })
    expect(back).toMatchObject({ leader: 2, isr: [2], elr: [1], recovering: false })
    expect(electionKind(none, back!)).toBe('eligible')
  })

  test('one that comes back from an unclean stop is not eligible any more, and not in sync as the last either', () => {
    const none = partition({ leader: -1, isr: [], elr: [2, 1], lastKnownLeader: 1 })
    const back = afterBrokerChange(none, { alive: [1], renewed: [1], unclean: [1], ...two })
    expect(back).toMatchObject({ leader: -1, isr: [], elr: [2], lastKnownLeader: 1 })
    const last = partition({ leader: 1, isr: [1], elr: [2] })
    expect(afterBrokerChange(last, { alive: [1], renewed: [1], unclean: [1], ...two })).toMatchObject({
      leader: -1,
      isr: [],
      elr: [2],
    })
  })

  test('when nobody is in sync or eligible, the last known leader leads, and that is told', () => {
    const lost = partition({ leader: -1, isr: [], elr: [1], lastKnownLeader: 1 })
    expect(afterBrokerChange(lost, { alive: [2, 3], ...two })).toBeNull()
    const back = afterBrokerChange(lost, { alive: [1, 2, 3], renewed: [1], unclean: [1], ...two })
    expect(back).toMatchObject({ leader: 1, isr: [1], elr: [], lastKnownLeader: -1, recovering: true })
    expect(electionKind(lost, back!)).toBe('last known leader')
  })

  test('the only replica leads again after any stop', () => {
    const only = partition({ replicas: [1], leader: 1, isr: [1] })
    const world = { alive: [1], renewed: [1], keepsEligible: true }
    expect(afterBrokerChange(only, world)).toMatchObject({ leader: 1, isr: [1], elr: [], recovering: false })
    expect(afterBrokerChange(only, { ...world, unclean: [1] })).toMatchObject({
      leader: 1,
      leaderEpoch: 6,
      isr: [1],
      recovering: true,
    })
  })

  test('an election from them that is enough for min.insync.replicas leaves nobody else eligible', () => {
    const none = partition({ leader: -1, isr: [], elr: [1, 2], lastKnownLeader: 1 })
    const back = afterBrokerChange(none, { alive: [2], keepsEligible: true, minInsyncReplicas: 1 })
    expect(back).toMatchObject({ leader: 2, isr: [2], elr: [] })
  })

  test('unclean election does not wait for them where it is asked for', () => {
    const none = partition({ leader: -1, isr: [], elr: [1], lastKnownLeader: 1 })
    const elected = afterBrokerChange(none, { alive: [3], electsUncleanly: true, ...two })
    expect(elected).toMatchObject({ leader: 3, isr: [3], elr: [], recovering: true })
    expect(electionKind(none, elected!)).toBe('unclean')
    expect(changePartition(none, { election: 'unclean' }, viewOf({ alive: [3], ...two }))).toMatchObject({
      leader: 3,
      recovering: true,
    })
  })

  test('without the feature nobody is kept, and the last members stay', () => {
    const gone = afterBrokerChange(partition({ isr: [1, 2] }), { alive: [], minInsyncReplicas: 3 })
    expect(gone).toMatchObject({ leader: -1, isr: [1, 2], elr: [], lastKnownLeader: -1 })
  })

  test('whatever happens: no acknowledged record is lost while one who has it comes back clean', () => {
    const ids = [1, 2, 3]
    const some = fc.subarray(ids)
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.tuple(some, some, some, some, fc.boolean()), { maxLength: 12 }),
        (minInsyncReplicas, steps) => {
          let current = partition({ leader: 1, isr: [1, 2, 3] })
          let has: ReadonlySet<number> = new Set(ids)
          for (const [alive, renewed, unclean, joining, writes] of steps) {
            const crashed = unclean.filter(id => alive.includes(id) && renewed.includes(id))
            const world = { alive, renewed, unclean: crashed, keepsEligible: true, minInsyncReplicas }
            // A crash may lose what was acknowledged; a leader's record is acknowledged when enough are in sync.
            has = new Set([...has].filter(id => !crashed.includes(id)))
            const next = afterBrokerChange(current, world)
            if (next !== null) current = image(next)
            if (current.leader === -1) continue
            if (!current.recovering) expect([...has]).toContain(current.leader)
            else has = new Set([current.leader])
            const isr = [...new Set([...current.isr, ...joining.filter(id => alive.includes(id))])]
            const grown = changePartition(current, { isr }, viewOf(world))
            has = new Set([...has, ...isr])
            if (grown !== null) current = image(grown)
            const moves = writes && current.isr.length >= minInsyncReplicas
            if (moves) has = new Set(current.isr)
          }
        },
      ),
    )
  })
})

describe('reassignments', () => {
  const moving = { leader: 1, isr: [1, 2], replicas: [3, 2, 1], adding: [3], removing: [1] }
  const all = viewOf({ alive: [1, 2, 3] })

  test('one goes on until all target replicas are in sync, then the removed ones go in a new epoch', () => {
    expect(changePartition(partition(moving), {}, all)).toBeNull()
    expect(changePartition(partition(moving), { isr: [1, 2, 3] }, all)).toMatchObject({
      leader: 3,
      leaderEpoch: 6,
      isr: [2, 3],
      replicas: [3, 2],
      adding: [],
      removing: [],
    })
  })

  test('a leader that stays gets a new epoch too when replicas are removed', () => {
    const shrinking = partition({ leader: 1, isr: [1, 2], replicas: [1, 2, 3] })
    const edit = { removing: [3] }
    expect(changePartition(shrinking, edit, all)).toMatchObject({
      leader: 1,
      leaderEpoch: 6,
      replicas: [1, 2],
    })
  })

  test('it is not finished while a replica that stays is behind', () => {
    expect(changePartition(partition(moving), { isr: [1, 3] }, all)).toMatchObject({
      isr: [1, 3],
      adding: [3],
      removing: [1],
      replicas: [3, 2, 1],
    })
  })
})

describe('in any case', () => {
  test('whatever happens: the leader is alive and in sync, nobody joins the set, epochs never go back, and it settles', () => {
    const ids = [1, 2, 3, 4]
    const some = fc.subarray(ids)
    fc.assert(
      fc.property(
        fc.shuffledSubarray(ids, { minLength: 1 }),
        some,
        fc.nat(4),
        fc.array(fc.tuple(some, some), { maxLength: 8 }),
        (replicas, inSync, leaderAt, steps) => {
          const isr = replicas.filter(id => inSync.includes(id))
          if (isr.length === 0) return
          let current = partition({ replicas, isr, leader: isr[leaderAt % isr.length]! })
          for (const [alive, renewed] of steps) {
            const next = afterBrokerChange(current, view(alive, renewed))
            if (next === null) continue
            expect(next.isr.length).toBeGreaterThan(0)
            expect(next.isr.every(id => current.isr.includes(id))).toBe(true)
            if (next.leader !== -1)
              expect(next.isr.includes(next.leader) && alive.includes(next.leader)).toBe(true)
            if (next.leader !== current.leader) expect(next.leaderEpoch).toBe(current.leaderEpoch + 1)
            expect(next.leaderEpoch).toBeGreaterThanOrEqual(current.leaderEpoch)
            expect(next.partitionEpoch).toBe(current.partitionEpoch + 1)
            current = { ...next, modRevision: 1 }
            expect(afterBrokerChange(current, view(alive))).toBeNull()
          }
        },
      ),
    )
  })
})
