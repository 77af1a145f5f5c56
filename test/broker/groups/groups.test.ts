import { expect, test } from 'vitest'
import { decodeGroupRecord } from '../../../broker/groups/group-records.ts'
import { decodeRecords, type ErrorName } from '../../../protocol/index.ts'
import { GroupsFixture } from '../../support/groups-fixture.ts'
import { FakeShardLog } from '../../support/fake-shard-log.ts'

test('a group joins, shares out, beats and is found again by the next coordinator', async () => {
  const fixture = await GroupsFixture.start()
  const [leader = '', other = ''] = fixture.settle('g', 2)
  expect(leader).toMatch(/^app-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const again = await fixture.restart()
  expect(again.heartbeat('g', leader, 1).value).toBe('NONE')
  expect(again.sync('g', other, 1).value).toMatchObject({ error: 'NONE', assignment: Buffer.from('part 1') })
  expect(again.groups.describeGroup('g')).toMatchObject({
    state: 'Stable',
    protocolType: 'consumer',
    protocol: 'range',
    members: [{ memberId: leader, clientHost: '/10.0.0.1' }, { memberId: other }],
  })
})

test('no member has its assignment before it is replicated', async () => {
  const fixture = await GroupsFixture.start()
  const joins = [fixture.join('g'), fixture.join('g')]
  fixture.clock.advance(6000)
  const [leader, other] = joins.map(join => join.value.memberId)
  fixture.log.commitsAtOnce = false
  const otherSync = fixture.sync('g', other!, 1)
  const leaderSync = fixture.sync('g', leader!, 1, { [other!]: 'all' })
  fixture.turn.flush()
  expect([otherSync.now, leaderSync.now]).toEqual([undefined, undefined])
  fixture.log.commit()
  expect([otherSync.value.error, leaderSync.value.error]).toEqual(['NONE', 'NONE'])
})

test('an assignment too large for a batch fails for all who wait', async () => {
  const fixture = await GroupsFixture.start()
  const joins = [fixture.join('g'), fixture.join('g')]
  fixture.clock.advance(6000)
  const [leader, other] = joins.map(join => join.value.memberId)
  const otherSync = fixture.sync('g', other!, 1)
  const leaderSync = fixture.sync('g', leader!, 1, { [other!]: 'x'.repeat(2_000_000) })
  expect([otherSync.value.error, leaderSync.value.error]).toEqual([
    'UNKNOWN_SERVER_ERROR',
    'UNKNOWN_SERVER_ERROR',
  ])
  expect(fixture.groups.describeGroup('g').state).toBe('PreparingRebalance')
})

test.each<[string, ErrorName, Record<string, unknown>]>([
  ['', 'INVALID_GROUP_ID', {}],
  ['g', 'INVALID_SESSION_TIMEOUT', { sessionTimeoutMs: 5999 }],
  ['g', 'INVALID_SESSION_TIMEOUT', { sessionTimeoutMs: 1_800_001 }],
  ['g', 'UNKNOWN_MEMBER_ID', { memberId: 'who' }],
])('a join of group %j is refused with %s (%j)', async (groupId, error, given) => {
  const fixture = await GroupsFixture.start()
  expect(fixture.join(groupId, given).value).toMatchObject({
    error,
    generation: -1,
    protocolType: null,
    protocol: null,
  })
  expect(fixture.groups.listGroups({ states: [], types: [] }).groups).toEqual([])
})

test('groups without a name, and groups that are not there', async () => {
  const fixture = await GroupsFixture.start()
  expect(fixture.sync('', 'm', 1).value.error).toBe('INVALID_GROUP_ID')
  expect(fixture.sync('g', 'm', 1).value.error).toBe('UNKNOWN_MEMBER_ID')
  expect(fixture.heartbeat('', 'm', 1).value).toBe('INVALID_GROUP_ID')
  expect(fixture.heartbeat('g', 'm', 1).value).toBe('UNKNOWN_MEMBER_ID')
  expect(fixture.leave('', 'm').value).toEqual({ error: 'INVALID_GROUP_ID' })
  expect(fixture.leave('g', 'm', 'n').value).toEqual({ errors: ['UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID'] })
})

test('while the coordinator reads its partition members are not thrown out', async () => {
  const log = new FakeShardLog()
  const fixture = GroupsFixture.loading(log)
  expect(fixture.heartbeat('g', 'm', 1).value).toBe('NONE')
  expect(fixture.join('g').value.error).toBe('COORDINATOR_LOAD_IN_PROGRESS')
  expect(fixture.sync('g', 'm', 1).value.error).toBe('COORDINATOR_LOAD_IN_PROGRESS')
  expect(fixture.fetch('g')).toEqual({ error: 'COORDINATOR_LOAD_IN_PROGRESS' })
  expect(fixture.groups.listGroups({ states: [], types: [] }).error).toBe('COORDINATOR_LOAD_IN_PROGRESS')
  expect(fixture.groups.describeGroup('g')).toMatchObject({
    error: 'COORDINATOR_LOAD_IN_PROGRESS',
    state: '',
  })
  fixture.shard.close()
})

test('a group of another coordinator is refused', async () => {
  const fixture = await GroupsFixture.start()
  fixture.elsewhere = 'NOT_COORDINATOR'
  expect(fixture.heartbeat('g', 'm', 1).value).toBe('NOT_COORDINATOR')
  expect(fixture.commit('g', [{ topic: 't', partition: 0, offset: 1 }]).value).toEqual({
    error: 'NOT_COORDINATOR',
  })
  fixture.elsewhere = 'COORDINATOR_NOT_AVAILABLE'
  expect(fixture.join('g').value.error).toBe('COORDINATOR_NOT_AVAILABLE')
  // Old consumers do not understand the same from OffsetFetch.
  expect(fixture.fetch('g')).toEqual({ error: 'NOT_COORDINATOR' })
})

test('when leadership goes, everybody who waits is sent elsewhere', async () => {
  const fixture = await GroupsFixture.start()
  const join = fixture.join('g')
  fixture.shard.close()
  expect(join.value.error).toBe('NOT_COORDINATOR')
  expect(fixture.clock.pendingTimers).toBe(0)
})

test('a member commits and keeps its session alive by it', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g')
  const commit = (): unknown => {
    const later = fixture.commit('g', [{ topic: 't', partition: 0, offset: 7 }], {
      memberId: member,
      generation: 1,
    })
    fixture.turn.flush()
    return later.value
  }
  for (let round = 0; round < 5; round++) {
    fixture.clock.advance(9000)
    expect(commit()).toEqual({ errors: ['NONE'] })
  }
  fixture.clock.advance(10_000)
  fixture.turn.flush()
  expect(commit()).toEqual({ error: 'UNKNOWN_MEMBER_ID' })
})

test('strings made to hurt are names like any other', async () => {
  const fixture = await GroupsFixture.start()
  const names = [
    '__proto__',
    'constructor',
    'a/b',
    'a',
    '../../etc',
    'nul\0byte',
    '\ud800',
    '😀',
    'x'.repeat(30_000),
  ]
  for (const groupId of names) {
    const [member = ''] = fixture.settle(groupId, 1, { clientId: '__proto__', sessionTimeoutMs: 100_000 })
    const later = fixture.commit(groupId, [{ topic: '__proto__', partition: 0, offset: 1 }], {
      memberId: member,
      generation: 1,
    })
    fixture.turn.flush()
    expect([groupId, later.value]).toEqual([groupId, { errors: ['NONE'] }])
  }
  expect(fixture.groups.listGroups({ states: [], types: [] }).groups).toHaveLength(names.length)
  for (const groupId of names) expect(fixture.fetch(groupId)).toEqual({ ['__proto__-0']: 1 })
})

test('names that no record has room for are refused, and nothing is left of them', async () => {
  const fixture = await GroupsFixture.start()
  const long = 'x'.repeat(40_000)
  expect(fixture.join(long).value.error).toBe('INVALID_GROUP_ID')
  expect(fixture.join('g', { instanceId: long }).value.error).toBe('INVALID_REQUEST')
  expect(fixture.join('g', { protocolType: long }).value.error).toBe('INVALID_REQUEST')
  expect(fixture.join('g', { protocols: new Map([[long, Buffer.alloc(0)]]) }).value.error).toBe(
    'INVALID_REQUEST',
  )
  expect(fixture.commit(long, [{ topic: 't', partition: 0, offset: 1 }]).value).toEqual({
    error: 'INVALID_GROUP_ID',
  })
  expect(fixture.commit('g', [{ topic: long, partition: 0, offset: 1 }]).value).toEqual({
    error: 'UNKNOWN_SERVER_ERROR',
  })
  const [member = ''] = fixture.settle('g', 1, { clientId: '€'.repeat(10_900) })
  fixture.leave('g', member)
  fixture.turn.flush()
  expect((await fixture.restart()).groups.describeGroup('g').state).toBe('Empty')
})

test('a client that only ever asks for ids cannot fill the memory', async () => {
  const fixture = await GroupsFixture.start()
  const ask = (): ErrorName => fixture.join('g', { mustKnowItsId: true }).value.error
  for (let index = 0; index < 5000; index++) expect(ask()).toBe('MEMBER_ID_REQUIRED')
  expect(ask()).toBe('GROUP_MAX_SIZE_REACHED')
  fixture.clock.advance(10_000)
  expect(ask()).toBe('MEMBER_ID_REQUIRED')
})

test('10 MB of metadata in a join are taken; that they fit no record is told at the assignment', async () => {
  const fixture = await GroupsFixture.start()
  const metadata = Buffer.alloc(10_000_000, 1)
  const join = fixture.join('g', { protocols: new Map([['range', metadata]]) })
  fixture.clock.advance(3000)
  expect(join.value.members[0]?.metadata.length).toBe(10_000_000)
  expect(fixture.sync('g', join.value.memberId, 1).value.error).toBe('UNKNOWN_SERVER_ERROR')
})

test('a join may bring very many protocols', async () => {
  const fixture = await GroupsFixture.start()
  const protocols = new Map(Array.from({ length: 100_000 }, (_, index) => [`p${index}`, Buffer.alloc(0)]))
  const joins = [fixture.join('g', { protocols }), fixture.join('g', { protocols })]
  fixture.clock.advance(6000)
  expect(joins.map(join => join.value.protocol)).toEqual(['p0', 'p0'])
})

test('10,000 groups are loaded as they were left', async () => {
  const fixture = await GroupsFixture.start()
  for (let index = 0; index < 10_000; index++) {
    fixture.commit(`g${index}`, [{ topic: 't', partition: index % 12, offset: index }])
    if (index % 500 === 0) fixture.turn.flush()
  }
  const again = await fixture.restart()
  expect(again.groups.listGroups({ states: [], types: [] }).groups).toHaveLength(10_000)
  expect(again.fetch('g9999')).toEqual({ 't-3': 9999 })
  expect(again.state.offsets.size).toBe(10_000)
})

test('a group is written in the form that brokers of earlier releases read', async () => {
  const fixture = await GroupsFixture.start()
  fixture.settle('g')
  const records = fixture.log.views.flatMap(view => [...decodeRecords(view, { maxDecompressedBytes: 1e6 })])
  const [record] = records.filter(({ key }) => key?.readInt16BE(0) === 2)
  expect(record?.value?.readInt16BE(0)).toBe(3)
  expect(decodeGroupRecord(record!.key, record!.value)).toMatchObject({
    kind: 'GroupMetadata',
    key: { group: 'g' },
  })
})
