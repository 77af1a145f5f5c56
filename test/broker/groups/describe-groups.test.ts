import { expect, test } from 'vitest'
import { GroupsFixture } from '../../support/groups-fixture.ts'

test('groups are listed by state and type, in any case', async () => {
  const fixture = await GroupsFixture.start()
  fixture.settle('stable')
  fixture.join('joining')
  fixture.commit('simple', [{ topic: 't', partition: 0, offset: 1 }])
  fixture.turn.flush()
  const ids = (states: string[], types: string[] = []): string[] =>
    fixture.groups
      .listGroups({ states, types })
      .groups.map(({ groupId }) => groupId)
      .sort()
  expect(ids([])).toEqual(['joining', 'simple', 'stable'])
  expect(ids(['sTABLE', 'EMPTY'])).toEqual(['simple', 'stable'])
  expect(ids(['preparingrebalance'])).toEqual(['joining'])
  expect(ids(['Reconciling'])).toEqual([])
  expect(ids([], ['Classic'])).toEqual(['joining', 'simple', 'stable'])
  expect(ids([], ['share'])).toEqual([])
})

test('what members want and have is shown of a stable group only', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g')
  expect(fixture.groups.describeGroup('g')).toMatchObject({
    error: 'NONE',
    state: 'Stable',
    protocol: 'range',
    members: [
      {
        memberId: member,
        clientId: 'app',
        metadata: Buffer.from('wants'),
        assignment: Buffer.from('part 0'),
      },
    ],
  })
  fixture.join('g')
  expect(fixture.groups.describeGroup('g')).toMatchObject({
    state: 'PreparingRebalance',
    protocol: '',
    members: [{ memberId: member, metadata: Buffer.alloc(0), assignment: Buffer.alloc(0) }, {}],
  })
})

test('a group that is not there is dead', async () => {
  const fixture = await GroupsFixture.start()
  expect(fixture.groups.describeGroup('who')).toEqual({
    error: 'GROUP_ID_NOT_FOUND',
    message: 'Group who not found.',
    groupId: 'who',
    state: 'Dead',
    protocolType: '',
    protocol: '',
    members: [],
  })
})
