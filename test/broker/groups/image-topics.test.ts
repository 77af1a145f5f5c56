import { expect, test } from 'vitest'
import { ImageTopics } from '../../../broker/groups/image-topics.ts'
import type { MetadataImage, PartitionImage, TopicImage } from '../../../broker/metadata/image.ts'
import { hashOfTopics } from '../../../broker/groups/group-topics.ts'
import { idOfTopic } from '../../support/consumer-group-bench.ts'

function topic(name: string, partitions: number, replicas: readonly number[] = [1]): TopicImage {
  return {
    id: idOfTopic(name),
    name,
    partitions: Array.from({ length: partitions }, () => ({ replicas }) as unknown as PartitionImage),
    modRevision: 1,
  }
}

function image(revision: number, topics: readonly TopicImage[], racks: readonly (string | null)[] = [null]) {
  return {
    revision,
    brokers: new Map(racks.map((rack, index) => [index + 1, { id: index + 1, rack }])),
    topicsByName: new Map(topics.map(one => [one.name, one])),
    topicsById: new Map(topics.map(one => [one.id, one])),
  } as unknown as MetadataImage
}

function watched(first: MetadataImage) {
  const world = { image: first }
  return { world, topics: new ImageTopics(() => world.image) }
}

test('topics stay the same object as long as nothing that matters to groups changes', () => {
  const first = image(1, [topic('t', 2)])
  const { world, topics } = watched(first)
  const seen = topics.current
  expect(topics.current).toBe(seen)
  world.image = { ...first, revision: 2 }
  expect(topics.current).toBe(seen)
  world.image = image(3, [topic('t', 3)])
  expect(topics.current).not.toBe(seen)
  expect(topics.current.byName('t')).toMatchObject({ partitionCount: 3, racks: [] })
  expect(topics.current.byId(idOfTopic('t'))?.name).toBe('t')
  expect([...topics.current.names()]).toEqual(['t'])
})

test('the revision of names is that of the last topic that came or went, however rarely it is asked', () => {
  const { world, topics } = watched(image(1, [topic('t', 1)]))
  expect(topics.current.namesRevision).toBe(1)
  for (let revision = 2; revision < 6; revision++) {
    world.image = image(revision, [topic('t', revision)])
    expect(topics.current.revision).toBe(revision)
  }
  expect(topics.current.namesRevision).toBe(1)
  world.image = image(6, [topic('t', 6), topic('u', 1)])
  expect(topics.current.revision).toBe(6)
  world.image = image(7, [topic('t', 7), topic('u', 1)])
  expect(topics.current.namesRevision).toBe(6)
  world.image = image(8, [topic('u', 1)])
  expect(topics.current.namesRevision).toBe(8)
})

test('racks of replicas are part of what a group is told, and of the hash', () => {
  const { world, topics } = watched(image(1, [topic('t', 1, [1, 2])], ['east', 'west']))
  const before = hashOfTopics(['t'], topics.current)
  expect(topics.current.byName('t')?.racks).toEqual([['east', 'west']])
  world.image = image(2, [topic('t', 1, [1, 2])], ['east', 'east'])
  expect(topics.current.byName('t')?.racks).toEqual([['east']])
  expect(hashOfTopics(['t'], topics.current)).not.toBe(before)
  expect(hashOfTopics(['t', 'missing'], topics.current)).toBe(hashOfTopics(['t'], topics.current))
  expect(hashOfTopics(['missing'], topics.current)).toBe(0n)
})
