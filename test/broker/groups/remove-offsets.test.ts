import { expect, test } from 'vitest'
import { consumerProtocolSubscription, encodeVersioned, type ErrorName } from '../../../protocol/index.ts'
import { GroupsFixture, Later } from '../../support/groups-fixture.ts'

const at = (topic: string, partition: number, topicId?: string) => ({
  topic,
  partition,
  offset: 1,
  ...(topicId === undefined ? {} : { topicId }),
})

const week = 7 * 24 * 3_600_000

function wanting(...topics: string[]): { protocols: Map<string, Buffer>; sessionTimeoutMs: number } {
  const protocols = new Map([['range', encodeVersioned(consumerProtocolSubscription, 1, { topics })]])
  return { protocols, sessionTimeoutMs: 1_800_000 }
}

function commit(fixture: GroupsFixture, offsets: ReturnType<typeof at>[], memberId = ''): void {
  fixture.commit('g', offsets, memberId === '' ? {} : { memberId, generation: 1 })
  fixture.turn.flush()
}

function deleteGroup(fixture: GroupsFixture, groupId: string): ErrorName {
  const later = new Later<ErrorName>()
  fixture.groups.deleteGroup(groupId, later.take)
  fixture.turn.flush()
  return later.value
}

function deleteOffsets(fixture: GroupsFixture, groupId: string, ...places: [string, number][]): unknown {
  const later = new Later<unknown>()
  fixture.groups.deleteOffsets(
    { groupId, offsets: places.map(([topic, partition]) => ({ topic, partition })) },
    later.take,
  )
  fixture.turn.flush()
  return later.value
}

/** Time passes in steps, while members beat. */
function pass(fixture: GroupsFixture, ms: number, beating: readonly string[] = []): void {
  for (let passed = 0; passed < ms; passed += 600_000) {
    fixture.clock.advance(600_000)
    for (const id of beating) fixture.heartbeat('g', id, 1)
    fixture.turn.flush()
  }
}

test('positions of an empty group expire a week after it became empty, and the group with them', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g')
  commit(fixture, [at('t', 0)], member)
  fixture.leave('g', member)
  pass(fixture, week - 1_200_000)
  expect(fixture.fetch('g')).toEqual({ 't-0': 1 })
  const again = await fixture.restart()
  pass(again, 1_800_000)
  expect(again.fetch('g')).toEqual({})
  expect(again.groups.describeGroup('g').state).toBe('Dead')
  const last = await again.restart()
  expect(last.groups.listGroups({ states: [], types: [] }).groups).toEqual([])
})

test('positions of a group without members ever expire one by one, a week after their commit', async () => {
  const fixture = await GroupsFixture.start()
  commit(fixture, [at('t', 0)])
  pass(fixture, week / 2)
  commit(fixture, [at('t', 1)])
  pass(fixture, week / 2)
  expect(fixture.fetch('g')).toEqual({ 't-1': 1 })
  pass(fixture, week / 2)
  expect(fixture.groups.describeGroup('g').state).toBe('Dead')
})

test('while consumers are in, only positions of topics that nobody wants expire', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g', 1, wanting('wanted'))
  commit(fixture, [at('wanted', 0), at('other', 0)], member)
  pass(fixture, week + 600_000, [member])
  expect(fixture.fetch('g')).toEqual({ 'wanted-0': 1 })
})

test('while members of another protocol are in, nothing expires', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g', 1, { protocolType: 'connect', sessionTimeoutMs: 1_800_000 })
  commit(fixture, [at('t', 0)], member)
  pass(fixture, week + 600_000, [member])
  expect(fixture.fetch('g')).toEqual({ 't-0': 1 })
})

test('a position that an open transaction is about to replace does not expire', async () => {
  const fixture = await GroupsFixture.start()
  commit(fixture, [at('t', 0)])
  fixture.commit('g', [{ ...at('t', 0), offset: 5 }], { producerId: 7 })
  pass(fixture, week + 600_000)
  expect(fixture.fetch('g')).toEqual({ 't-0': 1 })
})

test('an empty group without positions goes with the next look', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g')
  fixture.leave('g', member)
  pass(fixture, 600_000)
  expect(fixture.groups.describeGroup('g').state).toBe('Dead')
})

test('very many groups are looked through in portions', async () => {
  const fixture = await GroupsFixture.start()
  for (let index = 0; index < 1000; index++) fixture.commit(`g${index}`, [at('t', 0)], { retentionMs: 1000 })
  fixture.turn.flush()
  fixture.clock.advance(600_000)
  expect(fixture.state.groups.size).toBe(800)
  fixture.clock.advance(100)
  expect(fixture.state.groups.size).toBe(0)
  fixture.turn.flush()
})

test('with a topic its positions go from every group, but not those of its successor', async () => {
  const fixture = await GroupsFixture.start()
  const [old, young] = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAg']
  commit(fixture, [at('t', 0, old), at('t', 1, young), at('t', 2), at('u', 0, old)])
  fixture.groups.topicsDeleted([{ name: 't', id: old }])
  fixture.turn.flush()
  expect(fixture.fetch('g')).toEqual({ 't-1': 1, 'u-0': 1 })
  expect((await fixture.restart()).fetch('g')).toEqual({ 't-1': 1, 'u-0': 1 })
})

test('OffsetDelete takes single positions, except those of topics that members want', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g', 1, wanting('wanted'))
  commit(fixture, [at('wanted', 0), at('t', 0), at('t', 1)], member)
  expect(deleteOffsets(fixture, 'g', ['wanted', 0], ['t', 0], ['t', 7])).toEqual({
    errors: ['GROUP_SUBSCRIBED_TO_TOPIC', 'NONE', 'NONE'],
  })
  expect(fixture.fetch('g')).toEqual({ 'wanted-0': 1, 't-1': 1 })
})

test('OffsetDelete from other protocols only while nobody is in', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g', 1, { protocolType: 'connect' })
  commit(fixture, [at('t', 0)], member)
  expect(deleteOffsets(fixture, 'g', ['t', 0])).toEqual({ error: 'NON_EMPTY_GROUP' })
  fixture.leave('g', member)
  expect(deleteOffsets(fixture, 'g', ['t', 0])).toEqual({ errors: ['NONE'] })
  expect(deleteOffsets(fixture, 'who', ['t', 0])).toEqual({ error: 'GROUP_ID_NOT_FOUND' })
  expect(deleteOffsets(fixture, '', ['t', 0])).toEqual({ error: 'INVALID_GROUP_ID' })
})

test('consumers whose metadata make no sense are taken to want every topic', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g', 1, { protocols: new Map([['range', Buffer.from([0])]]) })
  commit(fixture, [at('t', 0)], member)
  expect(deleteOffsets(fixture, 'g', ['t', 0])).toEqual({ errors: ['GROUP_SUBSCRIBED_TO_TOPIC'] })
})

test('DeleteGroups forgets a group with all its positions, pending ones too, but none that has members', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g')
  commit(fixture, [at('t', 0)], member)
  expect(deleteGroup(fixture, 'g')).toBe('NON_EMPTY_GROUP')
  fixture.leave('g', member)
  fixture.commit('g', [at('t', 3)], { producerId: 7 })
  fixture.turn.flush()
  expect(deleteGroup(fixture, 'g')).toBe('NONE')
  for (const one of [fixture, await GroupsFixture.start(fixture.log.reopened())]) {
    expect(one.fetch('g', ['t-0', 't-3'], true)).toEqual({ 't-0': -1, 't-3': -1 })
    expect(one.groups.describeGroup('g')).toMatchObject({ error: 'GROUP_ID_NOT_FOUND', state: 'Dead' })
    expect(deleteGroup(one, 'g')).toBe('GROUP_ID_NOT_FOUND')
  }
})
