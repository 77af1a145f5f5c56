import { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeDisk } from '../../support/fake-disk.ts'
import { testStoreContract } from './store-contract.ts'

testStoreContract('the embedded store as a metadata store', async () => {
  const clock = new FakeClock()
  const store = await EmbeddedStore.open({
    directory: '/data/.metadata',
    disk: new FakeDisk(),
    clock,
    logger: silentLogger,
  })
  return {
    store,
    letTimePass: async ms => {
      clock.advance(ms)
      await store.read('')
    },
    dispose: () => store.close(),
  }
})
