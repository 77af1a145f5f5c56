import { expect, test } from 'vitest'
import { LeaderHints, namesLeader } from '../../../broker/api/leader-hints.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { withBroker, withTopic } from '../controller/image-of.ts'

const image = withTopic(withBroker(withBroker(emptyImage, 1), 2), 'topic', [
  { leader: 2, leaderEpoch: 7, replicas: [1, 2] },
  { leader: -1, leaderEpoch: 8, replicas: [1, 2] },
])

test('who leads is told, -1 where nobody does or nobody knows', () => {
  const hints = new LeaderHints(() => image, 'PLAINTEXT')
  expect(hints.leaderOf('topic', 0)).toEqual({ leaderId: 2, leaderEpoch: 7 })
  expect(hints.leaderOf('topic', 1)).toEqual({ leaderId: -1, leaderEpoch: 8 })
  expect(hints.leaderOf('unknown', 0)).toEqual({ leaderId: -1, leaderEpoch: -1 })
})

test('only leaders that were named and listen there are told', () => {
  const hints = new LeaderHints(() => image, 'PLAINTEXT')
  expect(hints.endpoints).toEqual([])
  hints.leaderOf('topic', 0)
  // The brokers of this image have no listener.
  expect(hints.endpoints).toEqual([])
})

test('errors that say that another one leads name it', () => {
  expect(namesLeader('NOT_LEADER_OR_FOLLOWER')).toBe(true)
  expect(namesLeader('FENCED_LEADER_EPOCH')).toBe(true)
  expect(namesLeader('UNKNOWN_LEADER_EPOCH')).toBe(false)
  expect(namesLeader(0)).toBe(false)
})
