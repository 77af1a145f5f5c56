import { expect, test } from 'vitest'
import { listReassignments, startReassignments } from '../../../client/admin/reassignments.ts'
import { errorCode } from '../../../protocol/index.ts'
import { FakeRequester } from '../../support/fake-requester.ts'

test('moves are asked for by topic, and each has a result of its own', async () => {
  const refused = {
    partitionIndex: 1,
    errorCode: errorCode('INVALID_REPLICA_ASSIGNMENT'),
    errorMessage: 'no 9',
  }
  const fake = new FakeRequester({
    AlterPartitionReassignments: [
      {
        errorCode: 0,
        errorMessage: null,
        responses: [
          { name: 'b', partitions: [{ partitionIndex: 0, errorCode: 0, errorMessage: null }] },
          { name: 'a', partitions: [refused, { partitionIndex: 0, errorCode: 0, errorMessage: null }] },
        ],
      },
    ],
  })
  const results = await startReassignments(fake.requester, [
    { topic: 'a', partition: 0, replicas: [1, 2] },
    { topic: 'b', partition: 0, replicas: null },
    { topic: 'a', partition: 1, replicas: [9] },
  ])
  expect(results).toEqual([
    { name: 'a-0', error: 'NONE', message: '' },
    { name: 'b-0', error: 'NONE', message: '' },
    { name: 'a-1', error: 'INVALID_REPLICA_ASSIGNMENT', message: 'no 9' },
  ])
  expect(fake.asked('AlterPartitionReassignments')).toMatchObject([
    {
      topics: [
        {
          name: 'a',
          partitions: [
            { partitionIndex: 0, replicas: [1, 2] },
            { partitionIndex: 1, replicas: [9] },
          ],
        },
        { name: 'b', partitions: [{ partitionIndex: 0, replicas: null }] },
      ],
    },
  ])
})

test('a refusal of all is a refusal of each', async () => {
  const { requester } = new FakeRequester({
    AlterPartitionReassignments: [
      { errorCode: errorCode('NOT_CONTROLLER'), errorMessage: 'later', responses: [] },
    ],
  })
  expect(await startReassignments(requester, [{ topic: 'a', partition: 0, replicas: [1] }])).toEqual([
    { name: 'a-0', error: 'NOT_CONTROLLER', message: 'later' },
  ])
})

test('moves in progress are told one by one', async () => {
  const moving = { partitionIndex: 3, replicas: [1, 2], addingReplicas: [2], removingReplicas: [1] }
  const { requester } = new FakeRequester({
    ListPartitionReassignments: [{ errorCode: 0, topics: [{ name: 'a', partitions: [moving] }] }],
  })
  expect(await listReassignments(requester)).toEqual([
    { topic: 'a', partition: 3, adding: [2], removing: [1] },
  ])
})
