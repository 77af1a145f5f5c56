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
  expect(await features()).toEqual({ 'metadata.version': 30, 'group.version': 1 })
})

test('a cluster of an earlier release gets the features that came since, once', async () => {
  await setUp()
  await store.commit({ put: [{ key: keys.features, value: '{"metadata.version":29}' }] })
  await setUp()
  expect(await features()).toEqual({ 'metadata.version': 29, 'group.version': 1 })
  const { entry } = await store.get(keys.features)
  await setUp()
  expect((await store.get(keys.features)).entry?.modRevision).toBe(entry?.modRevision)
})

test('a feature that somebody switched off stays off', async () => {
  await setUp()
  const off = '{"metadata.version":30,"group.version":0}'
  await store.commit({ put: [{ key: keys.features, value: off }] })
  await setUp()
  expect(await features()).toEqual(JSON.parse(off))
})

test('the layout of a later release is refused', async () => {
  await setUp()
  await store.commit({ put: [{ key: keys.version, value: '{"layout":2}' }] })
  await expect(setUp()).rejects.toThrow('The metadata store has layout 2, written by a later release')
})
