import { expect, test } from 'vitest'
import { FollowerSession, type SessionMember } from '../../../broker/replication/follower-session.ts'

function member(index: number): SessionMember {
  return { topicId: 'topic', index, isAsked: false }
}

function said(session: FollowerSession<SessionMember>): string {
  const { sessionId, sessionEpoch, members, forgotten } = session.next()
  const indexes = (list: readonly SessionMember[]) => list.map(({ index }) => index).join(',')
  return `${sessionId}:${sessionEpoch} fetch ${indexes(members)} forget ${indexes(forgotten)}`
}

test('the first request names everything, later ones what has changed', () => {
  const session = new FollowerSession()
  const members = [0, 1, 2].map(member)
  for (const one of members) session.fetch(one)
  expect(said(session)).toBe('0:0 fetch 0,1,2 forget ')
  session.answered(77)
  expect(said(session)).toBe('77:1 fetch  forget ')
  session.answered(77)
  session.fetch(members[1]!)
  session.leave(members[2]!)
  expect(said(session)).toBe('77:2 fetch 1 forget 2')
  expect(session.size).toBe(2)
})

test('who leaves and comes back before the next request is not forgotten', () => {
  const session = new FollowerSession()
  const first = member(0)
  session.fetch(first)
  session.next()
  session.answered(77)
  session.leave(first)
  session.fetch(member(0))
  expect(said(session)).toBe('77:1 fetch 0 forget ')
})

test('an answer is not meant for who was not asked for', () => {
  const session = new FollowerSession()
  const [first, second] = [member(0), member(0)]
  session.fetch(first)
  session.next()
  expect([first.isAsked, second.isAsked]).toEqual([true, false])
  session.leave(first)
  session.fetch(second)
  expect([first.isAsked, second.isAsked]).toEqual([false, false])
})

test('a leader that keeps no session is told everything each time', () => {
  const session = new FollowerSession()
  session.fetch(member(0))
  session.next()
  session.answered(0)
  expect(said(session)).toBe('0:0 fetch 0 forget ')
})

test('a session that the leader does not know is opened anew, one that is out of step is closed by the new one', () => {
  const session = new FollowerSession()
  session.fetch(member(0))
  session.next()
  session.answered(77)
  session.refused('INVALID_FETCH_SESSION_EPOCH')
  expect(said(session)).toBe('77:0 fetch 0 forget ')
  session.answered(78)
  session.refused('FETCH_SESSION_ID_NOT_FOUND')
  expect(said(session)).toBe('0:0 fetch 0 forget ')
  session.answered(79)
  session.reset()
  expect(said(session)).toBe('0:0 fetch 0 forget ')
})
