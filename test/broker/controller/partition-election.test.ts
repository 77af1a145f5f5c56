import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterBrokerChange, type ElectionView } from '../../../broker/controller/partition-election.ts'
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

/** `alive` may lead; `renewed` are alive, but in a new process. */
function view(
  alive: readonly number[],
  renewed: readonly number[] = [],
  electsUncleanly = false,
): ElectionView {
  return {
    isAlive: id => alive.includes(id),
    isLost: id => !alive.includes(id) || renewed.includes(id),
    electsUncleanly,
  }
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

  test('with an empty in-sync set an eligible leader replica leads alone', () => {
    expect(afterBrokerChange(partition({ leader: -1, isr: [], elr: [3, 2] }), view([1, 3]))).toMatchObject({
      leader: 3,
      isr: [3],
      elr: [2],
      recovering: false,
    })
  })

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
