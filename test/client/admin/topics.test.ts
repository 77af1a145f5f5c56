import { expect, test } from 'vitest'
import { addPartitions, createNewTopics, describeTopics } from '../../../client/admin/topics.ts'
import { errorCode } from '../../../protocol/index.ts'
import { FakeRequester } from '../../support/fake-requester.ts'

test('topics that do not exist are left out, and none is created by asking', async () => {
  const requester = new FakeRequester({
    Metadata: [
      {
        topics: [
          {
            errorCode: 0,
            name: 'a',
            partitions: [
              { leaderId: 1, replicaNodes: [1, 2] },
              { leaderId: -1, replicaNodes: [1, 2] },
            ],
          },
          { errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION'), name: 'b', partitions: [] },
        ],
      },
    ],
  })
  expect(await describeTopics(requester.requester, ['a', 'b'])).toEqual([
    { name: 'a', partitions: 2, replicationFactor: 2, hasLeaders: false },
  ])
  expect(requester.asked('Metadata')).toMatchObject([{ allowAutoTopicCreation: false }])
})

test('a refusal has its name and a sentence, even when the broker gave none', async () => {
  const requester = new FakeRequester({
    CreateTopics: [
      { topics: [{ name: 'a', errorCode: errorCode('TOPIC_ALREADY_EXISTS'), errorMessage: null }] },
    ],
    CreatePartitions: [{ results: [{ name: 'a', errorCode: 0, errorMessage: null }] }],
  })
  const [created] = await createNewTopics(requester.requester, [{ name: 'a', settings: new Map() }])
  expect(created).toMatchObject({ name: 'a', error: 'TOPIC_ALREADY_EXISTS' })
  expect(created?.message).not.toBe('')
  expect(await addPartitions(requester.requester, [{ name: 'a', partitions: 4 }])).toEqual([
    { name: 'a', error: 'NONE', message: '' },
  ])
  expect(requester.asked('CreatePartitions')).toMatchObject([
    { topics: [{ name: 'a', count: 4, assignments: null }] },
  ])
})
