import { expect, test } from 'vitest'
import { describePartitions } from '../../../client/admin/partitions.ts'
import { errorCode } from '../../../protocol/index.ts'
import { FakeRequester } from '../../support/fake-requester.ts'

test('partitions come in order, and topics that do not exist not at all', async () => {
  const partition = (partitionIndex: number) => ({
    partitionIndex,
    leaderId: 1,
    replicaNodes: [1, 2],
    isrNodes: [1],
  })
  const topics = [
    { errorCode: 0, name: 'a', topicId: 'id', isInternal: false, partitions: [partition(1), partition(0)] },
    { errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION'), name: 'b', partitions: [] },
  ]
  const fake = new FakeRequester({ Metadata: [{ topics }, { topics: [] }] })
  expect(await describePartitions(fake.requester, ['a', 'b'])).toEqual([
    {
      name: 'a',
      id: 'id',
      isInternal: false,
      partitions: [0, 1].map(index => ({ index, leader: 1, replicas: [1, 2], inSync: [1] })),
    },
  ])
  await describePartitions(fake.requester)
  expect(fake.asked('Metadata')).toMatchObject([{ topics: [{ name: 'a' }, { name: 'b' }] }, { topics: null }])
})
