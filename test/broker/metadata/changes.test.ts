import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyChanges, emptyImage, type RevisedChange } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import type { MetadataChange, PartitionState } from '../../../broker/metadata/keys.ts'

const partition: PartitionState = {
  leader: 1,
  leaderEpoch: 0,
  isr: [1],
  replicas: [1],
  adding: [],
  removing: [],
  elr: [],
  lastKnownLeader: -1,
  directories: [],
  recovering: false,
  partitionEpoch: 0,
}

function apply(image: MetadataImage, changes: readonly MetadataChange[]): ReturnType<typeof applyChanges> {
  const revision = image.revision + 1
  const revised: RevisedChange[] = changes.map(change => ({
    change,
    createRevision: revision,
    modRevision: revision,
  }))
  return applyChanges(image, revision, revised)
}

function after(image: MetadataImage, ...changes: MetadataChange[]): MetadataImage {
  return apply(image, changes).image
}

function topicOf(id: string, name: string, partitions: number): MetadataChange[] {
  const all: MetadataChange[] = Array.from({ length: partitions }, (_, index) => ({
    kind: 'partition',
    topicId: id,
    index,
    partition,
  }))
  return [...all, { kind: 'topic', topicId: id, topic: { name, partitions } }]
}

describe('an image and its changes', () => {
  test('a topic appears with all its partitions when its own key does', () => {
    const [first, second, header] = topicOf('id', 't', 2) as [MetadataChange, MetadataChange, MetadataChange]
    const half = after(after(emptyImage, first), second)
    expect(half.topicsById.size).toBe(0)
    expect(half.detachedPartitions.get('id')?.size).toBe(2)
    const whole = after(half, header)
    expect(whole.topicsByName.get('t')).toBe(whole.topicsById.get('id'))
    expect(whole.topicsByName.get('t')).toMatchObject({ id: 'id', name: 't', modRevision: 3 })
    expect(whole.topicsByName.get('t')?.partitions.map(one => one.modRevision)).toEqual([1, 2])
    expect(whole.detachedPartitions.size).toBe(0)
  })

  test('the order of changes in one revision does not matter', () => {
    const before = after(emptyImage, ...topicOf('old', 't', 3), ...topicOf('other', 'u', 2))
    const changes: MetadataChange[] = [
      ...topicOf('new', 't', 2),
      { kind: 'topic', topicId: 'old', topic: null },
      { kind: 'partition', topicId: 'old', index: 0, partition: null },
      { kind: 'partition', topicId: 'old', index: 1, partition: null },
      { kind: 'partition', topicId: 'old', index: 2, partition: null },
      { kind: 'topic', topicId: 'other', topic: { name: 'u', partitions: 3 } },
      { kind: 'partition', topicId: 'other', index: 2, partition },
      { kind: 'partition', topicId: 'other', index: 0, partition: { ...partition, leaderEpoch: 5 } },
    ]
    const expected = apply(before, changes).image
    expect(expected.topicsByName.get('t')).toMatchObject({ id: 'new' })
    expect(expected.topicsByName.get('u')?.partitions.map(one => one.leaderEpoch)).toEqual([5, 0, 0])
    expect(expected.detachedPartitions.size).toBe(0)
    const shuffled = fc.shuffledSubarray(changes, { minLength: changes.length })
    fc.assert(
      fc.property(shuffled, order => {
        const image = apply(before, order).image
        expect(new Map(image.topicsByName)).toEqual(new Map(expected.topicsByName))
        expect([...image.topicsById.keys()].toSorted()).toEqual([...expected.topicsById.keys()].toSorted())
      }),
    )
  })

  test('partitions of a topic that grows are aside until the topic counts them', () => {
    const before = after(emptyImage, ...topicOf('id', 't', 1))
    const growing = apply(before, [{ kind: 'partition', topicId: 'id', index: 1, partition }])
    expect(growing.image.topicsById.get('id')).toBe(before.topicsById.get('id'))
    expect(growing.changed.topics.size).toBe(0)
    const grown = after(growing.image, { kind: 'topic', topicId: 'id', topic: { name: 't', partitions: 2 } })
    expect(grown.topicsById.get('id')?.partitions).toHaveLength(2)
  })

  test('partitions of a deleted topic are aside until their keys are gone', () => {
    const before = after(emptyImage, ...topicOf('id', 't', 2))
    const deleted = apply(before, [{ kind: 'topic', topicId: 'id', topic: null }])
    expect(deleted.image.topicsByName.has('t')).toBe(false)
    expect(deleted.changed.topics).toEqual(new Set(['id']))
    expect([...(deleted.image.detachedPartitions.get('id')?.keys() ?? [])]).toEqual([0, 1])
    const gone = after(
      deleted.image,
      { kind: 'partition', topicId: 'id', index: 0, partition: null },
      { kind: 'partition', topicId: 'id', index: 1, partition: null },
    )
    expect(gone.detachedPartitions.size).toBe(0)
  })

  test('what does not change is the same object, and what does is named', () => {
    const before = after(emptyImage, ...topicOf('a', 't', 2), ...topicOf('b', 'u', 2))
    const { image, changed } = apply(before, [
      { kind: 'partition', topicId: 'a', index: 1, partition: { ...partition, leader: 2 } },
    ])
    expect(image.topicsById.get('b')).toBe(before.topicsById.get('b'))
    expect(image.topicsById.get('a')?.partitions[0]).toBe(before.topicsById.get('a')?.partitions[0])
    expect(image.topicsById.get('a')?.partitions[1]?.leader).toBe(2)
    expect(before.topicsById.get('a')?.partitions[1]?.leader).toBe(1)
    expect(image.configs).toBe(before.configs)
    expect(changed).toMatchObject({
      topics: new Set(['a']),
      brokers: new Set(),
      controller: false,
      features: false,
    })
  })

  test('a partition whose key is missing stands as offline in its place', () => {
    const image = after(emptyImage, { kind: 'topic', topicId: 'a', topic: { name: 't', partitions: 2 } })
    expect(image.topicsById.get('a')?.partitions.map(one => one.leader)).toEqual([-1, -1])
    const repaired = after(image, { kind: 'partition', topicId: 'a', index: 1, partition })
    expect(repaired.topicsById.get('a')?.partitions.map(one => one.leader)).toEqual([-1, 1])
  })

  test('a broker is fenced until the controller has let in exactly this registration', () => {
    const registration = {
      incarnationId: 'i',
      listeners: [],
      control: null,
      rack: 'r',
      logDirectories: [],
      cordoned: false,
      previousEpoch: -1,
      features: [],
      minInsyncReplicas: 1,
    }
    const state = {
      admittedEpoch: 1,
      cleanStopEpoch: -1,
      incarnationId: null,
      stoppingEpoch: -1,
      listeners: [],
      rack: 'r',
      cordoned: false,
    }
    const registered = after(emptyImage, { kind: 'broker', id: 7, registration })
    expect(registered.brokers.get(7)).toMatchObject({ epoch: 1, fenced: true, rack: 'r' })
    const admitted = apply(registered, [{ kind: 'brokerState', id: 7, state }])
    expect(admitted.image.brokers.get(7)).toMatchObject({ epoch: 1, fenced: false, cordoned: false })
    expect(admitted.changed.brokers).toEqual(new Set([7]))
    const cordoned = after(admitted.image, {
      kind: 'brokerState',
      id: 7,
      state: { ...state, cordoned: true },
    })
    expect(cordoned.brokers.get(7)?.cordoned).toBe(true)
    const left = after(cordoned, { kind: 'broker', id: 7, registration: null })
    expect(left.brokers.has(7)).toBe(false)
    expect(left.brokerStates.get(7)?.admittedEpoch).toBe(1)
    const back = after(left, { kind: 'broker', id: 7, registration })
    expect(back.brokers.get(7)).toMatchObject({ epoch: 5, fenced: true })
  })

  test('features have an epoch that grows with every change', () => {
    const first = after(emptyImage, { kind: 'features', finalized: new Map([['metadata.version', 30]]) })
    const second = after(first, {
      kind: 'features',
      finalized: new Map([
        ['metadata.version', 30],
        ['group.version', 1],
      ]),
    })
    expect(second.features.epoch).toBeGreaterThan(first.features.epoch)
    expect(second.features.finalized.get('group.version')).toBe(1)
  })
})
