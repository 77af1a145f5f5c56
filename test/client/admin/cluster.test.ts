import { expect, test } from 'vitest'
import { describeAllReplicas, describeBrokers, describeTopicSetting } from '../../../client/admin/cluster.ts'
import { errorCode } from '../../../protocol/index.ts'
import { FakeRequester } from '../../support/fake-requester.ts'

const cluster = {
  errorCode: 0,
  errorMessage: null,
  clusterId: 'c',
  controllerId: 2,
  brokers: [
    { brokerId: 2, host: 'b', port: 2, rack: 'r', isFenced: true },
    { brokerId: 1, host: 'a', port: 1, rack: null, isFenced: false },
  ],
}

test('fenced brokers are asked for where the version has a word for it', async () => {
  const { requester, asked } = fake({ DescribeCluster: [cluster, cluster] })
  const described = await describeBrokers({ send: requester.send.bind(requester), versionFor: () => 2 })
  expect(described).toEqual({
    clusterId: 'c',
    controllerId: 2,
    brokers: [
      { id: 1, host: 'a', port: 1, rack: null, isFenced: false },
      { id: 2, host: 'b', port: 2, rack: 'r', isFenced: true },
    ],
  })
  await describeBrokers({ send: requester.send.bind(requester), versionFor: () => 1 })
  expect(asked('DescribeCluster').map(request => 'includeFencedBrokers' in (request as object))).toEqual([
    true,
    false,
  ])
})

test('a refusal is told with its reason', async () => {
  const refused = { ...cluster, errorCode: errorCode('CLUSTER_AUTHORIZATION_FAILED'), errorMessage: null }
  const { requester } = fake({ DescribeCluster: [refused] })
  await expect(
    describeBrokers({ send: requester.send.bind(requester), versionFor: () => 2 }),
  ).rejects.toThrow('CLUSTER_AUTHORIZATION_FAILED')
})

test('the replicas of all topics come in the order of topics and partitions', async () => {
  const partition = (partitionIndex: number): object => ({
    partitionIndex,
    leaderId: 1,
    replicaNodes: [1, 2],
    isrNodes: [1],
  })
  const { requester, asked } = fake({
    Metadata: [
      {
        topics: [
          { errorCode: 0, name: 'b', partitions: [partition(1), partition(0)] },
          { errorCode: 0, name: 'a', partitions: [partition(0)] },
        ],
      },
    ],
  })
  const replicas = await describeAllReplicas(requester)
  expect(replicas.map(one => `${one.topic}-${one.partition}`)).toEqual(['a-0', 'b-0', 'b-1'])
  expect(replicas[0]).toEqual({ topic: 'a', partition: 0, leader: 1, replicas: [1, 2], isr: [1] })
  expect(asked('Metadata')).toMatchObject([{ topics: null, allowAutoTopicCreation: false }])
})

test('one setting of topics, and none of those that are gone', async () => {
  const { requester } = fake({
    DescribeConfigs: [
      {
        results: [
          { errorCode: 0, resourceName: 'a', configs: [{ name: 'min.insync.replicas', value: '2' }] },
          { errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION'), resourceName: 'b', configs: [] },
        ],
      },
    ],
  })
  expect(await describeTopicSetting(requester, ['a', 'b'], 'min.insync.replicas')).toEqual(
    new Map([['a', '2']]),
  )
  expect(await describeTopicSetting(requester, [], 'min.insync.replicas')).toEqual(new Map())
})

function fake(answers: ConstructorParameters<typeof FakeRequester>[0]) {
  const one = new FakeRequester(answers)
  return { requester: one.requester, asked: (api: string) => one.asked(api) }
}
