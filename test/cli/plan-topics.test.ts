import { describe, expect, test } from 'vitest'
import { type ActualTopic, describeStep, planTopic, type WantedTopic } from '../../cli/plan-topics.ts'

const settings = (pairs: Record<string, string>) => new Map(Object.entries(pairs))

function wanted(changes: Partial<WantedTopic> = {}): WantedTopic {
  return {
    name: 'orders',
    partitions: 3,
    replicationFactor: 1,
    settings: settings({ 'retention.ms': '1000' }),
    driftPolicy: 'Enforce',
    ...changes,
  }
}

function actual(changes: Partial<ActualTopic> = {}): ActualTopic {
  return { partitions: 3, replicationFactor: 1, settings: settings({ 'retention.ms': '1000' }), ...changes }
}

function sentences(want: WantedTopic, is: ActualTopic | undefined, applied: string[] = []): string[] {
  return planTopic(want, is, applied).map(describeStep)
}

test('a topic that is missing is created', () => {
  expect(planTopic(wanted(), undefined, [])).toEqual([{ kind: 'create', topic: wanted() }])
})

test('a topic that is as it should be is left alone', () => {
  expect(sentences(wanted(), actual())).toEqual(['Topic orders: as it should be.'])
  const unmanaged = wanted({ partitions: undefined, replicationFactor: undefined })
  expect(sentences(unmanaged, actual({ partitions: 9, replicationFactor: 3 }))).toEqual([
    'Topic orders: as it should be.',
  ])
})

test('partitions grow and never shrink', () => {
  expect(sentences(wanted({ partitions: 5 }), actual())).toEqual(['Topic orders: from 3 to 5 partitions.'])
  expect(sentences(wanted({ partitions: 2 }), actual())).toEqual([
    'Topic orders has 3 partitions; it cannot shrink to 2, because records would be lost.',
  ])
})

test('one refusal does not keep the rest from being done', () => {
  const want = wanted({ partitions: 2, replicationFactor: 3, settings: settings({ 'retention.ms': '5' }) })
  expect(planTopic(want, actual(), []).map(({ kind }) => kind)).toEqual(['refuse', 'refuse', 'alterSettings'])
})

describe('settings', () => {
  test('those that differ are set', () => {
    const want = wanted({ settings: settings({ 'retention.ms': '2000', 'cleanup.policy': 'compact' }) })
    expect(sentences(want, actual())).toEqual([
      'Topic orders: retention.ms = 2000 (was 1000), cleanup.policy = compact.',
    ])
  })

  test('those that an earlier run set and the manifest no longer names go back to the default', () => {
    expect(sentences(wanted({ settings: new Map() }), actual(), ['retention.ms'])).toEqual([
      'Topic orders: retention.ms back to its default (was 1000).',
    ])
  })

  test('those that others set are left alone', () => {
    expect(sentences(wanted({ settings: new Map() }), actual())).toEqual(['Topic orders: as it should be.'])
  })
})

test('where differences are only to be reported, nothing is done', () => {
  const steps = planTopic(wanted({ partitions: 5, driftPolicy: 'Report' }), actual(), [])
  expect(steps).toEqual([
    {
      kind: 'refuse',
      name: 'orders',
      sentence: 'Topic orders: from 3 to 5 partitions. Not done, because driftPolicy is Report.',
    },
  ])
})
