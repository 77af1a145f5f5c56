import { expect, test } from 'vitest'
import { GroupsFixture } from '../../support/groups-fixture.ts'

const at = (offset: number, partition = 0): { topic: string; partition: number; offset: number } => ({
  topic: 't',
  partition,
  offset,
})

async function committed(
  fixture: GroupsFixture,
  ...args: Parameters<GroupsFixture['commit']>
): Promise<unknown> {
  const later = fixture.commit(...args)
  fixture.turn.flush()
  return later.value
}

test('a consumer without group management commits to a group that its commit makes', async () => {
  const fixture = await GroupsFixture.start()
  expect(await committed(fixture, 'g', [at(5), at(6, 1)])).toEqual({ errors: ['NONE', 'NONE'] })
  expect(fixture.fetch('g')).toEqual({ 't-0': 5, 't-1': 6 })
  expect(fixture.groups.listGroups({ states: [], types: [] }).groups).toEqual([
    { groupId: 'g', protocolType: '', state: 'Empty', type: 'classic' },
  ])
  const again = await fixture.restart()
  expect(again.fetch('g')).toEqual({ 't-0': 5, 't-1': 6 })
})

test('a later commit replaces an earlier one, whatever its offset', async () => {
  const fixture = await GroupsFixture.start()
  await committed(fixture, 'g', [at(9)])
  await committed(fixture, 'g', [at(3)])
  expect(fixture.fetch('g')).toEqual({ 't-0': 3 })
  expect((await fixture.restart()).fetch('g')).toEqual({ 't-0': 3 })
})

test.each([
  [8, undefined, 'ILLEGAL_GENERATION'],
  [9, undefined, 'GROUP_ID_NOT_FOUND'],
  [9, 7, 'ILLEGAL_GENERATION'],
])(
  'a member of a group that is not there (v%j, producer %j) is told %s',
  async (apiVersion, producerId, error) => {
    const fixture = await GroupsFixture.start()
    const given = {
      generation: 3,
      memberId: 'm',
      apiVersion,
      ...(producerId === undefined ? {} : { producerId }),
    }
    expect(await committed(fixture, 'g', [at(1)], given)).toEqual({ error })
  },
)

test('metadata that are too long are refused for their partition alone', async () => {
  const fixture = await GroupsFixture.start()
  const offsets = [
    { ...at(1), metadata: 'x'.repeat(4096) },
    { ...at(2, 1), metadata: 'x'.repeat(4097) },
  ]
  expect(await committed(fixture, 'g', offsets)).toEqual({ errors: ['NONE', 'OFFSET_METADATA_TOO_LARGE'] })
  expect(fixture.fetch('g')).toEqual({ 't-0': 1 })
})

test('a commit is not seen before it is replicated', async () => {
  const fixture = await GroupsFixture.start()
  await committed(fixture, 'g', [at(1)])
  fixture.log.commitsAtOnce = false
  const later = fixture.commit('g', [at(2)])
  fixture.turn.flush()
  expect(later.now).toBeUndefined()
  expect(fixture.fetch('g')).toEqual({ 't-0': 1 })
  fixture.log.commit()
  expect(later.value).toEqual({ errors: ['NONE'] })
  expect(fixture.fetch('g')).toEqual({ 't-0': 2 })
})

test('an old generation commits nothing', async () => {
  const fixture = await GroupsFixture.start()
  const [member = ''] = fixture.settle('g')
  expect(await committed(fixture, 'g', [at(1)], { memberId: member, generation: 0 })).toEqual({
    error: 'ILLEGAL_GENERATION',
  })
  expect(await committed(fixture, 'g', [at(1)])).toEqual({ error: 'UNKNOWN_MEMBER_ID' })
  expect(fixture.fetch('g')).toEqual({})
})

test('a commit with a retention of its own expires by it, and survives a restart so', async () => {
  const fixture = await GroupsFixture.start()
  await committed(fixture, 'g', [at(1)], { retentionMs: 60_000, apiVersion: 4 })
  const again = await fixture.restart()
  again.clock.advance(600_000)
  again.turn.flush()
  expect(again.fetch('g')).toEqual({})
})

test('more positions than fit one batch are committed in one request', async () => {
  const fixture = await GroupsFixture.start()
  fixture.log.mostBatchBytes = 10_000
  const offsets = Array.from({ length: 1000 }, (_, partition) => at(partition, partition))
  expect(await committed(fixture, 'g', offsets)).toEqual({ errors: offsets.map(() => 'NONE') })
  expect(Object.keys((await fixture.restart()).fetch('g'))).toHaveLength(1000)
})

test('while few replicas are in sync nothing is committed', async () => {
  const fixture = await GroupsFixture.start()
  fixture.log.refuses = 'NOT_ENOUGH_REPLICAS'
  expect(await committed(fixture, 'g', [at(1)])).toEqual({ error: 'COORDINATOR_NOT_AVAILABLE' })
  expect(fixture.fetch('g')).toEqual({})
  expect(fixture.groups.listGroups({ states: [], types: [] }).groups).toEqual([])
})
