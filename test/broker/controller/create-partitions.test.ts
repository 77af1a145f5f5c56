import { describe, expect, test } from 'vitest'
import { countAddedPartitions, createPartitions } from '../../../broker/controller/create-partitions.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { contextWith, imageAfter, withBroker, withTopic } from './image-of.ts'

const image = withTopic(withBroker(withBroker(emptyImage, 1), 2), 't', [
  { leader: 1, replicas: [1, 2], isr: [1, 2] },
  { leader: 2, replicas: [2, 1], isr: [2, 1] },
])

function resultOf(name: string, count: number, assignments: number[][] | null = null): string[] {
  const { changes, result } = createPartitions(image, { name, count, assignments }, contextWith())
  if (result.error !== 'NONE') expect(changes).toEqual([])
  return [result.error, result.message ?? '']
}

describe('creating partitions', () => {
  test('adds partitions with the replication factor of the first, and counts them last', () => {
    const { changes, result } = createPartitions(
      image,
      { name: 't', count: 5, assignments: null },
      contextWith(),
    )
    expect(result).toEqual({ name: 't', error: 'NONE', message: null })
    expect(changes.at(-1)).toMatchObject({ kind: 'topic', topic: { partitions: 5 } })
    const { partitions } = imageAfter(image, changes).topicsByName.get('t')!
    expect(partitions).toHaveLength(5)
    expect(partitions[0]).toBe(image.topicsByName.get('t')?.partitions[0])
    for (const partition of partitions.slice(2))
      expect(partition.replicas.toSorted((a, b) => a - b)).toEqual([1, 2])
  })

  test('takes replica lists given by hand', () => {
    const { changes } = createPartitions(image, { name: 't', count: 3, assignments: [[2, 1]] }, contextWith())
    expect(imageAfter(image, changes).topicsByName.get('t')?.partitions[2]).toMatchObject({
      leader: 2,
      replicas: [2, 1],
    })
  })

  test('says what is wrong', () => {
    expect(resultOf('nobody', 3)[0]).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(resultOf('t', 2)).toEqual(['INVALID_PARTITIONS', 'Topic already has 2 partition(s).'])
    expect(resultOf('t', 1)).toEqual([
      'INVALID_PARTITIONS',
      'The topic t currently has 2 partition(s); 1 would not be an increase.',
    ])
    expect(resultOf('t', -1)[0]).toBe('INVALID_PARTITIONS')
    expect(resultOf('t', 4, [[1, 2]])).toEqual([
      'INVALID_REPLICA_ASSIGNMENT',
      'Attempted to add 2 additional partition(s), but 1 assignment(s) were specified.',
    ])
    expect(resultOf('t', 3, [[1]])[0]).toBe('INVALID_REPLICA_ASSIGNMENT')
    expect(resultOf('t', 3, [[1, 7]])[1]).toContain('partition 2 includes broker 7')
  })

  test('counts what a request would add', () => {
    const more = (name: string, count: number): { name: string; count: number; assignments: null } => ({
      name,
      count,
      assignments: null,
    })
    expect(countAddedPartitions(image, [more('t', 12), more('nobody', 99), more('t', 1)])).toBe(10)
  })
})
