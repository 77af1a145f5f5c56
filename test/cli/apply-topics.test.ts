import { expect, test } from 'vitest'
import { applyTopics } from '../../cli/apply-topics.ts'
import { readManifests } from '../../cli/manifests.ts'
import type { Topic } from '../../operator/index.ts'
import { errorCode } from '../../protocol/index.ts'
import { FakeRequester } from '../support/fake-requester.ts'

function topics(spec: string): Topic[] {
  const text = `apiVersion: barnabas.dev/v1
kind: Cluster
metadata: { name: demo }
---
apiVersion: barnabas.dev/v1
kind: Topic
metadata: { name: orders }
spec: { clusterRef: { name: demo }, ${spec} }
`
  const read = readManifests([{ name: 'a.yaml', text }])
  expect(read.mistakes).toEqual([])
  return read.topics.map(found => found.topic)
}

const orders = (partitions: number) => ({
  errorCode: 0,
  name: 'orders',
  partitions: Array.from({ length: partitions }, () => ({ leaderId: 1, replicaNodes: [1] })),
})
const noTopic = {
  topics: [{ errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION'), name: 'orders', partitions: [] }],
}

test('a topic that is missing is created as the manifest says', async () => {
  const requester = new FakeRequester({
    Metadata: [noTopic, { topics: [orders(3)] }],
    CreateTopics: [{ topics: [{ name: 'orders', errorCode: 0, errorMessage: null }] }],
  })
  const { outcomes, applied } = await applyTopics(
    requester.requester,
    topics('partitions: 3, retention: { time: 1s }'),
    {},
  )
  expect(outcomes).toEqual([
    { name: 'orders', partitions: 3, sentences: ['Topic orders: created.'], isRefused: false },
  ])
  expect(applied).toEqual({ orders: ['retention.ms'] })
  expect(requester.asked('CreateTopics')).toMatchObject([
    {
      topics: [
        {
          name: 'orders',
          numPartitions: 3,
          replicationFactor: -1,
          configs: [{ name: 'retention.ms', value: '1000' }],
        },
      ],
    },
  ])
})

test('what the broker refuses is told in its words, and the rest goes on', async () => {
  const requester = new FakeRequester({
    Metadata: [{ topics: [orders(1)] }, { topics: [orders(1)] }],
    DescribeConfigs: [{ results: [{ errorCode: 0, resourceName: 'orders', configs: [] }] }],
    CreatePartitions: [
      {
        results: [{ name: 'orders', errorCode: errorCode('INVALID_PARTITIONS'), errorMessage: 'Too many.' }],
      },
    ],
    IncrementalAlterConfigs: [{ responses: [{ resourceName: 'orders', errorCode: 0, errorMessage: null }] }],
  })
  const { outcomes } = await applyTopics(
    requester.requester,
    topics('partitions: 9, cleanupPolicy: Compact'),
    {},
  )
  expect(outcomes[0]).toEqual({
    name: 'orders',
    partitions: 1,
    sentences: [
      'Topic orders did not get 9 partitions: Too many. (INVALID_PARTITIONS)',
      'Topic orders: cleanup.policy = compact.',
    ],
    isRefused: true,
  })
})

test('a topic that is as it should be is only looked at', async () => {
  const requester = new FakeRequester({
    Metadata: [{ topics: [orders(2)] }, { topics: [orders(2)] }],
    DescribeConfigs: [{ results: [{ errorCode: 0, resourceName: 'orders', configs: [] }] }],
  })
  const { outcomes } = await applyTopics(requester.requester, topics('partitions: 2'), {})
  expect(outcomes).toEqual([{ name: 'orders', partitions: 2, sentences: [], isRefused: false }])
})
