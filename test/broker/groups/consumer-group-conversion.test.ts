import { expect, test } from 'vitest'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
  errorName,
} from '../../../protocol/index.ts'
import type { ClassicGroup, ClassicMember } from '../../../broker/groups/classic-group.ts'
import { newClassicGroup } from '../../../broker/groups/classic-group.ts'
import { groupMetadata } from '../../../broker/groups/classic-group-records.ts'
import { ConsumerGroupBench } from '../../support/consumer-group-bench.ts'

function subscription(...topics: string[]): Buffer {
  return encodeVersioned(consumerProtocolSubscription, 3, {
    topics,
    userData: null,
    ownedPartitions: [],
    generationId: 1,
    rackId: null,
  })
}

function assignment(topic: string, ...partitions: number[]): Buffer {
  return encodeVersioned(consumerProtocolAssignment, 3, {
    assignedPartitions: partitions.length === 0 ? [] : [{ topic, partitions }],
    userData: null,
  })
}

function classicMember(id: string, bytes: Buffer, more: Partial<ClassicMember> = {}): ClassicMember {
  return {
    id,
    instanceId: null,
    clientId: 'client',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocols: new Map([['range', subscription('t')]]),
    assignment: bytes,
    isNew: false,
    awaiting: null,
    ...more,
  }
}

/** A bench with a stable classic group of these members, generation 7. */
function withClassic(
  members: readonly ClassicMember[],
  more: Partial<ClassicGroup> = {},
): ConsumerGroupBench {
  const bench = new ConsumerGroupBench()
  bench.topics = bench.topics.with('t', 4)
  const group: ClassicGroup = {
    ...newClassicGroup('g', bench.clock.nowMs()),
    state: members.length === 0 ? 'empty' : 'stable',
    protocolType: 'consumer',
    generation: 7,
    protocol: members.length === 0 ? null : 'range',
    leader: members[0]?.id ?? null,
    members: new Map(members.map(member => [member.id, member])),
    ...more,
  }
  bench.run({
    volatile: state => state.groups.set('g', group),
    records: [groupMetadata(group, bench.clock.nowMs())],
  })
  // What the record does not tell.
  bench.state.groups.set('g', group)
  bench.written = []
  return bench
}

function heartbeat(bench: ConsumerGroupBench, memberId: string, memberEpoch: number, more: object = {}) {
  const joins = memberEpoch === 0
  return bench.run(
    bench.commands.heartbeat(
      bench.state,
      {
        groupId: 'g',
        memberId,
        memberEpoch,
        instanceId: null,
        rackId: null,
        rebalanceTimeoutMs: joins ? 60_000 : -1,
        subscribedTopicNames: joins ? ['t'] : null,
        subscribedTopicRegex: null,
        serverAssignor: null,
        topicPartitions: joins ? [] : null,
        ...more,
      },
      1,
      { clientId: 'client', clientHost: '/127.0.0.1' },
    ),
  )!
}

const classicCall = { instanceId: null, protocolType: 'consumer', protocol: 'range' }

function rejoin(bench: ConsumerGroupBench, memberId: string, instanceId: string | null = null) {
  return bench.run(
    bench.commands.join(bench.group()!, {
      memberId,
      instanceId,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: new Map([['range', subscription('t')]]),
      mustKnowItsId: true,
      maySkipAssignment: true,
      newIdSuffix: 'x',
    }),
  )!
}

test('a classic group becomes a consumer group when the first member of the newer protocol joins', () => {
  const bench = withClassic([
    classicMember('k', assignment('t', 0, 1)),
    classicMember('l', assignment('t', 2, 3)),
  ])
  const joined = heartbeat(bench, 'a', 0)
  expect(joined).toMatchObject({ errorCode: 0, memberEpoch: 8, assignment: { topicPartitions: [] } })
  expect(bench.written[0]).toEqual({ kind: 'GroupMetadata', key: { group: 'g' }, value: null })
  const group = bench.group()!
  expect(group.epoch).toBe(8)
  expect([...group.members.keys()]).toEqual(['k', 'l', 'a'])
  // They have what they had, in the generation they had it in.
  const l = group.members.get('l')!
  expect(l).toMatchObject({ memberEpoch: 7, state: 'stable' })
  expect([...[...l.assigned.values()][0]!]).toEqual([
    [2, 7],
    [3, 7],
  ])

  // Classic members are told to join again, give up what they should, and everything comes to rest.
  for (const id of ['k', 'l']) {
    expect(
      bench.run(bench.commands.classicHeartbeat(group, { memberId: id, instanceId: null, generation: 7 })),
    ).toBe('REBALANCE_IN_PROGRESS')
    // Eager consumers own nothing when they join.
    expect(rejoin(bench, id)).toMatchObject({ error: 'NONE', generation: 8, protocol: 'range' })
    const synced = bench.run(bench.commands.sync(group, { ...classicCall, memberId: id, generation: 8 }))!
    expect(synced.error).toBe('NONE')
    expect(decodeVersioned(consumerProtocolAssignment, synced.assignment).assignedPartitions).toHaveLength(1)
  }
  expect(heartbeat(bench, 'a', 8).assignment?.topicPartitions).toHaveLength(1)
  expect(group.state).toBe('Stable')
})

test('whoever waits in the classic group is told to join again, and finds the consumer group', () => {
  const bench = withClassic(
    [
      classicMember('k', assignment('t', 0, 1, 2, 3), { awaiting: 'join' }),
      classicMember('l', assignment('t'), { awaiting: 'sync' }),
    ],
    { state: 'completingRebalance', pendingMembers: new Set(['p']) },
  )
  expect(heartbeat(bench, 'a', 0).errorCode).toBe(0)
  expect(bench.answered).toEqual([
    { call: 'join/1:g/1:k', response: expect.objectContaining({ error: 'REBALANCE_IN_PROGRESS' }) },
    { call: 'sync/1:g/1:l', response: expect.objectContaining({ error: 'REBALANCE_IN_PROGRESS' }) },
  ])
})

test.for([
  ['conversion is switched off', withClassic([classicMember('k', assignment('t', 0))]), { upgrades: false }],
  [
    'it is no group of consumers',
    withClassic([classicMember('k', assignment('t', 0))], { protocolType: 'connect' }),
    {},
  ],
  [
    'a subscription is no such thing',
    withClassic([
      classicMember('k', assignment('t', 0), { protocols: new Map([['range', Buffer.from('x')]]) }),
    ]),
    {},
  ],
  ['an assignment is no such thing', withClassic([classicMember('k', Buffer.from([0, 0, 9, 9, 9, 9]))]), {}],
  ['it is too large', withClassic([classicMember('k', assignment('t', 0))]), { maxSize: 0 }],
] as const)('a classic group stays what it is when %s', ([, bench, settings]) => {
  bench.settings = { ...bench.settings, ...settings }
  const before = bench.state.groups.get('g')
  const response = heartbeat(bench, 'a', 0)
  expect(errorName(response.errorCode)).toBe('GROUP_ID_NOT_FOUND')
  expect(response.errorMessage).toMatch('Cannot upgrade classic group g')
  expect(bench.state.groups.get('g')).toBe(before)
  expect(bench.written).toEqual([])
})

test('only a member that joins may convert a group', () => {
  const bench = withClassic([classicMember('k', assignment('t', 0))])
  expect(errorName(heartbeat(bench, 'a', 3).errorCode)).toBe('GROUP_ID_NOT_FOUND')
  expect(errorName(heartbeat(bench, 'a', -1).errorCode)).toBe('GROUP_ID_NOT_FOUND')
  expect(bench.state.groups.get('g')?.kind).toBe('classic')
})

test('an empty classic group is taken over, whatever the policy', () => {
  const bench = withClassic([], { protocolType: 'connect' })
  bench.settings = { ...bench.settings, upgrades: false }
  expect(heartbeat(bench, 'a', 0)).toMatchObject({ errorCode: 0, memberEpoch: 1 })
  expect(bench.group()?.members.size).toBe(1)
})

test('an empty consumer group is taken over by a classic member that joins anew', () => {
  const bench = new ConsumerGroupBench()
  bench.topics = bench.topics.with('t', 4)
  heartbeat(bench, 'a', 0)
  heartbeat(bench, 'a', -1)
  expect(rejoin(bench, 'k').error).toBe('UNKNOWN_MEMBER_ID')
  expect(bench.group()?.state).toBe('Empty')
  const reply = rejoin(bench, '')
  expect(reply.error).toBe('MEMBER_ID_REQUIRED')
  expect(bench.state.groups.get('g')).toMatchObject({
    kind: 'classic',
    pendingMembers: new Set([reply.memberId]),
  })
})

test('the group is classic again when the session of the last member of the newer protocol runs out', () => {
  const bench = withClassic([classicMember('k', assignment('t', 0, 1, 2, 3))])
  heartbeat(bench, 'a', 0)
  const group = bench.group()!
  rejoin(bench, 'k')
  bench.run(bench.commands.sync(group, { ...classicCall, memberId: 'k', generation: 8 }))
  heartbeat(bench, 'a', 8)
  for (let seconds = 0; seconds < 45; seconds += 5) {
    bench.advance(5000)
    const now = bench.group()
    if (now !== undefined)
      bench.run(bench.commands.classicHeartbeat(now, { memberId: 'k', instanceId: null, generation: 8 }))
  }
  const classic = bench.state.groups.get('g')
  expect(classic).toMatchObject({
    kind: 'classic',
    generation: 8,
    protocol: 'range',
    state: 'preparingRebalance',
  })
  const member = (classic as ClassicGroup).members.get('k')!
  expect(decodeVersioned(consumerProtocolAssignment, member.assignment).assignedPartitions).toEqual([
    { topic: 't', partitions: [0, 1] },
  ])
  // k does not come: its session is the classic machine's now.
  bench.advance(60_000)
  expect(bench.state.groups.get('g')).toMatchObject({ kind: 'classic', state: 'empty' })
})

test('without leave to convert, or with too many members, a group of classic members stays a consumer group', () => {
  for (const settings of [{ downgrades: false }, { classicMaxSize: 0 }]) {
    const bench = withClassic([classicMember('k', assignment('t', 0, 1, 2, 3))])
    bench.settings = { ...bench.settings, ...settings }
    heartbeat(bench, 'a', 0)
    heartbeat(bench, 'a', -1)
    const group = bench.group()!
    expect([...group.members.keys()]).toEqual(['k'])
    expect(rejoin(bench, 'k')).toMatchObject({ error: 'NONE', generation: 9 })
  }
})

test('a classic member that takes the place of the last static member of the newer protocol makes the group classic', () => {
  const bench = withClassic([classicMember('k', assignment('t', 0, 1, 2, 3))])
  heartbeat(bench, 'a', 0, { instanceId: 'one' })
  const reply = rejoin(bench, '', 'one')
  expect(reply.error).toBe('NONE')
  expect(bench.state.groups.get('g')).toMatchObject({ kind: 'classic' })
  expect([...(bench.state.groups.get('g') as ClassicGroup).members.keys()]).toEqual(['k', reply.memberId])
})

test('a classic member that moves over to the newer protocol keeps its place', () => {
  const bench = withClassic([
    classicMember('k', assignment('t', 0, 1), { instanceId: 'one' }),
    classicMember('l', assignment('t', 2, 3), { instanceId: 'two' }),
  ])
  const moved = heartbeat(bench, 'k2', 0, { instanceId: 'one' })
  expect(moved).toMatchObject({ errorCode: 0 })
  expect(moved.assignment?.topicPartitions[0]?.partitions).toEqual([0, 1])
  expect([...bench.group()!.members.keys()]).toEqual(['l', 'k2'])
})
