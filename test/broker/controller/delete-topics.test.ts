import { describe, expect, test } from 'vitest'
import { deleteTopic, findMistakesInDeletion } from '../../../broker/controller/delete-topics.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { zeroUuid } from '../../../protocol/index.ts'
import { contextWith, imageAfter, withTopic } from './image-of.ts'

const image = imageAfter(withTopic(withTopic(emptyImage, 't', [{}, {}]), 'u', [{}]), [
  { kind: 'config', type: 'topic', name: 't', overrides: new Map([['retention.ms', '1']]) },
])

describe('deleting a topic', () => {
  test.each([
    { name: 't', topicId: null },
    { name: null, topicId: 'id-t' },
  ])('removes it, its partitions and its overrides: %j', topic => {
    const { changes, result } = deleteTopic(image, topic, contextWith())
    expect(result).toEqual({ name: 't', topicId: 'id-t', error: 'NONE', message: null })
    const after = imageAfter(image, changes)
    expect([...after.topicsByName.keys()]).toEqual(['u'])
    expect(after.detachedPartitions.size + after.configs.size).toBe(0)
  })

  test('says which topic is not there', () => {
    const byName = deleteTopic(image, { name: 'x', topicId: null }, contextWith())
    expect(byName).toMatchObject({ changes: [], result: { error: 'UNKNOWN_TOPIC_OR_PARTITION', name: 'x' } })
    const byId = deleteTopic(image, { name: null, topicId: 'id-x' }, contextWith())
    expect(byId).toMatchObject({ changes: [], result: { error: 'UNKNOWN_TOPIC_ID', topicId: 'id-x' } })
  })

  test('is refused where deletion is switched off', () => {
    const { changes, result } = deleteTopic(
      image,
      { name: 't', topicId: null },
      contextWith({ deletesTopics: () => false }),
    )
    expect(changes).toEqual([])
    expect(result.error).toBe('TOPIC_DELETION_DISABLED')
  })

  test('a topic is named once and in one way', () => {
    const mistakes = findMistakesInDeletion(image, [
      { name: 't', topicId: null },
      { name: null, topicId: zeroUuid },
      { name: 'u', topicId: 'id-u' },
      { name: null, topicId: 'id-t' },
      { name: 'u', topicId: null },
      { name: 'ghost', topicId: null },
      { name: 'ghost', topicId: null },
    ])
    expect([...mistakes].toSorted(([a], [b]) => a - b).map(([at, { error }]) => [at, error])).toEqual(
      [0, 1, 2, 3, 5, 6].map(at => [at, 'INVALID_REQUEST']),
    )
  })
})
