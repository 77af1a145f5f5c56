import { expect, test } from 'vitest'
import { describeCluster, describePartitions } from '../../../client/admin/cluster.ts'
import { errorCode } from '../../../protocol/index.ts'
import { FakeRequester } from '../../support/fake-requester.ts'

test('brokers are told with those that are fenced', async () => {
  const broker = { brokerId: 1, host: 'b1', port: 9091, rack: 'a', isFenced: true }
  const { requester } = new FakeRequester({
    DescribeCluster: [{ errorCode: 0, clusterId: 'c', controllerId: 2, brokers: [broker] }],
  })
  expect(await describeCluster(requester)).toEqual({
    clusterId: 'c',
    controllerId: 2,
    brokers: [{ id: 1, host: 'b1', port: 9091, rack: 'a', isFenced: true }],
  })
})

test('a broker that refuses is told in a sentence', async () => {
  const refusal = {
    errorCode: errorCode('CLUSTER_AUTHORIZATION_FAILED'),
    errorMessage: 'not you',
    brokers: [],
  }
  const { requester } = new FakeRequester({ DescribeCluster: [refusal] })
  await expect(describeCluster(requester)).rejects.toThrow(
    'The cluster was not described: not you (CLUSTER_AUTHORIZATION_FAILED)',
  )
})

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
