import { EventEmitter } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import type { EtcdClient } from '../../../broker/metadata/etcd-client.ts'
import { EtcdHistory } from '../../../broker/metadata/etcd-history.ts'
import { EtcdKeys } from '../../../broker/metadata/etcd-messages.ts'
import { EtcdStats } from '../../../broker/metadata/etcd-stats.ts'
import { EtcdWatch } from '../../../broker/metadata/etcd-watch.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { Etcd } from '../../support/etcd.ts'
import { EtcdStores, Watched } from '../../support/etcd-stores.ts'
import { Proxy } from '../../support/proxy.ts'
import { until } from '../../support/until.ts'
import { waitUntil } from '../../targets/processes.ts'

describe('a watch of etcd', () => {
  const dispose: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const one of dispose.splice(0).toReversed()) await one()
  })

  async function start(members = 1): Promise<{ etcd: Etcd; stores: EtcdStores }> {
    const etcd = await Etcd.start({ members })
    dispose.push(() => etcd.remove())
    const stores = new EtcdStores(etcd)
    dispose.push(() => stores.close())
    return { etcd, stores }
  }

  test('goes on where it was after every connection was cut, and misses nothing', async () => {
    const { etcd, stores } = await start()
    const proxy = await Proxy.to(Number(new URL(etcd.endpoints[0]!).port))
    dispose.push(() => proxy.close())
    const writer = await stores.open({ clusterUid: 'c' })
    const reader = await stores.open({ clusterUid: 'c', ...through(proxy) })
    const watched = Watched.of(reader, (await reader.read('')).revision + 1)
    const expected: string[] = []
    for (let at = 0; at < 60; at++) {
      if (at % 10 === 5) proxy.cut()
      await writer.commit({ put: [{ key: `k/${at % 7}`, value: `${at}` }] })
      expected.push(`k/${at % 7}=${at}`)
    }
    await until(() => watched.events.length >= 60, 'all changes came')
    expect(watched.events).toEqual(expected)
    expect(reader.stats.watchesOpened).toBeGreaterThan(1)
  })

  test('learns by comparing what was compacted while it was cut off', async () => {
    const { etcd, stores } = await start()
    const proxy = await Proxy.to(Number(new URL(etcd.endpoints[0]!).port))
    dispose.push(() => proxy.close())
    const writer = await stores.open({ clusterUid: 'c' })
    await writer.commit({ put: ['stays', 'changes', 'goes', 'comes-back'].map(key => ({ key, value: '1' })) })
    const reader = await stores.open({ clusterUid: 'c', ...through(proxy) })
    const watched = Watched.of(reader, (await reader.read('')).revision + 1)
    await writer.commit({ put: [{ key: 'seen', value: '1' }] })
    await until(() => watched.events.length === 1, 'the watch is open')

    proxy.losesAnswers = true
    await writer.commit({ put: [{ key: 'changes', value: '2' }], delete: ['goes', 'comes-back'] })
    await writer.commit({ put: [{ key: 'new', value: '1' }] })
    await writer.commit({ put: [{ key: 'short', value: '1' }] })
    await writer.commit({ put: [{ key: 'comes-back', value: '2' }], delete: ['short', 'seen'] })
    await etcd.compact()
    proxy.losesAnswers = false
    proxy.cut()
    await until(() => watched.events.length >= 6, 'what was missed came')
    expect(watched.events.slice(1)).toEqual(['-goes', '-seen', 'changes=2', 'new=1', 'comes-back=2'])
    expect(watched.revisions).toHaveLength(2)

    const { revision } = await writer.commit({ put: [{ key: 'after', value: '1' }] })
    await until(() => watched.reached >= revision, 'the watch goes on')
    expect(watched.events.at(-1)).toBe('after=1')
    expect(watched.ended).toBeUndefined()
  })

  test('ends when what it is to begin with was compacted and nobody knows what there was', async () => {
    const { etcd, stores } = await start()
    const store = await stores.open()
    const { revision } = await store.commit({ put: [{ key: 'a', value: '1' }] })
    await store.commit({ put: [{ key: 'a', value: '2' }] })
    await store.commit({ put: [{ key: 'a', value: '3' }] })
    await etcd.compact()
    const watched = Watched.of(store, revision)
    await until(() => watched.ended !== undefined, 'the watch ends')
    expect(watched.ended?.message).toContain(`revision ${revision}`)
    expect(watched.events).toEqual([])
  })

  test('goes on after etcd was killed and started again', async () => {
    const { etcd, stores } = await start()
    const store = await stores.open()
    const watched = Watched.of(store, (await store.read('')).revision + 1)
    await store.commit({ put: [{ key: 'before', value: '' }] })
    await etcd.members[0]!.kill()
    await expect(store.commit({ put: [{ key: 'while', value: '' }] })).rejects.toThrow(/etcd/)
    etcd.members[0]!.start()
    await etcd.serves()
    const { revision } = await store.commit({ put: [{ key: 'after', value: '' }] })
    await until(() => watched.reached >= revision, 'the watch goes on')
    expect(watched.events).toEqual(['before=', 'after='])
  })

  test('tells every change of three members once while their leaders are killed and paused', async () => {
    const { etcd, stores } = await start(3)
    const store = await stores.open()
    const watched = Watched.of(store, (await store.read('')).revision + 1)
    const told: string[] = []
    // As everybody has to do it: a change whose outcome nobody knows may still come, so the next one compares.
    const attempt = async (value: string): Promise<boolean> => {
      const { entry } = await store.get('k')
      if (entry?.value === value) return true
      const compare = [{ key: 'k', modRevision: entry?.modRevision ?? 0 }]
      return (await store.commit({ compare, put: [{ key: 'k', value }] })).ok
    }
    const commit = async (value: string): Promise<void> => {
      await waitUntil('the change is taken', async () =>
        attempt(value).then(
          isDone => (isDone ? true : undefined),
          () => undefined,
        ),
      )
      told.push(`k=${value}`)
    }
    await commit('0')
    for (const [at, fault] of ['kill', 'pause', 'kill'].entries()) {
      const leader = await etcd.leader()
      if (fault === 'kill') await leader.kill()
      else leader.pause()
      for (let count = 0; count < 5; count++) await commit(`${at}.${count}`)
      if (fault === 'kill') leader.start()
      else leader.resume()
      await etcd.serves()
      for (let count = 5; count < 10; count++) await commit(`${at}.${count}`)
    }
    const { revision } = await store.get('k')
    await until(() => watched.reached >= revision, 'the watch caught up')
    expect(watched.events).toEqual(told)
    expect(watched.revisions).toEqual([...new Set(watched.revisions)].toSorted((a, b) => a - b))
  })

  test('gets a revision larger than one message whole', async () => {
    const { stores } = await start()
    const writer = await stores.open({ clusterUid: 'c' })
    const from = (await writer.read('')).revision + 1
    // Together far beyond the 4 MiB that gRPC receives by default, so that catching up needs fragments.
    for (let at = 0; at < 12; at++) {
      await writer.commit({
        put: Array.from({ length: 10 }, (_, n) => ({ key: `${at}/${n}`, value: 'x'.repeat(100_000) })),
      })
    }
    const watched = Watched.of(await stores.open({ clusterUid: 'c' }), from)
    await until(() => watched.events.length >= 120, 'all came')
    expect(watched.revisions).toHaveLength(12)
  })

  test('learns of progress though others write to the same etcd', async () => {
    const { etcd, stores } = await start()
    const store = await stores.open()
    const watched: number[] = []
    const watch = store.watch('', (await store.read('')).revision + 1, {
      changed: revision => watched.push(revision),
      ended: () => undefined,
    })
    const revision = await etcd.put('/elsewhere', '1')
    watch.requestProgress()
    await until(() => (watched.at(-1) ?? 0) >= revision, 'progress is told')
    expect((await store.read('')).entries).toEqual([])
  })
})

function through(proxy: Proxy): object {
  return { connection: { endpoints: [`http://127.0.0.1:${proxy.port}`] } }
}

describe('a watch whose stream stands still', () => {
  /** Streams that open and tell what they are told to tell, and nothing by themselves. */
  class Streams {
    readonly opened: { readonly from: number; tell(revision: number): void }[] = []

    open(): Promise<unknown> {
      const stream = Object.assign(new EventEmitter(), {
        cancel: () => stream.emit('close'),
        write: (request: { create_request: { start_revision: number } }) => {
          stream.emit('data', answer(0, { created: true }))
          const from = request.create_request.start_revision
          this.opened.push({ from, tell: revision => stream.emit('data', answer(revision, { key: 'k' })) })
        },
      })
      return Promise.resolve({ stream, member: {} })
    }
  }

  const answer = (revision: number, { created = false, key = '' }): object => ({
    header: { cluster_id: 'e', revision: String(revision) },
    created,
    canceled: false,
    compact_revision: '0',
    fragment: false,
    events:
      key === ''
        ? []
        : [
            {
              type: 'Put',
              kv: {
                key: Buffer.from(`/barnabas/c/${key}`),
                value: Buffer.from(''),
                mod_revision: String(revision),
                create_revision: String(revision),
              },
            },
          ],
  })

  async function begin(): Promise<{
    clock: FakeClock
    streams: Streams
    history: EtcdHistory
    watch: EtcdWatch
    told: number[]
  }> {
    const clock = new FakeClock()
    const streams = new Streams()
    const history = new EtcdHistory({ clock, logger: silentLogger, restoredKey: '/barnabas/c/restored' })
    const told: number[] = []
    const watch = new EtcdWatch({
      client: {
        stream: () => streams.open(),
        onSuspicion: () => () => {},
        suspect: () => {},
        forgetToken: () => {},
      } as unknown as EtcdClient,
      history,
      keys: new EtcdKeys('/barnabas', 'c'),
      stats: new EtcdStats(),
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      requestTimeoutMs: 5000,
      prefix: '',
      fromRevision: 2,
      keysBefore: undefined,
      watcher: { changed: revision => told.push(revision), ended: () => {} },
      isOwn: () => false,
      confirm: () => Promise.resolve(7),
      tick: () => Promise.resolve({ revision: 8 }),
      readAll: () => Promise.reject(new Error('Nothing was compacted.')),
      onRestored: () => {},
    })
    await until(() => streams.opened.length === 1, 'the watch is open')
    return { clock, streams, history, watch, told }
  }

  test('begins again when a change of its own is not told in time', async () => {
    const { clock, streams, watch, told } = await begin()
    watch.requestProgress()
    await until(() => {
      clock.advance(1000)
      return streams.opened.length === 2
    }, 'another stream is opened')
    expect(streams.opened[1]!.from).toBe(2)
    streams.opened[1]!.tell(8)
    expect(told).toEqual([8])
    watch.cancel()
  })

  test('is found out when nobody waits for a change: other answers tell that the store went on', async () => {
    const { clock, streams, history, watch } = await begin()
    history.observe({ cluster_id: 'e', revision: '7' } as Parameters<EtcdHistory['observe']>[0])
    await until(() => {
      clock.advance(10_000)
      return streams.opened.length === 2
    }, 'another stream is opened')
    streams.opened[1]!.tell(8)
    clock.advance(200_000)
    expect(streams.opened).toHaveLength(2)
    watch.cancel()
  })
})
