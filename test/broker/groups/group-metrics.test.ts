import { expect, test } from 'vitest'
import { groupMetrics } from '../../../broker/groups/group-metrics.ts'
import { GroupsFixture } from '../../support/groups-fixture.ts'

const nowMs = 1_700_000_000_000

/** What a scrape finds under `name`: labels as text → value. */
function scraped(fixture: GroupsFixture, name: string): Map<string, number> {
  const metrics = groupMetrics({
    shards: () => [fixture.shard],
    highWatermark: topic => (topic === 'elsewhere' ? undefined : 100),
    // The record at offset n is n seconds old; nobody knows of those from 90 on.
    timeOfRecord: (_topic, _partition, offset) => (offset < 90 ? nowMs - 1000 * offset : undefined),
    lagElsewhere: (_group, topic, partition) =>
      topic === 'elsewhere' && partition === 0 ? { records: 7, seconds: 3 } : undefined,
    nowMs: () => nowMs,
  })
  const samples = new Map<string, number>()
  metrics
    .find(metric => metric.name === name)
    ?.collect((value, labels = {}) => samples.set(Object.values(labels).join(' '), value))
  return samples
}

function commit(
  fixture: GroupsFixture,
  group: string,
  offsets: readonly { topic: string; partition: number; offset: number }[],
): void {
  const later = fixture.commit(group, offsets)
  fixture.turn.flush()
  expect(later.value).toEqual({ errors: offsets.map(() => 'NONE') })
}

test('lag is told in records and in seconds, wherever the leader is that knows it', async () => {
  const fixture = await GroupsFixture.start()
  commit(fixture, 'g', [
    { topic: 't', partition: 0, offset: 40 },
    { topic: 't', partition: 1, offset: 100 },
    { topic: 't', partition: 2, offset: 95 },
    { topic: 'elsewhere', partition: 0, offset: 1 },
    { topic: 'elsewhere', partition: 1, offset: 1 },
  ])
  expect(scraped(fixture, 'kafka_consumergroup_lag')).toEqual(
    new Map([
      ['g t 0', 60],
      ['g t 1', 0],
      ['g t 2', 5],
      ['g elsewhere 0', 7],
    ]),
  )
  expect(scraped(fixture, 'kafka_consumergroup_lag_seconds')).toEqual(
    new Map([
      ['g t 0', 40],
      ['g t 1', 0],
      ['g elsewhere 0', 3],
    ]),
  )
  expect(scraped(fixture, 'kafka_consumergroup_current_offset').get('g elsewhere 0')).toBe(1)
})

test('a scrape stays small however many groups and positions there are; the totals count them all', async () => {
  const fixture = await GroupsFixture.start()
  for (let group = 0; group < 60; group++) {
    const offsets = Array.from({ length: 100 }, (_, partition) => ({ topic: 't', partition, offset: 1 }))
    commit(fixture, `g${group}`, offsets)
  }
  commit(fixture, 'n'.repeat(250), [{ topic: 't', partition: 0, offset: 1 }])
  for (const name of ['current_offset', 'lag', 'lag_seconds']) {
    expect(scraped(fixture, `kafka_consumergroup_${name}`).size, name).toBe(5000)
  }
  expect(scraped(fixture, 'kafka_coordinator_group_groupmetadatamanager_numoffsets').get('')).toBe(6001)
  expect(scraped(fixture, 'kafka_coordinator_group_groupmetadatamanager_numgroups').get('')).toBe(61)
})
