import { describe, expect, test } from 'vitest'
import { createTopic, newTopicsByName } from '../../../broker/controller/create-topics.ts'
import type { NewTopic } from '../../../broker/controller/controller-client.ts'
import { decideInTurn } from '../../../broker/controller/decision.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { isUuid } from '../../../protocol/index.ts'
import { contextWith, imageAfter, withBroker, withoutBroker, withTopic } from './image-of.ts'
import { newTopic } from './one-store-cluster.ts'

const oneBroker = withBroker(emptyImage, 1)
const threeBrokers = [1, 2, 3].reduce((image, id) => withBroker(image, id), emptyImage)

function manual(name: string, ...lists: number[][]): NewTopic {
  const assignments = lists.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
  return { ...newTopic(name, -1, -1), assignments }
}

function refusalOf(topic: NewTopic, image = oneBroker): [string, string | null] {
  const { changes, result } = createTopic(image, topic, contextWith())
  expect(changes).toEqual([])
  return [result.error, result.message]
}

describe('creating a topic', () => {
  test('makes its partitions, its name and at last its own key', () => {
    const topic = { ...newTopic('t', 2, 1), configs: [{ name: 'retention.ms', value: '5' }] }
    const { changes, result } = createTopic(oneBroker, topic, contextWith())
    expect(result).toMatchObject({ error: 'NONE', message: null, numPartitions: 2, replicationFactor: 1 })
    expect(isUuid(result.topicId)).toBe(true)
    expect(changes.map(change => change.kind)).toEqual([
      'partition',
      'partition',
      'config',
      'topicName',
      'topic',
    ])
    const image = imageAfter(oneBroker, changes)
    expect(image.topicsByName.get('t')?.partitions[1]).toMatchObject({
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      isr: [1],
      replicas: [1],
    })
    expect(image.configs.get('topic/t')).toEqual(new Map([['retention.ms', '5']]))
  })

  test('takes the defaults where -1 is asked', () => {
    const context = contextWith({ defaultPartitions: () => 7, defaultReplicationFactor: () => 3 })
    const { result } = createTopic(threeBrokers, newTopic('t', -1, -1), context)
    expect(result).toMatchObject({ error: 'NONE', numPartitions: 7, replicationFactor: 3 })
  })

  test.each([[''], ['.'], ['..'], ['a/b'], ['../etc'], ['a b'], ['ä'], ['nul\0'], ['x'.repeat(250)]])(
    'refuses the name %j',
    name => {
      expect(refusalOf(newTopic(name))[0]).toBe('INVALID_TOPIC_EXCEPTION')
    },
  )

  test.each(['__proto__', 'constructor', 'toString', 'x'.repeat(249), 'a.b_c-D9'])(
    'takes the name %s',
    name => {
      const { changes, result } = createTopic(oneBroker, newTopic(name), contextWith())
      expect(result).toMatchObject({ name, error: 'NONE' })
      expect(imageAfter(oneBroker, changes).topicsByName.get(name)?.partitions).toHaveLength(1)
    },
  )

  test('refuses a topic that exists, and names that differ by dot and underscore alone', () => {
    const image = withTopic(oneBroker, 'a.b_c', [{}])
    expect(refusalOf(newTopic('a.b_c'), image)).toEqual([
      'TOPIC_ALREADY_EXISTS',
      "Topic 'a.b_c' already exists.",
    ])
    expect(refusalOf(newTopic('a_b.c'), image)).toEqual([
      'INVALID_TOPIC_EXCEPTION',
      "Topic 'a_b.c' collides with existing topic: a.b_c",
    ])
    expect(createTopic(image, newTopic('a-b-c'), contextWith()).result.error).toBe('NONE')
  })

  test('refuses what two topics of one request cannot both have', () => {
    const decisions = decideInTurn(
      oneBroker,
      [newTopic('a.b'), newTopic('a_b'), newTopic('c')],
      (image, topic) => createTopic(image, topic, contextWith()),
    )
    expect(decisions.map(decision => decision.result.error)).toEqual([
      'NONE',
      'INVALID_TOPIC_EXCEPTION',
      'NONE',
    ])
  })

  test('names a topic once, however often it was mentioned', () => {
    const { topics, repeated } = newTopicsByName([newTopic('a'), newTopic('b'), newTopic('a', 5)])
    expect(topics.map(topic => topic.name)).toEqual(['a', 'b'])
    expect([...repeated]).toEqual(['a'])
  })

  test.each([
    [newTopic('t', 0), 'INVALID_PARTITIONS'],
    [newTopic('t', -2), 'INVALID_PARTITIONS'],
    [newTopic('t', 1, 0), 'INVALID_REPLICATION_FACTOR'],
    [newTopic('t', 1, -3), 'INVALID_REPLICATION_FACTOR'],
    [newTopic('t', 1, 2), 'INVALID_REPLICATION_FACTOR'],
  ] as const)('refuses numbers that make no sense: %j', (topic, error) => {
    expect(refusalOf(topic)[0]).toBe(error)
  })

  test('says how many brokers there are when they do not suffice', () => {
    expect(refusalOf(newTopic('t', 1, 4), threeBrokers)[1]).toContain('only 3 broker(s) are registered')
    expect(refusalOf(newTopic('t'), withoutBroker(oneBroker, 1))[1]).toContain('no broker is alive')
    expect(refusalOf(newTopic('t'), withBroker(emptyImage, 1, { fenced: true }))[1]).toContain(
      'no broker is alive',
    )
  })

  test('a broker that is away holds a replica, out of sync', () => {
    const image = withoutBroker(threeBrokers, 3)
    const { changes, result } = createTopic(image, newTopic('t', 6, 3), contextWith())
    expect(result.error).toBe('NONE')
    for (const partition of imageAfter(image, changes).topicsByName.get('t')!.partitions) {
      expect(partition.replicas.toSorted((a, b) => a - b)).toEqual([1, 2, 3])
      expect(partition.isr.toSorted((a, b) => a - b)).toEqual([1, 2])
      expect(partition.isr).toContain(partition.leader)
    }
  })

  test('takes replicas as they are given by hand', () => {
    const { changes, result } = createTopic(threeBrokers, manual('t', [2, 3], [3, 1]), contextWith())
    expect(result).toMatchObject({ error: 'NONE', numPartitions: 2, replicationFactor: 2 })
    expect(imageAfter(threeBrokers, changes).topicsByName.get('t')?.partitions).toMatchObject([
      { leader: 2, replicas: [2, 3], isr: [2, 3] },
      { leader: 3, replicas: [3, 1], isr: [3, 1] },
    ])
  })

  test.each([
    [manual('t', []), 'empty replica list'],
    [manual('t', [1, 9]), 'no such broker is registered'],
    [manual('t', [1, 1]), 'more than once'],
    [manual('t', [1, 2], [3]), 'has 1 replica(s), but the other partitions have 2'],
    [{ ...manual('t'), assignments: [{ partitionIndex: 1, brokerIds: [1] }] }, 'no partition 0'],
    [
      {
        ...manual('t'),
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 0, brokerIds: [2] },
        ],
      },
      'multiple manual partition assignments',
    ],
  ] as const)('refuses replicas given by hand that make no sense', (topic, sentence) => {
    const [error, message] = refusalOf(topic, threeBrokers)
    expect(error).toBe('INVALID_REPLICA_ASSIGNMENT')
    expect(message).toContain(sentence)
  })

  test('refuses a count beside replicas given by hand, and replicas on brokers that are all away', () => {
    expect(refusalOf({ ...manual('t', [1]), numPartitions: 1 })[0]).toBe('INVALID_REQUEST')
    expect(refusalOf({ ...manual('t', [1]), replicationFactor: 1 })[0]).toBe('INVALID_REQUEST')
    expect(refusalOf(manual('t', [3]), withoutBroker(threeBrokers, 3))[1]).toContain(
      'fenced, stopping or away',
    )
  })

  test('refuses settings that are not allowed or have no value', () => {
    const bad = { ...newTopic('t'), configs: [{ name: 'bad.setting', value: '1' }] }
    expect(refusalOf(bad)).toEqual(['INVALID_CONFIG', 'Unknown setting bad.setting.'])
    const missing = { ...newTopic('t'), configs: [{ name: 'retention.ms', value: null }] }
    expect(refusalOf(missing)[0]).toBe('INVALID_CONFIG')
  })

  test('overrides that a deleted topic left behind do not come back', () => {
    const image = imageAfter(oneBroker, [
      { kind: 'config', type: 'topic', name: 't', overrides: new Map([['a', 'b']]) },
    ])
    const { changes } = createTopic(image, newTopic('t'), contextWith())
    expect(imageAfter(image, changes).configs.size).toBe(0)
  })
})
