import { expect, test } from 'vitest'
import type { FetchPlan } from '../../../broker/api/fetch-sessions.ts'
import { zeroUuid } from '../../../protocol/index.ts'
import { opened, read, request, started } from '../../support/fetch-plans.ts'

/** A replica that tells its watchers when the test says that it has moved. */
function aReplica() {
  const watchers = new Set<{ partitionMoved(): void }>()
  return {
    watchers,
    watch: (watcher: { partitionMoved(): void }) => void watchers.add(watcher),
    unwatch: (watcher: { partitionMoved(): void }) => void watchers.delete(watcher),
    move: () => {
      for (const watcher of watchers) watcher.partitionMoved()
    },
  }
}

/** A session of two partitions that have told everything there is. */
function settled() {
  const { sessions, clock } = started()
  const replicas = [aReplica(), aReplica()] as const
  const readNext = (plan: FetchPlan, facts: Parameters<typeof read>[1] = {}) =>
    read(plan, facts).map(result => ({ ...result, replica: replicas[result.partition.index]! }))
  const plan = opened(sessions)
  const { sessionId } = plan.finish(readNext(plan))
  let sessionEpoch = 1
  const next = (changes: Parameters<typeof request>[0] = {}) =>
    opened(sessions, { sessionId, sessionEpoch: sessionEpoch++, partitions: [], ...changes })
  const reading = (plan: FetchPlan) => [...plan.partitions()].map(({ index }) => index)
  return { sessions, clock, replicas, readNext, next, reading }
}

test('of a session only what has moved, or is asked for from elsewhere, is read', () => {
  const { replicas, readNext, next, reading } = settled()
  const first = next()
  expect([reading(first), first.isEmpty]).toEqual([[], false])
  first.finish(readNext(first))
  replicas[1].move()
  const second = next()
  expect(reading(second)).toEqual([1])
  second.finish(readNext(second))
  expect(reading(next({ partitions: [0] }))).toEqual([0])
})

test('what moves while a fetch waits is read by it, and what has more to say by the next', () => {
  const { replicas, readNext, next, reading } = settled()
  const waiting = next()
  let told = 0
  const stop = waiting.onMoved?.(() => told++)
  replicas[0].move()
  expect([told, reading(waiting)]).toEqual([1, [0]])
  stop?.()
  replicas[0].move()
  expect(told).toBe(1)
  waiting.finish(readNext(waiting, { recordsLength: 10, isUnfinished: true }))
  const again = next()
  expect(reading(again)).toEqual([0])
  again.finish(readNext(again, { error: 'NOT_LEADER_OR_FOLLOWER' }))
  expect(reading(next())).toEqual([0])
})

test('what was not sent is read again', () => {
  const { replicas, next, reading } = settled()
  replicas[0].move()
  expect(reading(next())).toEqual([0])
  expect(reading(next())).toEqual([0])
})

test('now and then, and when it is read up to somewhere else, everything is read', () => {
  const { clock, readNext, next, reading } = settled()
  clock.advance(5000)
  const swept = next()
  expect(reading(swept)).toEqual([0, 1])
  swept.finish(readNext(swept))
  expect(reading(next())).toEqual([])
  expect(reading(next({ readUpTo: 'lastStable' }))).toEqual([0, 1])
})

test('nothing is watched for what was forgotten, or for a session that is gone', () => {
  const { sessions, replicas, next } = settled()
  const forgotten = next({ forgotten: [{ topic: 't', topicId: zeroUuid, partitions: [0] }] })
  expect(forgotten.forgotten.map(({ index }) => index)).toEqual([0])
  expect([replicas[0].watchers.size, replicas[1].watchers.size]).toEqual([0, 1])
  next({ forgotten: [{ topic: 't', topicId: zeroUuid, partitions: [1] }] })
  expect([replicas[1].watchers.size, sessions.size]).toEqual([0, 0])
})
