import { afterEach, describe, expect, test } from 'vitest'
import type { CreateTopicResult } from '../../../broker/controller/controller-client.ts'
import { mostChanges } from '../../../broker/controller/transactions.ts'
import { OutcomeUnknown, StoreUnavailable } from '../../../broker/metadata/metadata-store.ts'
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

describe('batches', () => {
  test('many topics in one request share transactions; one topic is never parted', async () => {
    let count = 0
    const counting = commits((transaction, really) => {
      if (writesTopics(transaction)) count++
      return really()
    })
    cluster = await OneStoreCluster.start([1], counting)
    const results = await create(...Array.from({ length: 100 }, (_, at) => newTopic(`t${at}`, 10)))
    expect(new Set(errors(results))).toEqual(new Set(['NONE']))
    // Ten partitions, the name and the topic's key: nine topics fit in one.
    expect(count).toBe(12)
    expect(cluster.image.topicsByName.size).toBe(100)
  })

  test('leaders move in waves: the next begins when the brokers have carried out the last', async () => {
    cluster = await OneStoreCluster.start([1, 2, 3])
    await create(newTopic('t', 300, 3))
    const { membership } = cluster.brokers.get(1)!
    const ledByFirst = (): number =>
      cluster.image.topicsByName.get('t')!.partitions.filter(({ isr }) => isr.includes(1)).length
    const waves: { readonly left: number; readonly goOn: () => void }[] = []
    cluster.activeBroker.membership.paceWaves(
      () => () => new Promise(goOn => waves.push({ left: ledByFirst(), goOn })),
    )
    const stopping = cluster.during(membership.prepareToStop(10_000))
    await cluster.until(() => waves.length === 1 && ledByFirst() === 300 - mostChanges)
    waves[0]!.goOn()
    await cluster.until(() => waves.length === 2 && ledByFirst() === 300 - 2 * mostChanges)
    waves[1]!.goOn()
    await stopping
    expect(ledByFirst()).toBe(0)
    // Nobody waits for the last.
    expect(waves).toHaveLength(2)
  })

  test('what somebody else changed meanwhile is decided anew', async () => {
    let interfere = false
    const racing = commits(async (transaction, really) => {
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
    const refusing = commits((transaction, really) =>
      writesTopics(transaction) ? Promise.resolve({ ok: false, revision: cluster.image.revision }) : really(),
    )
    cluster = await OneStoreCluster.start([1], refusing)
    expect(errors(await create(newTopic('t')))).toEqual(['REQUEST_TIMED_OUT'])
  })

  test.each(['done', 'not done'] as const)('an unknown outcome is read back: it was %s', async truth => {
    let attempts = 0
    const losing = commits(async (transaction, really) => {
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

  test.each([['create'], ['grow'], ['delete']] as const)(
    'wherever the controller dies while it works on many partitions (%s), the next one leaves all or nothing',
    async kind => {
      for (let commitsLeft = 0; commitsLeft < 5; commitsLeft++) {
        let left = Number.POSITIVE_INFINITY
        const dying = commits((_, really) => {
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
})
