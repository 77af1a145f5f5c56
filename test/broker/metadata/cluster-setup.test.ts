import { afterEach, beforeEach, expect, test } from 'vitest'
import { setUpCluster } from '../../../broker/metadata/cluster-setup.ts'
import { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
import { keys } from '../../../broker/metadata/keys.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

let store: EmbeddedStore

beforeEach(async () => {
  store = await EmbeddedStore.open({
    directory: '/data/.metadata',
    disk: new FakeDisk(),
    clock: new FakeClock(),
    logger: silentLogger,
  })
})

afterEach(() => store.close())

const setUp = () => setUpCluster(store, seededRandom(1))

async function features(): Promise<unknown> {
  const { entry } = await store.get(keys.features)
  return JSON.parse(entry?.value ?? 'null')
}

test('a new cluster finalizes what this release serves', async () => {
  await setUp()
  expect(await features()).toMatchObject({ 'metadata.version': 30, 'group.version': 1 })
})

test('what somebody has set stays', async () => {
  await setUp()
  const set = '{"metadata.version":29}'
  await store.commit({ put: [{ key: keys.features, value: set }] })
  await setUp()
  expect(await features()).toEqual(JSON.parse(set))
})

test('the layout of a later release is refused', async () => {
  await setUp()
  await store.commit({ put: [{ key: keys.version, value: '{"layout":2}' }] })
  await expect(setUp()).rejects.toThrow('The metadata store has layout 2, written by a later release')
})
