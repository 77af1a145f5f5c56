import { expect, test } from 'vitest'
import { mostOfLargeGroups } from '../../../broker/groups/join-memory.ts'
import type { ErrorName } from '../../../protocol/index.ts'
import { GroupsFixture } from '../../support/groups-fixture.ts'

const large = new Map([['range', Buffer.alloc(10_000_000)]])
const fitting = Math.floor(mostOfLargeGroups / 10_000_000)

/** Joins that came through wait for others, or know their generation. */
function join(fixture: GroupsFixture, group: string, given: Parameters<GroupsFixture['join']>[1]): ErrorName {
  return fixture.join(group, given).now?.error ?? 'NONE'
}

test('many groups of 10 MB of metadata cannot fill the memory, and make room again when they go', async () => {
  const fixture = await GroupsFixture.start()
  for (let group = 0; group < fitting; group++) {
    expect(join(fixture, `g${group}`, { protocols: large })).toBe('NONE')
  }
  expect(join(fixture, 'one-too-many', { protocols: large })).toBe('GROUP_MAX_SIZE_REACHED')
  expect(join(fixture, 'ordinary', {})).toBe('NONE')
  fixture.clock.advance(10 * 60_000)
  fixture.turn.flush()
  expect(join(fixture, 'one-too-many', { protocols: large })).toBe('NONE')
})

test('many members of one group neither', async () => {
  const fixture = await GroupsFixture.start()
  for (let member = 0; member < fitting; member++) {
    expect(join(fixture, 'g', { protocols: large })).toBe('NONE')
  }
  expect(join(fixture, 'g', { protocols: large })).toBe('GROUP_MAX_SIZE_REACHED')
})

test('who holds much may say the same again', async () => {
  const fixture = await GroupsFixture.start()
  const members = Array.from({ length: fitting }, () => fixture.join('g', { protocols: large }))
  for (let rounds = 0; rounds < 100 && members[0]?.now === undefined; rounds++) fixture.clock.advance(3000)
  const memberId = members[1]?.value.memberId ?? ''
  expect(join(fixture, 'g', { memberId, protocols: large })).toBe('NONE')
})

test('a group that fits a record is let in whatever others hold', async () => {
  const fixture = await GroupsFixture.start()
  for (let member = 0; member < fitting; member++) join(fixture, 'g', { protocols: large })
  const protocols = new Map([['range', Buffer.alloc(1_000_000)]])
  expect(join(fixture, 'other', { protocols })).toBe('NONE')
})
