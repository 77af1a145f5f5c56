import { afterEach, describe, expect, test } from 'vitest'
import type { CreateTopicResult } from '../../../broker/controller/controller-client.ts'
import type { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
import {
  type CommitResult,
  type MetadataStore,
  OutcomeUnknown,
  StoreUnavailable,
  type Transaction,
} from '../../../broker/metadata/metadata-store.ts'
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

/** The store with something else done in place of, or around, a commit. */
function withCommit(
  commit: (transaction: Transaction, really: () => Promise<CommitResult>) => Promise<CommitResult>,
) {
  return (store: EmbeddedStore): MetadataStore => ({
    read: prefix => store.read(prefix),
    get: key => store.get(key),
    watch: (prefix, from, watcher) => store.watch(prefix, from, watcher),
    lease: ttlMs => store.lease(ttlMs),
    close: () => store.close(),
    commit: transaction => commit(transaction, () => store.commit(transaction)),
  })
}

const writesTopics = (transaction: Transaction): boolean =>
  transaction.put?.some(put => put.key.startsWith('topics/') || put.key.startsWith('partitions/')) === true

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

  test('many topics in one request share transactions; one topic is never parted', async () => {
    let commits = 0
    const counting = withCommit((transaction, really) => {
      if (writesTopics(transaction)) commits++
      return really()
    })
    cluster = await OneStoreCluster.start([1], counting)
    const results = await create(...Array.from({ length: 100 }, (_, at) => newTopic(`t${at}`, 10)))
    expect(new Set(errors(results))).toEqual(new Set(['NONE']))
    // Ten partitions, the name and the topic's key: nine topics fit in one.
    expect(commits).toBe(12)
    expect(cluster.image.topicsByName.size).toBe(100)
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
    expect(left.toSorted()).toEqual([
      'broker-state',
      'brokers',
      'cluster',
      'controller',
      'features',
      'version',
    ])
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

describe('when things go wrong', () => {
  test('what somebody else changed meanwhile is decided anew', async () => {
    let interfere = false
    const racing = withCommit(async (transaction, really) => {
      if (interfere && writesTopics(transaction)) {
        interfere = false
        await cluster.store.commit({ put: [{ key: 'topic-names/t', value: '"x"' }] })
        const refused = await really()
        await cluster.store.commit({ delete: ['topic-names/t'] })
        return refused
      }
      return really()
    })
    cluster = await OneStoreCluster.start([1], racing)
    interfere = true
    expect(errors(await create(newTopic('t'), newTopic('u')))).toEqual(['NONE', 'NONE'])
    expect(interfere).toBe(false)
  })

  test('what keeps changing is given up', async () => {
    const refusing = withCommit((transaction, really) =>
      writesTopics(transaction) ? Promise.resolve({ ok: false, revision: cluster.image.revision }) : really(),
    )
    cluster = await OneStoreCluster.start([1], refusing)
    expect(errors(await create(newTopic('t')))).toEqual(['REQUEST_TIMED_OUT'])
  })

  test.each(['done', 'not done'] as const)('an unknown outcome is read back: it was %s', async truth => {
    let attempts = 0
    const losing = withCommit(async (transaction, really) => {
      if (!writesTopics(transaction) || ++attempts > 1) return really()
      if (truth === 'done') await really()
      throw new OutcomeUnknown('The answer was lost.')
    })
    cluster = await OneStoreCluster.start([1], losing)
    const [result] = await create(newTopic('t', 3))
    expect(result).toMatchObject({ error: 'NONE' })
    expect(cluster.image.topicsByName.get('t')?.id).toBe(result!.topicId)
    expect(attempts).toBe(truth === 'done' ? 1 : 2)
    expect((await cluster.store.read('topics/')).entries).toHaveLength(1)
  })

  test('a store that cannot be reached is a retriable error, and the controller goes on when it is back', async () => {
    let isDown = false
    const failing = withCommit((transaction, really) => {
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
    let hold: Promise<void> | undefined
    const holding = withCommit(async (transaction, really) => {
      if (writesTopics(transaction)) await hold
      return really()
    })
    cluster = await OneStoreCluster.start([1], holding)
    const { promise, resolve } = Promise.withResolvers<void>()
    hold = promise
    const ask = (name: string): Promise<readonly CreateTopicResult[]> =>
      cluster.controller.createTopics({ topics: [newTopic(name)], validateOnly: false, timeoutMs: 1000 })
    const [begun, waiting] = [ask('begun'), ask('waiting')]
    await cluster.advance(1000)
    expect(errors(await begun)).toEqual(['REQUEST_TIMED_OUT'])
    expect(errors(await waiting)).toEqual(['REQUEST_TIMED_OUT'])
    resolve()
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

  test.each([['create'], ['grow'], ['delete']] as const)(
    'wherever the controller dies while it works on many partitions (%s), the next one leaves all or nothing',
    async kind => {
      for (let commitsLeft = 0; commitsLeft < 5; commitsLeft++) {
        let left = Number.POSITIVE_INFINITY
        const dying = withCommit((_, really) => {
          return left-- > 0 ? really() : Promise.reject(new StoreUnavailable('The process is dead.'))
        })
        cluster = await OneStoreCluster.start([1], dying)
        if (kind !== 'create')
          expect(errors(await create(newTopic('t', kind === 'grow' ? 1 : 300)))).toEqual(['NONE'])
        left = commitsLeft
        const { controller } = cluster
        if (kind === 'create') await create(newTopic('t', 300))
        else if (kind === 'delete')
          await cluster.during(controller.deleteTopics({ topics: [{ name: 't', topicId: null }], timeoutMs }))
        else {
          const topics = [{ name: 't', count: 300, assignments: null }]
          await cluster.during(controller.createPartitions({ topics, validateOnly: false, timeoutMs }))
        }
        await cluster.crashAndReopen()
        left = Number.POSITIVE_INFINITY
        await cluster.join(1)
        await cluster.until(() => cluster.image.operations.size === 0)
        const count = cluster.image.topicsByName.get('t')?.partitions.length ?? 0
        expect({ create: [0, 300], grow: [1, 300], delete: [0, 300] }[kind]).toContain(count)
        expect(cluster.image.detachedPartitions.size).toBe(0)
        expect((await cluster.store.read('partitions/')).entries).toHaveLength(count)
        await cluster.dispose()
      }
    },
  )

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
