import { afterAll, beforeAll } from 'vitest'
import { Etcd } from '../../support/etcd.ts'
import { EtcdStores } from '../../support/etcd-stores.ts'
import { waitUntil } from '../../targets/processes.ts'
import { testStoreContract } from './store-contract.ts'

let etcd: Etcd

beforeAll(async () => {
  etcd = await Etcd.start()
})

afterAll(() => etcd.remove())

testStoreContract('etcd as a metadata store', async () => {
  const stores = new EtcdStores(etcd)
  return {
    store: await stores.open(),
    letTimePass: async ms => {
      const end = performance.now() + ms
      await waitUntil('the time is over', () => (performance.now() >= end ? true : undefined))
    },
    dispose: () => stores.close(),
  }
})
