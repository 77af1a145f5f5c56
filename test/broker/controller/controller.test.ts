import { afterEach, describe, expect, test } from 'vitest'
import type { CreateTopicResult } from '../../../broker/controller/controller-client.ts'
import { StoreUnavailable } from '../../../broker/metadata/metadata-store.ts'
import { deferred } from '../../../runtime/deferred.ts'
import { type Interference, interfering, writesTopics } from './interfering-store.ts'
import { newTopic, OneStoreCluster } from './one-store-cluster.ts'

let cluster: OneStoreCluster

afterEach(() => cluster.dispose())

const timeoutMs = 60_000

function create(...topics: ReturnType<typeof newTopic>[]): Promise<readonly CreateTopicResult[]> {
  return cluster.during(cluster.controller.createTopics({ topics, validateOnly: false, timeoutMs }))
}

function errors(results: readonly { readonly error: string }[]): string[] {
  return results.map(result => result.error)
}

const commits = (commit: NonNullable<Interference['commit']>): ReturnType<typeof interfering> =>
  interfering({ commit })

describe('commands of the controller', () => {
  test('the answer comes when the own image shows the change', async () => {
    cluster = await OneStoreCluster.start()
    const [result] = await create(newTopic('t', 10))
    expect(cluster.image.topicsByName.get('t')).toMatchObject({ id: result!.topicId })
    expect(cluster.image.topicsByName.get('t')?.partitions).toHaveLength(10)
  })

  test('items of one request succeed and fail each for itself', async () => {
    cluster = await OneStoreCluster.start()
    const results = await create(
      newTopic('a'),
      newTopic('b', 0),
      newTopic('c'),
      newTopic('a', 2),
      newTopic('d'),
    )
    expect(results.map(({ name, error }) => [name, error])).toEqual([
      ['a', 'INVALID_REQUEST'],
      ['b', 'INVALID_PARTITIONS'],
      ['c', 'NONE'],
      ['d', 'NONE'],
    ])
    expect([...cluster.image.topicsByName.keys()]).toEqual(['c', 'd'])
  })

  test('validating writes nothing and finds the same mistakes', async () => {
    cluster = await OneStoreCluster.start()
    const { revision } = cluster.image
    const { controller } = cluster
    const created = await cluster.during(
      controller.createTopics({
        topics: [newTopic('a.b', 3), newTopic('a_b')],
        validateOnly: true,
        timeoutMs,
      }),
    )
    expect(errors(created)).toEqual(['NONE', 'INVALID_TOPIC_EXCEPTION'])
    expect(created[0]).toMatchObject({ numPartitions: 3, replicationFactor: 1 })
    const grown = await cluster.during(
      controller.createPartitions({
        topics: [{ name: 'x', count: 2, assignments: null }],
        validateOnly: true,
        timeoutMs,
      }),
    )
    expect(errors(grown)).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
    const configs = [{ name: 'bad.setting', operation: 'SET' as const, value: '1' }]
    const altered = await cluster.during(
      controller.incrementalAlterConfigs({
        resources: [{ type: 'broker', name: '', configs }],
        validateOnly: true,
        timeoutMs,
      }),
    )
    expect(errors(altered)).toEqual(['INVALID_CONFIG'])
    expect(cluster.image.revision).toBe(revision)
  })

  test('a request may not ask for too many partitions', async () => {
    cluster = await OneStoreCluster.start()
    expect(errors(await create(newTopic('a', 9_999), newTopic('b', 2)))).toEqual([
      'POLICY_VIOLATION',
      'POLICY_VIOLATION',
    ])
    expect(errors(await create(newTopic('a', 2 ** 31 - 1)))).toEqual(['POLICY_VIOLATION'])
    await create(newTopic('a'))
    const more = { topics: [{ name: 'a', count: 10_002, assignments: null }], validateOnly: false, timeoutMs }
    expect(errors(await cluster.during(cluster.controller.createPartitions(more)))).toEqual([
      'POLICY_VIOLATION',
    ])
    expect(cluster.image.topicsByName.get('a')?.partitions).toHaveLength(1)
  })

  test('a topic of ten thousand partitions is made, grown, deleted; nothing is left over', async () => {
    cluster = await OneStoreCluster.start()
    expect(errors(await create(newTopic('big', 5_000)))).toEqual(['NONE'])
    const grow = {
      topics: [{ name: 'big', count: 10_000, assignments: null }],
      validateOnly: false,
      timeoutMs,
    }
    expect(errors(await cluster.during(cluster.controller.createPartitions(grow)))).toEqual(['NONE'])
    const { partitions } = cluster.image.topicsByName.get('big')!
    expect(partitions).toHaveLength(10_000)
    expect(partitions.every(partition => partition.leader === 1 && partition.modRevision > 0)).toBe(true)
    const drop = { topics: [{ name: 'big', topicId: null }], timeoutMs }
    expect(errors(await cluster.during(cluster.controller.deleteTopics(drop)))).toEqual(['NONE'])
    const left = (await cluster.store.read('')).entries.map(entry => entry.key.split('/')[0])
    expect(left).toEqual(['broker-state', 'brokers', 'cluster', 'controller', 'features', 'version'])
    expect(cluster.image.operations.size + cluster.image.detachedPartitions.size).toBe(0)
  })

  test('producer ids come in blocks that nobody gets twice, across restarts', async () => {
    cluster = await OneStoreCluster.start()
    const allocate = async (): Promise<number> => {
      const brokerEpoch = cluster.brokers.get(1)!.membership.brokerEpoch!
      const result = await cluster.during(
        cluster.controller.allocateProducerIds({ brokerId: 1, brokerEpoch, timeoutMs }),
      )
      expect(result).toMatchObject({ error: 'NONE', count: 1000 })
      return result.firstProducerId
    }
    const first = [await allocate(), await allocate()]
    await cluster.crashAndReopen()
    await cluster.join(1)
    expect([...first, await allocate()]).toEqual([0, 1000, 2000])
    const stale = await cluster.controller.allocateProducerIds({ brokerId: 1, brokerEpoch: 1, timeoutMs })
    expect(stale).toMatchObject({ error: 'STALE_BROKER_EPOCH', firstProducerId: -1 })
  })

  test('a leader changes its in-sync set', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    await create({ ...newTopic('t', 1, 2) })
    const { leader, leaderEpoch, partitionEpoch } = cluster.partition('t')
    const brokerEpoch = cluster.image.brokers.get(leader)!.epoch
    const shrink = {
      brokerId: leader,
      brokerEpoch,
      timeoutMs,
      partitions: [
        {
          topicId: cluster.image.topicsByName.get('t')!.id,
          partitionIndex: 0,
          leaderEpoch,
          partitionEpoch,
          newIsr: [{ brokerId: leader, brokerEpoch }],
          recovering: false,
        },
      ],
    }
    const done = await cluster.during(cluster.controller.alterPartition(shrink))
    expect(done).toMatchObject({
      error: 'NONE',
      partitions: [{ error: 'NONE', isr: [leader], partitionEpoch: 1 }],
    })
    expect(cluster.partition('t').isr).toEqual([leader])
    const again = await cluster.during(cluster.controller.alterPartition(shrink))
    expect(again.partitions).toMatchObject([
      { error: 'INVALID_UPDATE_VERSION', isr: [leader], partitionEpoch: 1 },
    ])
    const stranger = await cluster.during(cluster.controller.alterPartition({ ...shrink, brokerEpoch: 1 }))
    expect(stranger).toMatchObject({ error: 'STALE_BROKER_EPOCH', partitions: [] })
  })
})

describe('moves of replicas', () => {
  test('a request for many partitions is answered partition by partition, and one for too many not at all', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    await create(newTopic('t', 500))
    const partitions = Array.from({ length: 500 }, (_, partition) => ({
      topic: 't',
      partition,
      replicas: cluster.partition('t', partition).leader === 1 ? [2] : [1],
    }))
    const ask = { partitions, allowsReplicationFactorChange: true, timeoutMs }
    const { error, partitions: results } = await cluster.during(cluster.controller.reassignPartitions(ask))
    expect([error, new Set(errors(results))]).toEqual(['NONE', new Set(['NONE'])])
    const moving = cluster.image.topicsByName.get('t')!.partitions
    expect(moving.every(({ adding, removing }) => adding.length === 1 && removing.length === 1)).toBe(true)
    const cancelled = { ...ask, partitions: partitions.map(item => ({ ...item, replicas: null })) }
    await cluster.during(cluster.controller.reassignPartitions(cancelled))
    const back = cluster.image.topicsByName.get('t')!.partitions
    expect(back.every(({ replicas, adding }) => replicas.length === 1 && adding.length === 0)).toBe(true)
    const many = Array.from({ length: 10_001 }, () => partitions[0]!)
    const refused = await cluster.controller.reassignPartitions({ ...ask, partitions: many })
    expect(refused).toMatchObject({ error: 'POLICY_VIOLATION', partitions: [] })
  })

  test('feature levels and brokers are changed by the controller', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    const { controller } = cluster
    const updates = [{ name: 'group.version', level: 0, upgradeType: 'safe downgrade' as const }]
    const validate = { updates, validateOnly: true, timeoutMs }
    expect((await cluster.during(controller.updateFeatures(validate))).error).toBe('NONE')
    expect(cluster.image.features.finalized.has('group.version')).toBe(true)
    await cluster.during(controller.updateFeatures({ ...validate, validateOnly: false }))
    expect(cluster.image.features.finalized.has('group.version')).toBe(false)
    await cluster.leave(2)
    await cluster.during(controller.unregisterBroker({ brokerId: 2, timeoutMs }))
    expect(cluster.image.brokerStates.has(2)).toBe(false)
  })
})

describe('when things go wrong', () => {
  test('a store that cannot be reached is a retriable error, and the controller goes on when it is back', async () => {
    let isDown = false
    const failing = commits((transaction, really) => {
      if (isDown && writesTopics(transaction))
        return Promise.reject(new StoreUnavailable('No etcd member answers.'))
      return really()
    })
    cluster = await OneStoreCluster.start([1], failing)
    isDown = true
    const [result] = await create(newTopic('t'))
    expect(result).toMatchObject({ error: 'REQUEST_TIMED_OUT' })
    expect(result!.message).toContain('No etcd member answers')
    isDown = false
    expect(errors(await create(newTopic('t')))).toEqual(['NONE'])
  })

  test('the caller is answered at its deadline; a command that had not begun by then is not carried out', async () => {
    const held = deferred<void>()
    const holding = commits(async (transaction, really) => {
      if (writesTopics(transaction)) await held.promise
      return really()
    })
    cluster = await OneStoreCluster.start([1], holding)
    const ask = (name: string): Promise<readonly CreateTopicResult[]> =>
      cluster.controller.createTopics({ topics: [newTopic(name)], validateOnly: false, timeoutMs: 1000 })
    const [begun, waiting] = [ask('begun'), ask('waiting')]
    await cluster.advance(1000)
    expect(errors(await begun)).toEqual(['REQUEST_TIMED_OUT'])
    expect(errors(await waiting)).toEqual(['REQUEST_TIMED_OUT'])
    held.resolve()
    await create(newTopic('after'))
    expect([...cluster.image.topicsByName.keys()].toSorted()).toEqual(['after', 'begun'])
  })

  test('a queue that is full says so', async () => {
    cluster = await OneStoreCluster.start()
    const asked = Array.from({ length: 1200 }, (_, at) =>
      cluster.controller.createTopics({ topics: [newTopic(`t${at}`)], validateOnly: true, timeoutMs }),
    )
    const results = (await cluster.during(Promise.all(asked))).flat()
    expect(results.filter(result => result.error === 'NONE').length).toBeGreaterThanOrEqual(999)
    const refused = results.find(result => result.error !== 'NONE')
    expect(refused).toMatchObject({ error: 'REQUEST_TIMED_OUT' })
    expect(refused?.message).toContain('busy')
  })

  test('without a controller here every item says so', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    const { controller } = cluster.brokers.get(2)!.membership
    const topics = [newTopic('a'), newTopic('b')]
    expect(errors(await controller.createTopics({ topics, validateOnly: false, timeoutMs }))).toEqual([
      'NOT_CONTROLLER',
      'NOT_CONTROLLER',
    ])
    const named = [{ name: 'a', topicId: null }]
    expect(errors(await controller.deleteTopics({ topics: named, timeoutMs }))).toEqual(['NOT_CONTROLLER'])
    expect(
      (await controller.alterPartition({ brokerId: 2, brokerEpoch: 1, partitions: [], timeoutMs })).error,
    ).toBe('NOT_CONTROLLER')
    expect((await controller.allocateProducerIds({ brokerId: 2, brokerEpoch: 1, timeoutMs })).error).toBe(
      'NOT_CONTROLLER',
    )
    const election = { election: 'preferred' as const, partitions: null, timeoutMs }
    expect((await controller.electLeaders(election)).error).toBe('NOT_CONTROLLER')
    expect((await controller.prepareToStop({ brokerId: 2, brokerEpoch: 1, timeoutMs })).error).toBe(
      'NOT_CONTROLLER',
    )
    const reassignment = { partitions: [], allowsReplicationFactorChange: true, timeoutMs }
    expect((await controller.reassignPartitions(reassignment)).error).toBe('NOT_CONTROLLER')
    expect((await controller.unregisterBroker({ brokerId: 1, timeoutMs })).error).toBe('NOT_CONTROLLER')
    const features = { updates: [], validateOnly: false, timeoutMs }
    expect((await controller.updateFeatures(features)).error).toBe('NOT_CONTROLLER')
    const resources = [{ type: 'broker' as const, name: '', configs: [] }]
    expect(errors(await controller.alterConfigs({ resources, validateOnly: false, timeoutMs }))).toEqual([
      'NOT_CONTROLLER',
    ])
    expect(
      errors(await controller.incrementalAlterConfigs({ resources, validateOnly: false, timeoutMs })),
    ).toEqual(['NOT_CONTROLLER'])
    const more = [{ name: 'a', count: 2, assignments: null }]
    expect(
      errors(await controller.createPartitions({ topics: more, validateOnly: false, timeoutMs })),
    ).toEqual(['NOT_CONTROLLER'])
  })
})
