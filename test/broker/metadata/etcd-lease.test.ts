import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LeaseLost, StoreUnavailable } from '../../../broker/metadata/metadata-store.ts'
import { Etcd } from '../../support/etcd.ts'
import { EtcdStores, Watched } from '../../support/etcd-stores.ts'
import { until } from '../../support/until.ts'
import { waitUntil } from '../../targets/processes.ts'

describe('a lease of etcd', () => {
  let etcd: Etcd
  let stores: EtcdStores
  beforeEach(async () => {
    etcd = await Etcd.start({ members: 3 })
    stores = new EtcdStores(etcd)
  })
  afterEach(async () => {
    await stores.close()
    await etcd.remove()
  })

  test('that runs out takes its keys with it, in one revision, and is told as lost', async () => {
    const store = await stores.open()
    const lease = await store.lease(2000)
    const put = ['brokers/1', 'controller'].map(key => ({ key, value: '', lease: lease.id }))
    const { revision } = await store.commit({ put })
    const watched = Watched.of(store, revision + 1)
    await until(() => watched.events.length > 0, 'the lease runs out')
    expect(watched.events.toSorted()).toEqual(['-brokers/1', '-controller'])
    await expect(lease.keepAlive()).rejects.toThrow(LeaseLost)
    await expect(store.commit({ put })).rejects.toThrow(LeaseLost)
    await lease.revoke()
  })

  test('is renewed by another member while one hangs, and outlives the death of the leader', async () => {
    const store = await stores.open()
    const lease = await store.lease(9000)
    await store.commit({ put: [{ key: 'controller', value: '', lease: lease.id }] })
    for (const fault of ['pause', 'kill'] as const) {
      const leader = await etcd.leader()
      if (fault === 'pause') leader.pause()
      else await leader.kill()
      await waitUntil('the lease is renewed', () =>
        lease.keepAlive().then(
          () => true,
          (error: unknown) => {
            if (error instanceof LeaseLost) throw error
            return undefined
          },
        ),
      )
      if (fault === 'pause') leader.resume()
      else leader.start()
      await etcd.serves()
    }
    expect((await store.get('controller')).entry?.lease).toBe(lease.id)
  })

  test('is not renewed without a quorum, and says that it may still be there', async () => {
    const store = await stores.open()
    const lease = await store.lease(3000)
    await Promise.all(etcd.members.slice(0, 2).map(member => member.kill()))
    await expect(lease.keepAlive()).rejects.toThrow(StoreUnavailable)
  })

  test('is revoked when its store is closed', async () => {
    const store = await stores.open({ clusterUid: 'c' })
    const lease = await store.lease(60_000)
    await store.commit({ put: [{ key: 'controller', value: '', lease: lease.id }] })
    await store.close()
    expect(await etcd.keys()).toEqual([])
  })
})
