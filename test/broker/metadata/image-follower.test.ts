import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
import { ImageFollower } from '../../../broker/metadata/image-follower.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

describe('the image follower', () => {
  let store: EmbeddedStore

  beforeEach(async () => {
    store = await EmbeddedStore.open({
      directory: '/data/.metadata',
      disk: new FakeDisk(),
      clock: new FakeClock(),
      logger: silentLogger,
    })
  })

  afterEach(async () => {
    await store.close()
  })

  const producerIds = (next: number): { key: string; value: string } => ({
    key: 'producer-ids',
    value: JSON.stringify({ next }),
  })

  test('loads what is there and moves on with every revision, in order', async () => {
    await store.commit({ put: [producerIds(1)] })
    const follower = await ImageFollower.open(store, silentLogger)
    expect(follower.image).toMatchObject({ revision: 1, producerIds: { next: 1 } })
    const seen: number[][] = []
    follower.onChange((next, previous) =>
      seen.push([previous.producerIds.next, next.producerIds.next, next.revision]),
    )
    await Promise.all([2, 3, 4].map(next => store.commit({ put: [producerIds(next)] })))
    const image = await follower.waitForRevision(4)
    expect(image.producerIds.next).toBe(4)
    expect(seen).toEqual([
      [1, 2, 2],
      [2, 3, 3],
      [3, 4, 4],
    ])
  })

  test('a wait for a revision ends when it is reached, given up, or the store is closed', async () => {
    const follower = await ImageFollower.open(store, silentLogger)
    const reached = follower.waitForRevision(1)
    const abort = new AbortController()
    const givenUp = expect(follower.waitForRevision(2, abort.signal)).rejects.toThrow('late')
    const closed = expect(follower.waitForRevision(99)).rejects.toThrow('closed')
    abort.abort(new Error('too late'))
    await givenUp
    await store.commit({ put: [producerIds(1)] })
    expect((await reached).revision).toBe(1)
    await store.close()
    await closed
    await expect(follower.waitForRevision(99)).rejects.toThrow('closed')
  })

  test('a value that makes no sense leaves what was known, and keys of others change nothing', async () => {
    const follower = await ImageFollower.open(store, silentLogger)
    let calls = 0
    follower.onChange(() => calls++)
    await store.commit({ put: [producerIds(5)] })
    await store.commit({ put: [{ key: 'producer-ids', value: 'garbage' }] })
    await store.commit({ put: [{ key: 'somebody/elses', value: 'key' }] })
    const image = await follower.waitForRevision(3)
    expect(image.producerIds.next).toBe(5)
    expect(calls).toBe(1)
  })

  test('a listener that is gone is not called', async () => {
    const follower = await ImageFollower.open(store, silentLogger)
    let calls = 0
    const unsubscribe = follower.onChange(() => calls++)
    unsubscribe()
    await store.commit({ put: [producerIds(5)] })
    await follower.waitForRevision(1)
    expect(calls).toBe(0)
    follower.close()
    await expect(follower.waitForRevision(9)).rejects.toThrow('no longer followed')
  })
})
