import { afterEach, describe, expect, test } from 'vitest'
import {
  LeaseLost,
  type MetadataStore,
  mostOperations,
  type StoreEvent,
} from '../../../broker/metadata/metadata-store.ts'
import { deferred } from '../../../runtime/deferred.ts'

/** What a store needs for its contract to be tested. */
export interface StoreUnderTest {
  readonly store: MetadataStore
  /** Lets time go by for the store's leases. */
  letTimePass(ms: number): Promise<void>
  dispose(): Promise<void>
}

/** Every rule of MetadataStore that the rest of the broker relies on; each implementation runs them all. */
export function testStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    const opened: StoreUnderTest[] = []
    const openStore = async (): Promise<StoreUnderTest> => {
      const underTest = await open()
      opened.push(underTest)
      return underTest
    }
    afterEach(async () => {
      for (const underTest of opened.splice(0)) await underTest.dispose()
    })

    test('an empty store has no entries', async () => {
      const { store } = await openStore()
      expect((await store.read('')).entries).toEqual([])
      expect((await store.get('a')).entry).toBeUndefined()
    })

    test('a put is read back with the revision of its commit', async () => {
      const { store } = await openStore()
      const { ok, revision } = await store.commit({ put: [{ key: 'a', value: 'é 1' }] })
      expect(ok).toBe(true)
      const { entry } = await store.get('a')
      expect(entry).toEqual({
        key: 'a',
        value: 'é 1',
        createRevision: revision,
        modRevision: revision,
        lease: null,
      })
    })

    test('revisions grow with every commit, and the create revision stays until the key is deleted', async () => {
      const { store } = await openStore()
      const first = await store.commit({ put: [{ key: 'a', value: '1' }] })
      const second = await store.commit({ put: [{ key: 'a', value: '2' }] })
      expect(second.revision).toBeGreaterThan(first.revision)
      expect((await store.get('a')).entry).toMatchObject({
        createRevision: first.revision,
        modRevision: second.revision,
      })

      await store.commit({ delete: ['a'] })
      expect((await store.get('a')).entry).toBeUndefined()
      const third = await store.commit({ put: [{ key: 'a', value: '3' }] })
      expect((await store.get('a')).entry?.createRevision).toBe(third.revision)
    })

    test('a prefix is read in the order of the keys, at one revision', async () => {
      const { store } = await openStore()
      await store.commit({ put: ['t/2', 't/10', 'u/1', 't/1', 't'].map(key => ({ key, value: key })) })
      const { revision, entries } = await store.read('t/')
      expect(entries.map(entry => entry.key)).toEqual(['t/1', 't/10', 't/2'])
      expect(revision).toBe(entries[0]?.modRevision)
    })

    test('all of a transaction has one revision', async () => {
      const { store } = await openStore()
      await store.commit({ put: [{ key: 'old', value: '' }] })
      const { revision } = await store.commit({
        put: [
          { key: 'a', value: '1' },
          { key: 'b', value: '2' },
        ],
        delete: ['old'],
      })
      const { entries } = await store.read('')
      expect(entries.map(entry => [entry.key, entry.modRevision])).toEqual([
        ['a', revision],
        ['b', revision],
      ])
    })

    test('a commit whose compare fails does nothing and says so', async () => {
      const { store } = await openStore()
      const { revision } = await store.commit({ put: [{ key: 'a', value: '1' }] })
      const refused = await store.commit({
        compare: [
          { key: 'a', modRevision: revision },
          { key: 'a', createRevision: 0 },
        ],
        put: [{ key: 'b', value: '1' }],
        delete: ['a'],
      })
      expect(refused).toEqual({ ok: false, revision })
      expect((await store.read('')).entries.map(entry => entry.key)).toEqual(['a'])
    })

    test('an absent key compares as revision 0', async () => {
      const { store } = await openStore()
      const create = {
        compare: [
          { key: 'a', createRevision: 0 },
          { key: 'a', modRevision: 0 },
        ],
        put: [{ key: 'a', value: '1' }],
      }
      expect((await store.commit(create)).ok).toBe(true)
      expect((await store.commit(create)).ok).toBe(false)
    })

    test('of two commits at once that want the same key only one gets it', async () => {
      const { store } = await openStore()
      const claim = (value: string): Promise<{ ok: boolean }> =>
        store.commit({
          compare: [{ key: 'controller', createRevision: 0 }],
          put: [{ key: 'controller', value }],
        })
      const outcomes = await Promise.all([claim('1'), claim('2'), claim('3')])
      expect(outcomes.filter(outcome => outcome.ok)).toHaveLength(1)
    })

    test('as many operations as allowed fit in one commit, one more is a mistake', async () => {
      const { store } = await openStore()
      const put = Array.from({ length: mostOperations }, (_, at) => ({ key: `k/${at}`, value: '' }))
      const compare = put.map(({ key }) => ({ key, modRevision: 0 }))
      expect((await store.commit({ compare, put })).ok).toBe(true)
      await expect(async () => store.commit({ put, delete: ['one-more'] })).rejects.toThrow('too many')
    })

    test('a key is written at most once in a commit', async () => {
      const { store } = await openStore()
      await expect(async () =>
        store.commit({ put: [{ key: 'a', value: '' }], delete: ['a'] }),
      ).rejects.toThrow('once')
    })

    test('a watch gets every change from its revision on, all events of a revision at once', async () => {
      const { store } = await openStore()
      const before = await store.commit({ put: [{ key: 'a', value: '0' }] })
      const watched = collect(store, '', before.revision + 1)
      const first = await store.commit({
        put: [
          { key: 'a', value: '1' },
          { key: 'b', value: '1' },
        ],
      })
      const second = await store.commit({ put: [{ key: 'b', value: '2' }], delete: ['a'] })
      await watched.reaches(second.revision)
      expect(watched.seen).toEqual([
        [first.revision, ['a=1', 'b=1']],
        [second.revision, ['b=2', '-a']],
      ])
    })

    test('a watch that begins in the past is told what it missed', async () => {
      const { store } = await openStore()
      const first = await store.commit({ put: [{ key: 'a', value: '1' }] })
      const second = await store.commit({ put: [{ key: 'a', value: '2' }] })
      const watched = collect(store, '', first.revision)
      await watched.reaches(second.revision)
      expect(watched.seen).toEqual([
        [first.revision, ['a=1']],
        [second.revision, ['a=2']],
      ])
    })

    test('a watch sees its prefix alone, and learns of progress elsewhere when it asks', async () => {
      const { store } = await openStore()
      const start = (await store.read('')).revision + 1
      const watched = collect(store, 'topics/', start)
      await store.commit({ put: [{ key: 'topics/1', value: '' }] })
      const other = await store.commit({ put: [{ key: 'topics', value: '' }] })
      watched.requestProgress()
      await watched.reaches(other.revision)
      expect(watched.seen.flatMap(([, events]) => events)).toEqual(['topics/1='])
    })

    test('a cancelled watch is not called any more', async () => {
      const { store } = await openStore()
      const watched = collect(store, '', (await store.read('')).revision + 1)
      watched.cancel()
      const other = collect(store, '', (await store.read('')).revision + 1)
      const { revision } = await store.commit({ put: [{ key: 'a', value: '' }] })
      await other.reaches(revision)
      expect(watched.seen).toEqual([])
    })

    test('revoking a lease deletes the keys bound to it, in one revision', async () => {
      const { store } = await openStore()
      const lease = await store.lease(10_000)
      const { revision } = await store.commit({
        put: [
          { key: 'brokers/1', value: '', lease: lease.id },
          { key: 'controller', value: '', lease: lease.id },
          { key: 'free', value: '' },
        ],
      })
      expect((await store.get('brokers/1')).entry?.lease).toBe(lease.id)
      const watched = collect(store, '', revision + 1)
      await lease.revoke()
      await watched.sees(2)
      expect(watched.seen).toHaveLength(1)
      expect(watched.seen[0]?.[1].toSorted()).toEqual(['-brokers/1', '-controller'])
      expect((await store.read('')).entries.map(entry => entry.key)).toEqual(['free'])
      await lease.revoke()
    })

    test('a lease that is not kept alive runs out', async () => {
      const underTest = await openStore()
      const { store } = underTest
      const lease = await store.lease(2000)
      const { revision } = await store.commit({ put: [{ key: 'controller', value: '', lease: lease.id }] })
      const watched = collect(store, '', revision + 1)
      await underTest.letTimePass(1500)
      await lease.keepAlive()
      await underTest.letTimePass(1500)
      expect((await store.get('controller')).entry).toBeDefined()
      await underTest.letTimePass(2500)
      await watched.sees(1)
      expect((await store.get('controller')).entry).toBeUndefined()
      await expect(lease.keepAlive()).rejects.toThrow(LeaseLost)
    })

    test('a key cannot be bound to a lease that is gone', async () => {
      const { store } = await openStore()
      const lease = await store.lease(10_000)
      await lease.revoke()
      const bound = store.commit({ put: [{ key: 'controller', value: '', lease: lease.id }] })
      await expect(bound).rejects.toThrow(LeaseLost)
      expect((await store.read('')).entries).toEqual([])
    })

    test('a put without the lease unbinds the key', async () => {
      const { store } = await openStore()
      const lease = await store.lease(10_000)
      await store.commit({ put: [{ key: 'a', value: '1', lease: lease.id }] })
      await store.commit({ put: [{ key: 'a', value: '2' }] })
      await lease.revoke()
      expect((await store.get('a')).entry).toMatchObject({ value: '2', lease: null })
    })

    test('many commits at once are all applied, in the order of the calls', async () => {
      const { store } = await openStore()
      const start = (await store.read('')).revision + 1
      const watched = collect(store, '', start)
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, (_, at) =>
          store.commit({ put: [{ key: `k/${at % 7}`, value: `${at}` }] }),
        ),
      )
      await watched.reaches(outcomes.at(-1)?.revision ?? 0)
      const revisions = outcomes.map(outcome => outcome.revision)
      expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
      expect(watched.seen.map(([, events]) => events[0])).toEqual(
        outcomes.map((_, at) => `k/${at % 7}=${at}`),
      )
    })
  })
}

interface Collected {
  /** Per revision with events: the revision and its events as `key=value` or `-key`. */
  readonly seen: [number, string[]][]
  reaches(revision: number): Promise<void>
  /** Until so many events have come in all. */
  sees(events: number): Promise<void>
  requestProgress(): void
  cancel(): void
}

function collect(store: MetadataStore, prefix: string, fromRevision: number): Collected {
  const seen: [number, string[]][] = []
  let reached = 0
  let waiting: { holds: () => boolean; done: () => void }[] = []
  const until = (holds: () => boolean): Promise<void> => {
    if (holds()) return Promise.resolve()
    const reached = deferred<void>()
    waiting.push({ holds, done: () => reached.resolve() })
    return reached.promise
  }
  const watch = store.watch(prefix, fromRevision, {
    changed(revision, events) {
      if (events.length > 0) seen.push([revision, events.map(describeEvent)])
      reached = revision
      for (const { done } of waiting.filter(({ holds }) => holds())) done()
      waiting = waiting.filter(({ holds }) => !holds())
    },
    ended: () => undefined,
  })
  return {
    seen,
    reaches: revision => until(() => reached >= revision),
    sees: count => until(() => seen.reduce((total, [, events]) => total + events.length, 0) >= count),
    requestProgress: () => watch.requestProgress(),
    cancel: () => watch.cancel(),
  }
}

function describeEvent(event: StoreEvent): string {
  return event.kind === 'put' ? `${event.entry.key}=${event.entry.value}` : `-${event.key}`
}
