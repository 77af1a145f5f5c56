import { expect, test } from 'vitest'
import { type CommittedOffset, CommittedOffsets } from '../../../broker/groups/committed-offsets.ts'
import { Timeline } from '../../../broker/coordinator/timeline.ts'
import { zeroUuid } from '../../../protocol/index.ts'

const at = (offset: number): CommittedOffset => ({
  offset,
  leaderEpoch: -1,
  metadata: '',
  commitTimestampMs: 0,
  expireTimestampMs: -1,
  topicId: zeroUuid,
})

test('positions are counted, and nothing is left of those that are gone', () => {
  const offsets = new CommittedOffsets(new Timeline())
  offsets.set('g', 't', 0, at(1))
  offsets.set('g', 't', 0, at(2))
  offsets.set('g', 't', 1, at(3))
  expect(offsets.size).toBe(2)
  offsets.delete('g', 't', 0)
  offsets.delete('g', 't', 0)
  offsets.delete('g', 't', 1)
  expect(offsets.size).toBe(0)
  expect([...offsets.groups()]).toEqual([])
})

test('readers see a whole topic until its end is committed', () => {
  const timeline = new Timeline()
  const offsets = new CommittedOffsets(timeline)
  offsets.set('g', 't', 0, at(1))
  timeline.write(1)
  offsets.delete('g', 't', 0)
  offsets.set('g', 'u', 0, at(9))
  const seen = (): string[] =>
    [...offsets.committedOf('g')].flatMap(([topic, all]) => [...all].map(() => topic))
  expect(offsets.get('g', 't', 0)).toBeUndefined()
  expect(offsets.committed('g', 't', 0)).toEqual(at(1))
  expect(seen()).toEqual(['t'])
  timeline.commit(1)
  expect(seen()).toEqual(['u'])
})

test('an open transaction of one producer does not end with that of another', () => {
  const offsets = new CommittedOffsets(new Timeline())
  offsets.setPending(1, 'g', 't', 0, at(5))
  offsets.setPending(2, 'g', 't', 0, at(6))
  offsets.endTransaction(1, 'commit')
  expect([offsets.isPending('g', 't', 0), offsets.get('g', 't', 0)?.offset]).toEqual([true, 5])
  offsets.endTransaction(2, 'abort')
  expect([offsets.isPending('g', 't', 0), offsets.hasPending('g'), offsets.get('g', 't', 0)?.offset]).toEqual(
    [false, false, 5],
  )
})

test('a deletion takes what open transactions have committed with it', () => {
  const offsets = new CommittedOffsets(new Timeline())
  offsets.setPending(1, 'g', 't', 0, at(5))
  offsets.setPending(1, 'h', 't', 0, at(5))
  expect([...offsets.pendingOf('g')]).toEqual([['t', 0]])
  offsets.delete('g', 't', 0)
  expect([offsets.hasPending('g'), offsets.hasPending('h')]).toEqual([false, true])
  offsets.endTransaction(1, 'commit')
  expect([offsets.get('g', 't', 0), offsets.get('h', 't', 0)?.offset]).toEqual([undefined, 5])
})

test('names that could run into each other stay apart', () => {
  const offsets = new CommittedOffsets(new Timeline())
  offsets.setPending(1, 'g', 'a/b', 0, at(1))
  expect(offsets.isPending('b/g', 'a', 0)).toBe(false)
  offsets.set('__proto__', 'constructor', 0, at(1))
  expect(offsets.get('__proto__', 'constructor', 0)).toEqual(at(1))
})
