import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  deleteGroups,
  deleteTopics,
  errorName,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  zeroUuid,
} from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import {
  commit,
  committed,
  coordinatorOf,
  groupBrokerSettings,
  versions,
} from '../../support/group-requests.ts'
import { topicOf } from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'

/** Positions through a whole broker, as clients of every version ask for them. */

let broker: RunningBroker
let client: BrokerConnection
let topicId: string

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: groupBrokerSettings })
  client = await broker.connect()
  topicId = await topicOf(client, 't', { partitions: 4 })
  await coordinatorOf(client, 'any')
})

afterAll(() => broker.remove())

test.each(versions(2, 10))('OffsetCommit v%i and OffsetFetch: what is committed is found', async version => {
  const groupId = `commit-${version}`
  expect(await commit(client, version, groupId, 40 + version, { topicId })).toBe('NONE')
  for (const fetchVersion of versions(1, 10)) {
    expect(await committed(client, fetchVersion, groupId, topicId), `v${fetchVersion}`).toEqual([
      [40 + version, 'note'],
      [-1, ''],
    ])
  }
})

test('OffsetCommit to what does not exist is refused, partition by partition', async () => {
  const partition = { partitionIndex: 9, committedOffset: 1, committedMetadata: null }
  const byName = await client.request(offsetCommit, 9, {
    groupId: 'g',
    memberId: '',
    topics: [
      { name: 't', partitions: [partition, { ...partition, partitionIndex: 0 }] },
      { name: 'no', partitions: [partition] },
    ],
  })
  expect(byName.topics.map(topic => topic.partitions.map(({ errorCode }) => errorName(errorCode)))).toEqual([
    ['UNKNOWN_TOPIC_OR_PARTITION', 'NONE'],
    ['UNKNOWN_TOPIC_OR_PARTITION'],
  ])
  const byId = await client.request(offsetCommit, 10, {
    groupId: 'g',
    memberId: '',
    topics: [
      { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [partition] },
      { topicId, partitions: [partition] },
    ],
  })
  expect(byId.topics.map(topic => errorName(topic.partitions[0]?.errorCode ?? 0))).toEqual([
    'UNKNOWN_TOPIC_ID',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ])
})

test('OffsetFetch: all topics, several groups, and ids that nobody knows', async () => {
  await commit(client, 9, 'all-1', 7)
  await commit(client, 9, 'all-2', 8)
  const all = await client.request(offsetFetch, 7, { groupId: 'all-1', topics: null })
  expect(all.topics).toMatchObject([{ name: 't', partitions: [{ partitionIndex: 1, committedOffset: 7 }] }])
  for (const version of [8, 9, 10]) {
    const answer = await client.request(offsetFetch, version, {
      groups: ['all-1', 'all-2', 'no-such-group'].map(groupId => ({ groupId, topics: null })),
    })
    expect(
      answer.groups.map(group => group.topics.map(topic => (version >= 10 ? topic.topicId : topic.name))),
    ).toEqual([[version >= 10 ? topicId : 't'], [version >= 10 ? topicId : 't'], []])
  }
  const unknown = 'AAAAAAAAAAAAAAAAAAAAAQ'
  const byId = await client.request(offsetFetch, 10, {
    groups: [
      {
        groupId: 'all-1',
        topics: [unknown, topicId, zeroUuid].map(id => ({ topicId: id, partitionIndexes: [1] })),
      },
    ],
  })
  const errors = new Map(
    byId.groups[0]?.topics.map(topic => [topic.topicId, errorName(topic.partitions[0]?.errorCode ?? 0)]),
  )
  expect(Object.fromEntries(errors)).toEqual({
    [unknown]: 'UNKNOWN_TOPIC_ID',
    [topicId]: 'NONE',
    [zeroUuid]: 'UNKNOWN_TOPIC_ID',
  })
})

test('positions and groups are deleted', async () => {
  await commit(client, 9, 'delete', 1)
  const offsets = await client.request(offsetDelete, 0, {
    groupId: 'delete',
    topics: [{ name: 't', partitions: [{ partitionIndex: 1 }, { partitionIndex: 77 }] }],
  })
  expect(offsets.topics[0]?.partitions.map(({ errorCode }) => errorName(errorCode))).toEqual([
    'NONE',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ])
  expect(await committed(client, 9, 'delete')).toEqual([
    [-1, ''],
    [-1, ''],
  ])
  for (const version of [0, 1, 2]) {
    await commit(client, 9, 'delete', 1)
    const deleted = await client.request(deleteGroups, version, { groupsNames: ['delete', 'nobody'] })
    expect(deleted.results.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'NONE',
      'GROUP_ID_NOT_FOUND',
    ])
  }
})

test('with a topic go the positions that were committed for it', async () => {
  const goneId = await topicOf(client, 'gone')
  const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }]
  await client.request(offsetCommit, 10, {
    groupId: 'of-gone',
    memberId: '',
    topics: [{ topicId: goneId, partitions }],
  })
  await client.request(deleteTopics, 6, { topics: [{ topicId: goneId, name: null }], timeoutMs: 10_000 })
  for (;;) {
    const { topics } = await client.request(offsetFetch, 7, { groupId: 'of-gone', topics: null })
    if (topics.length === 0) break
  }
})
