import { expect, test } from 'vitest'
import type { PartitionImage } from '../../../broker/metadata/image.ts'
import { Leadership } from '../../../broker/replication/leadership.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { agreed, leaderParts, refused } from '../../support/leader-parts.ts'
import { aPartition } from '../controller/image-of.ts'

type Changes = Parameters<typeof aPartition>[0]

/** Broker 1 leads from offset 5 on; brokers 2 and 3 are registered in epochs 20 and 30. */
function leads(changes: Changes = {}, minInsyncReplicas = 1) {
  const clock = new FakeClock()
  const alive = new Map([
    [1, 10],
    [2, 20],
    [3, 30],
  ])
  const leaving = new Set<number>()
  const parts = leaderParts(clock, alive, leaving)
  const state = (more: Changes = {}): PartitionImage => ({
    ...aPartition({ replicas: [1, 2, 3], isr: [1, 2, 3], leaderEpoch: 4, ...changes, ...more }),
    modRevision: 1,
  })
  let moved = 0
  const heartbeats = new Map<number, { fetchedAtMs: number }>()
  const leadership = new Leadership(
    parts,
    {
      topic: 'topic',
      topicId: 'id',
      index: 0,
      minInsyncReplicas: () => minInsyncReplicas,
      epochStartOffset: () => 5,
      isLedIn: () => true,
      inSyncSetChanged: () => moved++,
    },
    state(),
  )
  return {
    clock,
    alive,
    leaving,
    leadership,
    state,
    asked: parts.asked,
    counters: parts.counters,
    timesMoved: () => moved,
    wanted: () => parts.asked.map(({ set }) => set.newIsr.map(({ brokerId }) => brokerId).join(',')),
    heartbeats,
    fetched: (
      id: number,
      fetchOffset: number,
      options: { readonly leaderEnd?: number; readonly epoch?: number; readonly hw?: number } = {},
    ) => {
      const heartbeat = heartbeats.get(id) ?? { fetchedAtMs: Number.NEGATIVE_INFINITY }
      heartbeats.set(id, heartbeat)
      const { leaderEnd = 10, epoch = id * 10, hw = 0 } = options
      const nowMs = clock.monotonicMs()
      leadership.followerFetched(
        id,
        { brokerEpoch: epoch, fetchOffset, logStartOffset: 0, leaderEndOffset: leaderEnd, heartbeat, nowMs },
        hw,
      )
      heartbeat.fetchedAtMs = nowMs
    },
  }
}

test('a follower that has everything committed and everything from before the epoch joins, with the epoch it fetched in', () => {
  const { fetched, wanted, asked } = leads({ isr: [1, 2] })
  fetched(3, 4)
  fetched(3, 6, { hw: 7 })
  expect(wanted()).toEqual([])
  fetched(3, 6, { hw: 6 })
  expect(wanted()).toEqual(['1,2,3'])
  expect(asked[0]?.set).toMatchObject({ leaderEpoch: 4, partitionEpoch: 0, recovering: false })
  expect(asked[0]?.set.newIsr).toEqual([
    { brokerId: 1, brokerEpoch: 10 },
    // Has not fetched from this leader yet.
    { brokerId: 2, brokerEpoch: -1 },
    { brokerId: 3, brokerEpoch: 30 },
  ])
})

test('the watermark waits for nobody who left the set because his disk failed, however lately he had everything', () => {
  const { fetched, leadership, leaving, state } = leads()
  for (const id of [2, 3]) fetched(id, 10)
  fetched(2, 12, { leaderEnd: 12 })
  leaving.add(3)
  expect(leadership.nextHighWatermark(12, 10)).toBe(10)
  leadership.adopt(state({ isr: [1, 2], partitionEpoch: 1 }))
  expect(leadership.nextHighWatermark(12, 10)).toBe(12)
})

test('an incarnation that is not the registered one, or is about to stop, does not join', () => {
  const { fetched, wanted, alive, leaving, leadership } = leads({ isr: [1, 2] })
  fetched(3, 10, { epoch: 29 })
  leaving.add(3)
  fetched(3, 10)
  expect(wanted()).toEqual([])
  leaving.delete(3)
  alive.set(3, 31)
  expect([leadership.isOutdated(3, 30), leadership.isOutdated(3, 31), leadership.isOutdated(3, -1)]).toEqual([
    true,
    false,
    false,
  ])
  fetched(3, 10, { epoch: -1 })
  expect(wanted()).toEqual(['1,2,3'])
})

test('a member leaves when it was not caught up for replica.lag.time.max.ms, and counts until the controller has agreed', () => {
  const { fetched, wanted, asked, leadership, clock, counters, timesMoved } = leads()
  fetched(2, 10)
  fetched(3, 6)
  clock.advance(30_001)
  fetched(2, 10)
  leadership.dropLaggingMembers(10)
  expect(wanted()).toEqual(['1,2'])
  expect(leadership.nextHighWatermark(10, 0)).toBe(6)
  asked[0]?.settled(agreed(asked[0]))
  expect([leadership.isr, timesMoved(), counters.isrShrinks]).toEqual([[1, 2], 1, 1])
  expect(leadership.nextHighWatermark(10, 0)).toBe(10)
})

test('a follower that is always a little behind stays: it had what the leader had when it fetched last', () => {
  const { fetched, wanted, leadership, clock } = leads({ replicas: [1, 2], isr: [1, 2] })
  for (let end = 10; end < 20; end++) {
    fetched(2, end - 1, { leaderEnd: end })
    clock.advance(10_000)
  }
  leadership.dropLaggingMembers(20)
  expect(wanted()).toEqual([])
  clock.advance(20_000)
  leadership.dropLaggingMembers(20)
  expect(wanted()).toEqual(['1'])
})

test('fetches that say nothing new of a partition keep a follower in that has everything', () => {
  const { fetched, wanted, leadership, clock, heartbeats } = leads({ replicas: [1, 2], isr: [1, 2] })
  fetched(2, 10)
  clock.advance(3_600_000)
  heartbeats.get(2)!.fetchedAtMs = clock.monotonicMs()
  // Now something is written, which the follower has not asked for yet.
  clock.advance(30_000)
  leadership.dropLaggingMembers(11)
  expect(wanted()).toEqual([])
  clock.advance(1)
  leadership.dropLaggingMembers(11)
  expect(wanted()).toEqual(['1'])
})

test('they do not keep one in that is behind, or that fetches the partition no more', () => {
  const { fetched, wanted, leadership, clock, heartbeats } = leads()
  fetched(2, 10)
  fetched(3, 9)
  leadership.followerPaused(2)
  clock.advance(30_001)
  for (const heartbeat of heartbeats.values()) heartbeat.fetchedAtMs = clock.monotonicMs()
  leadership.dropLaggingMembers(11)
  expect(wanted()).toEqual(['1'])
})

test('one change is on its way at a time', () => {
  const { fetched, wanted, asked } = leads({ isr: [1] })
  fetched(2, 10)
  fetched(3, 10)
  expect(wanted()).toEqual(['1,2'])
  asked[0]?.settled(agreed(asked[0]))
  fetched(3, 10)
  expect(wanted()).toEqual(['1,2', '1,2,3'])
})

test('after a refusal the old set is in force, and it is asked again a while later', () => {
  const { fetched, wanted, asked, leadership, clock } = leads({ isr: [1, 2] })
  fetched(2, 10)
  fetched(3, 8)
  asked[0]?.settled(refused('INELIGIBLE_REPLICA'))
  expect(asked[0]?.isCurrent()).toBe(false)
  fetched(3, 8)
  expect(wanted()).toHaveLength(1)
  clock.advance(500)
  fetched(3, 8)
  expect(wanted()).toHaveLength(2)
  expect(leadership.isr).toEqual([1, 2])
})

test('when the controller knows a newer state both sets count until the image shows it', () => {
  const { fetched, wanted, asked, leadership, state } = leads({ isr: [1, 2] })
  fetched(2, 10)
  fetched(3, 8)
  asked[0]?.settled(refused('INVALID_UPDATE_VERSION'))
  fetched(3, 8)
  expect(wanted()).toHaveLength(1)
  expect(leadership.nextHighWatermark(10, 0)).toBe(8)
  leadership.adopt(state({ isr: [1, 2, 3], partitionEpoch: 1 }))
  expect([leadership.isr, asked[0]?.isCurrent()]).toEqual([[1, 2, 3], false])
})

test('the answer may come before the image that shows it, and an older image after it changes nothing', () => {
  const { fetched, asked, leadership, state } = leads({ isr: [1, 2] })
  fetched(3, 10)
  asked[0]?.settled(agreed(asked[0]))
  leadership.adopt(state())
  expect(leadership.isr).toEqual([1, 2, 3])
  leadership.adopt(state({ isr: [1, 2, 3], partitionEpoch: 1 }))
  expect(leadership.isr).toEqual([1, 2, 3])
  leadership.adopt(state({ isr: [1], partitionEpoch: 2 }))
  expect(leadership.isr).toEqual([1])
})

test('an answer to what an image has overtaken counts no more', () => {
  const { fetched, asked, leadership, state, counters } = leads({ isr: [1, 2] })
  fetched(3, 10)
  leadership.adopt(state({ isr: [1], partitionEpoch: 1 }))
  asked[0]?.settled(agreed(asked[0]))
  // The controller made the change, not this leader.
  expect([leadership.isr, counters.isrShrinks, counters.isrExpands]).toEqual([[1], 0, 0])
})

test('a change counts once, whether the image or the answer shows it first', () => {
  const { fetched, asked, leadership, state, counters } = leads({ isr: [1, 2] })
  fetched(3, 10)
  leadership.adopt(state({ isr: [1, 2, 3], partitionEpoch: 1 }))
  asked[0]?.settled(agreed(asked[0]))
  expect(counters.isrExpands).toBe(1)
})

test('a newer image keeps what is known of followers, and drops who is no replica any more', () => {
  const { fetched, leadership, state } = leads()
  fetched(2, 7)
  fetched(3, 8)
  leadership.adopt(state({ replicas: [1, 2, 4], isr: [1, 2], partitionEpoch: 1 }))
  expect([...leadership.followers].map(([id, { endOffset }]) => [id, endOffset])).toEqual([
    [2, 7],
    [4, -1],
  ])
})

test('a leader that was elected uncleanly says with its first change that it has recovered', () => {
  const { asked, wanted, clock } = leads({ isr: [1], recovering: true })
  expect([wanted(), asked[0]?.set.recovering]).toEqual([['1'], false])
  asked[0]?.settled(refused('INELIGIBLE_REPLICA'))
  clock.advance(500)
  expect(wanted()).toEqual(['1', '1'])
})

test('fewer members than min.insync.replicas hold the watermark', () => {
  const { leadership, fetched } = leads({ isr: [1] }, 2)
  fetched(2, 10)
  expect([leadership.isUnderMinInsyncReplicas, leadership.nextHighWatermark(10, 3)]).toEqual([true, 3])
})
