import { expect, test } from 'vitest'
import { StartingHealth } from '../../broker/starting-health.ts'

const unread = { remainingLogs: 7, remainingSegments: 3, remainingBytes: 4096 }

test('from start to stop it says what it does, and that it recovers only while segments are read again', () => {
  const health = new StartingHealth()
  const says = (): unknown => [health.state, health.ready().map(({ reason }) => reason)]
  expect(says()).toEqual(['starting', ['Starting']])
  health.waitsFor('etcd', 'It does not answer.')
  expect(says()).toEqual(['starting', ['WaitingForEtcd']])
  health.recovering(unread)
  expect(says()).toEqual(['recovering', ['RecoveringLogs']])
  health.recovering({ ...unread, remainingSegments: 0 })
  expect(says()).toEqual(['starting', ['OpeningLogs']])
  health.isReady()
  expect(says()).toEqual(['ready', []])
  health.recovering(unread)
  expect(says()).toEqual(['ready', []])
  health.stopping()
  expect(says()).toEqual(['stopping', ['Stopping']])
})
