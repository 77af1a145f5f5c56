import { expect, test } from 'vitest'
import { zeroUuid } from '../../../protocol/index.ts'
import { checkConsumerCommit, checkConsumerFetch } from '../../../broker/groups/check-consumer-commit.ts'
import { ConsumerGroup } from '../../../broker/groups/consumer-group.ts'
import { currentAssignmentRecord, memberRecord } from '../../../broker/groups/consumer-group-records.ts'
import { type ConsumerMember, newMember } from '../../../broker/groups/consumer-member.ts'
import { idOfTopic } from '../../support/consumer-group-bench.ts'

const t = idOfTopic('t')

/** At epoch 5: partition 0 since 3, partition 1 since 5; partition 2, had since 4, is being given up. */
function groupOf(more: Partial<ConsumerMember> = {}): ConsumerGroup {
  const member: ConsumerMember = {
    ...newMember('a'),
    memberEpoch: 5,
    previousMemberEpoch: 4,
    assigned: new Map([
      [
        t,
        new Map([
          [0, 3],
          [1, 5],
        ]),
      ],
    ]),
    pendingRevocation: new Map([[t, new Map([[2, 4]])]]),
    ...more,
  }
  const group = new ConsumerGroup('g')
  group.apply(memberRecord('g', member))
  group.apply(currentAssignmentRecord('g', member))
  return group
}

const classic = { classic: { sessionTimeoutMs: 10_000, supportedProtocols: [] } }

function commit(group: ConsumerGroup, memberEpoch: number, more: object = {}) {
  return checkConsumerCommit(group, {
    memberId: 'a',
    memberEpoch,
    apiVersion: 9,
    isTransactional: false,
    ...more,
  })
}

test('a member may commit in its own epoch, and nobody in one to come', () => {
  expect(commit(groupOf(), 5)).toBe('NONE')
  expect(commit(groupOf(), 6)).toBe('STALE_MEMBER_EPOCH')
  expect(commit(groupOf(classic), 6)).toBe('ILLEGAL_GENERATION')
  expect(commit(groupOf(), 6, { isTransactional: true })).toBe('ILLEGAL_GENERATION')
})

test('a member that is behind may commit what it has had since then', () => {
  const allows = commit(groupOf(), 4)
  if (typeof allows === 'string') throw new Error(allows)
  expect(allows(t, 0)).toBe('NONE')
  expect(allows(t, 1)).toBe('STALE_MEMBER_EPOCH')
  expect(allows(t, 2)).toBe('NONE')
  expect(allows(t, 3)).toBe('STALE_MEMBER_EPOCH')
  expect(allows(zeroUuid, 0)).toBe('STALE_MEMBER_EPOCH')
})

test('strangers and old versions are refused', () => {
  expect(commit(groupOf(), 5, { memberId: 'b' })).toBe('UNKNOWN_MEMBER_ID')
  expect(commit(groupOf(), -1, { memberId: '' })).toBe('UNKNOWN_MEMBER_ID')
  expect(commit(groupOf(), 5, { apiVersion: 8 })).toBe('UNSUPPORTED_VERSION')
  expect(commit(groupOf(classic), 5, { apiVersion: 8 })).toBe('NONE')
  expect(commit(groupOf(), 5, { apiVersion: 0, isTransactional: true })).toBe('NONE')
})

test('anybody may commit for a group without members', () => {
  expect(commit(new ConsumerGroup('g'), -1, { memberId: '' })).toBe('NONE')
  expect(commit(new ConsumerGroup('g'), 1)).toBe('UNKNOWN_MEMBER_ID')
})

test('positions are read by anybody without an epoch, and by members in theirs', () => {
  expect(checkConsumerFetch(groupOf(), { id: null, epoch: -1 })).toBe('NONE')
  expect(checkConsumerFetch(groupOf(), { id: '', epoch: -1 })).toBe('NONE')
  expect(checkConsumerFetch(groupOf(), { id: 'a', epoch: 5 })).toBe('NONE')
  expect(checkConsumerFetch(groupOf(), { id: 'a', epoch: 4 })).toBe('STALE_MEMBER_EPOCH')
  expect(checkConsumerFetch(groupOf(classic), { id: 'a', epoch: 4 })).toBe('ILLEGAL_GENERATION')
  expect(checkConsumerFetch(groupOf(), { id: 'b', epoch: 5 })).toBe('UNKNOWN_MEMBER_ID')
})
