import { expect, test } from 'vitest'
import { nextSessionEpoch } from '../../../broker/api/fetch-sessions.ts'
import { zeroUuid } from '../../../protocol/index.ts'
import { asked, opened, read, request, started } from '../../support/fetch-plans.ts'

const indexes = (results: readonly { readonly partition: { readonly index: number } }[]) =>
  results.map(({ partition }) => partition.index)

/** A session with partitions 0 and 1 whose watermark 5 has been told. */
function withSession(slots?: number) {
  const parts = started(slots)
  const plan = opened(parts.sessions)
  const { sessionId } = plan.finish(read(plan))
  return { ...parts, sessionId }
}

test('the first request opens a session and is answered in full', () => {
  const { sessions } = started()
  const plan = opened(sessions)
  const { sessionId, included } = plan.finish(read(plan))
  expect(sessionId).toBeGreaterThan(0)
  expect(indexes(included)).toEqual([0, 1])
})

test('a later request names nothing, fetches all, and hears only of what changed', () => {
  const { sessions, sessionId } = withSession()
  const plan = opened(sessions, { sessionId, sessionEpoch: 1, partitions: [] })
  const results = read(plan)
  expect(indexes(results)).toEqual([0, 1])
  const moved = results.map(result =>
    result.partition.index === 1 ? { ...result, highWatermark: 6 } : result,
  )
  expect(indexes(plan.finish(moved).included)).toEqual([1])
})

test('a partition that delivered goes to the end of the order', () => {
  const { sessions, sessionId } = withSession()
  const plan = opened(sessions, { sessionId, sessionEpoch: 1, partitions: [] })
  const [first, second] = read(plan)
  plan.finish([{ ...first!, recordsLength: 10 }, second!])
  expect(indexes(read(opened(sessions, { sessionId, sessionEpoch: 2, partitions: [] })))).toEqual([1, 0])
})

test('an error is told every time, and so is the recovery from it', () => {
  const { sessions, sessionId } = withSession()
  for (const epoch of [1, 2]) {
    const plan = opened(sessions, { sessionId, sessionEpoch: epoch, partitions: [] })
    expect(plan.finish(read(plan, { error: 'NOT_LEADER_OR_FOLLOWER' })).included).toHaveLength(2)
  }
  const plan = opened(sessions, { sessionId, sessionEpoch: 3, partitions: [] })
  expect(plan.finish(read(plan)).included).toHaveLength(2)
})

test('partitions are added, changed and forgotten', () => {
  const { sessions, sessionId } = withSession()
  const plan = opened(sessions, {
    sessionId,
    sessionEpoch: 1,
    topics: [{ topic: 't', topicId: zeroUuid, partitions: [asked(1, 77), asked(2)] }],
    forgotten: [{ topic: 't', topicId: zeroUuid, partitions: [0] }],
  })
  expect([...plan.partitions()].map(({ index, fetchOffset }) => [index, fetchOffset])).toEqual([
    [1, 77],
    [2, 0],
  ])
})

test('a session that lost its last partition is closed', () => {
  const { sessions, sessionId } = withSession()
  const plan = opened(sessions, {
    sessionId,
    sessionEpoch: 1,
    partitions: [],
    forgotten: [{ topic: 't', topicId: zeroUuid, partitions: [0, 1] }],
  })
  expect(plan.finish(read(plan)).sessionId).toBe(0)
  expect(sessions.size).toBe(0)
})

test('an unknown session, a wrong epoch and mixed names and ids are refused with their own errors', () => {
  const { sessions, sessionId } = withSession()
  expect(sessions.open(request({ sessionId: sessionId + 1, sessionEpoch: 1 }))).toEqual({
    error: 'FETCH_SESSION_ID_NOT_FOUND',
  })
  expect(sessions.open(request({ sessionId, sessionEpoch: 2 }))).toEqual({
    error: 'INVALID_FETCH_SESSION_EPOCH',
  })
  expect(sessions.open(request({ sessionId, sessionEpoch: 1, usesTopicIds: true }))).toEqual({
    error: 'FETCH_SESSION_TOPIC_ID_ERROR',
  })
})

test('of two requests of one session only the one that still fits its epoch counts', () => {
  const { sessions, sessionId } = withSession()
  const slow = opened(sessions, { sessionId, sessionEpoch: 1, partitions: [] })
  const results = read(slow)
  opened(sessions, { sessionId, sessionEpoch: 2, partitions: [] })
  expect(slow.finish(results).error).toBe('INVALID_FETCH_SESSION_EPOCH')
})

test('epoch -1 fetches without a session and closes the one named', () => {
  const { sessions, sessionId } = withSession()
  const plan = opened(sessions, { sessionId, sessionEpoch: -1 })
  expect(plan.finish(read(plan)).sessionId).toBe(0)
  expect(sessions.size).toBe(0)
})

test('after the largest epoch comes 1: 0 and -1 have meanings of their own', () => {
  expect(nextSessionEpoch(1)).toBe(2)
  expect(nextSessionEpoch(2 ** 31 - 1)).toBe(1)
})

test('a full cache gives no session; one that was unused for two minutes makes room', () => {
  const { sessions, clock } = withSession(1)
  const refused = opened(sessions)
  expect(refused.finish(read(refused)).sessionId).toBe(0)
  clock.advance(120_001)
  const plan = opened(sessions)
  expect(plan.finish(read(plan)).sessionId).toBeGreaterThan(0)
  expect(sessions.size).toBe(1)
  expect(sessions.evictions).toBe(1)
})

test('sessions together remember no more partitions than there is room for', () => {
  const { sessions } = started()
  const many = Array.from({ length: 6000 }, (_, index) => index)
  const first = opened(sessions, { partitions: many })
  const { sessionId } = first.finish(read(first))
  expect(sessionId).toBeGreaterThan(0)
  const second = opened(sessions, { partitions: many })
  expect(second.finish(read(second)).sessionId).toBe(0)
  const grown = { sessionId, sessionEpoch: 1, partitions: many.map(index => index + 6000) }
  expect(sessions.open(request(grown))).toEqual({ error: 'FETCH_SESSION_ID_NOT_FOUND' })
  expect(sessions.size).toBe(0)
})

test('a follower pushes out a consumer, never the other way round', () => {
  const { sessions } = withSession(1)
  const follower = opened(sessions, { isFollower: true })
  expect(follower.finish(read(follower)).sessionId).toBeGreaterThan(0)
  const consumer = opened(sessions, { partitions: [0, 1, 2, 3] })
  expect(consumer.finish(read(consumer)).sessionId).toBe(0)
})
