import { expect, test } from 'vitest'
import { buildEndTransactionMarker, zeroUuid } from '../../../protocol/index.ts'
import { GroupsFixture } from '../../support/groups-fixture.ts'

const at = (offset: number, partition = 0): { topic: string; partition: number; offset: number } => ({
  topic: 't',
  partition,
  offset,
})

test('a group that is not there has no positions, which is no error', async () => {
  const fixture = await GroupsFixture.start()
  expect(fixture.fetch('g', ['t-0'])).toEqual({ 't-0': -1 })
  expect(fixture.fetch('g')).toEqual({})
})

test('everything that was committed comes back, with epoch and metadata', async () => {
  const fixture = await GroupsFixture.start()
  fixture.commit('g', [{ ...at(4), metadata: 'from here' }])
  fixture.turn.flush()
  const topics = [{ name: 't', topicId: zeroUuid, partitions: [0, 1] }]
  const asked = { groupId: 'g', topics, requireStable: false, member: { id: null, epoch: -1 } }
  expect(fixture.groups.fetchOffsets(asked).topics[0]?.partitions).toEqual([
    { partition: 0, offset: 4, leaderEpoch: 5, metadata: 'from here', error: 'NONE' },
    { partition: 1, offset: -1, leaderEpoch: -1, metadata: '', error: 'NONE' },
  ])
})

test('positions of a topic that was deleted and made anew are not given', async () => {
  const fixture = await GroupsFixture.start()
  fixture.commit('g', [{ ...at(4), topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }])
  fixture.turn.flush()
  const ask = (topicId: string): number | undefined =>
    fixture.groups.fetchOffsets({
      groupId: 'g',
      topics: [{ name: 't', topicId, partitions: [0] }],
      requireStable: false,
      member: { id: null, epoch: -1 },
    }).topics[0]?.partitions[0]?.offset
  expect(ask('AAAAAAAAAAAAAAAAAAAAAQ')).toBe(4)
  expect(ask('AAAAAAAAAAAAAAAAAAAAAg')).toBe(-1)
  expect(ask(zeroUuid)).toBe(4)
})

/** The marker as the partition's owner would write and apply it. */
function endTransaction(fixture: GroupsFixture, producerId: number, outcome: 'commit' | 'abort'): void {
  fixture.log.append(
    buildEndTransactionMarker({ outcome, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestampMs: 1 }),
  )
  fixture.state.offsets.endTransaction(producerId, outcome)
}

test.each(['commit', 'abort'] as const)('positions of a transaction wait for its end: %s', async outcome => {
  const fixture = await GroupsFixture.start()
  fixture.commit('g', [at(1)])
  fixture.commit('g', [at(5), at(6, 1)], { producerId: 7 })
  fixture.turn.flush()
  for (const one of [fixture, await GroupsFixture.start(fixture.log.reopened())]) {
    expect(one.fetch('g', ['t-0', 't-1'])).toEqual({ 't-0': 1, 't-1': -1 })
    expect(one.fetch('g', ['t-0', 't-1', 't-2'], true)).toEqual({
      't-0': 'UNSTABLE_OFFSET_COMMIT',
      't-1': 'UNSTABLE_OFFSET_COMMIT',
      't-2': -1,
    })
  }
  endTransaction(fixture, 7, outcome)
  const after = outcome === 'commit' ? { 't-0': 5, 't-1': 6 } : { 't-0': 1, 't-1': -1 }
  for (const one of [fixture, await GroupsFixture.start(fixture.log.reopened())]) {
    expect(one.fetch('g', ['t-0', 't-1'], true)).toEqual(after)
  }
})

test('a commit outside the transaction that came later is not undone by its end', async () => {
  const fixture = await GroupsFixture.start()
  fixture.commit('g', [at(5)], { producerId: 7 })
  fixture.commit('g', [at(9)])
  fixture.turn.flush()
  endTransaction(fixture, 7, 'commit')
  expect(fixture.fetch('g', ['t-0'], true)).toEqual({ 't-0': 9 })
})
