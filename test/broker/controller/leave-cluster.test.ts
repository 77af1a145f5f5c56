import { afterEach, expect, test } from 'vitest'
import type { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
import { type MetadataStore, StoreUnavailable } from '../../../broker/metadata/metadata-store.ts'
import { OneStoreCluster } from './one-store-cluster.ts'

let cluster: OneStoreCluster
/** What of the store does not answer its users; what it holds goes on to live. */
let silent: { readonly commits?: boolean; readonly renewals?: boolean }

afterEach(() => cluster.dispose())

function partlySilent(store: EmbeddedStore): MetadataStore {
  const never = new Promise<never>(() => {})
  return {
    read: prefix => store.read(prefix),
    get: key => store.get(key),
    watch: (prefix, from, watcher) => store.watch(prefix, from, watcher),
    close: () => store.close(),
    commit: transaction => (silent.commits === true ? never : store.commit(transaction)),
    lease: async ttlMs => {
      const lease = await store.lease(ttlMs)
      const isAway = (): boolean => silent.renewals === true
      return {
        ...lease,
        keepAlive: () =>
          isAway() ? Promise.reject(new StoreUnavailable('No connection.')) : lease.keepAlive(),
        revoke: () => (isAway() ? never : lease.revoke()),
      }
    },
  }
}

/** Whether it is done when so much time has gone by. */
async function isDoneWithin(ms: number, work: Promise<void>): Promise<boolean> {
  let isDone = false
  void work.then(() => {
    isDone = true
  })
  await cluster.advance(ms)
  return isDone
}

test('a broker that stops while the store is away waits neither for others to take over nor for its farewell', async () => {
  silent = {}
  cluster = await OneStoreCluster.start([1, 2], partlySilent)
  const { membership } = cluster.brokers.get(2)!
  silent = { commits: true, renewals: true }
  await cluster.advance(2500)
  expect(membership.isRegistered).toBe(true)
  expect(await isDoneWithin(3000, membership.prepareToStop(12_000))).toBe(true)
  expect(await isDoneWithin(1000, membership.leave({ clean: true }))).toBe(true)
})

test('a broker that stops while the store answers some things waits for its farewell, but not for ever', async () => {
  silent = {}
  cluster = await OneStoreCluster.start([1, 2], partlySilent)
  const { membership } = cluster.brokers.get(2)!
  silent = { commits: true }
  await cluster.advance(2500)
  const leaving = membership.leave({ clean: true })
  expect(await isDoneWithin(4000, leaving)).toBe(false)
  expect(await isDoneWithin(1000, leaving)).toBe(true)
})

test('a broker whose store answers again in time hands over', async () => {
  silent = {}
  cluster = await OneStoreCluster.start([1, 2], partlySilent)
  const { membership } = cluster.brokers.get(1)!
  silent = { renewals: true }
  await cluster.advance(2500)
  silent = {}
  await cluster.during(membership.prepareToStop(12_000))
  expect(membership.image.brokers.get(1)).toMatchObject({ stopping: true })
})
