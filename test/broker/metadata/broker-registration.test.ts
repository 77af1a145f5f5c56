import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerRegistration } from '../../../broker/metadata/broker-registration.ts'
import { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
import { ImageFollower } from '../../../broker/metadata/image-follower.ts'
import { keyOf, type MetadataChange } from '../../../broker/metadata/keys.ts'
import {
  type Lease,
  LeaseLost,
  type MetadataStore,
  StoreUnavailable,
} from '../../../broker/metadata/metadata-store.ts'
import { encodeValue } from '../../../broker/metadata/values.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeDisk } from '../../support/fake-disk.ts'
import { until } from '../../support/until.ts'

describe('the registration of a broker', () => {
  const ttlMs = 9000
  const heartbeatMs = 2000
  let clock: FakeClock
  let store: EmbeddedStore
  let images: ImageFollower
  let events: string[]
  let rack: string
  /** What happens to a renewal before the store gets it. */
  let onKeepAlive: () => Promise<void>
  let ownDirectories: string[]
  let registration: BrokerRegistration

  beforeEach(async () => {
    clock = new FakeClock()
    events = []
    rack = 'a'
    onKeepAlive = () => Promise.resolve()
    // The store's own clock stands still: here only the broker's judgement of its lease is looked at.
    store = await EmbeddedStore.open({
      directory: '/m',
      disk: new FakeDisk(),
      clock: new FakeClock(),
      logger: silentLogger,
    })
    images = await ImageFollower.open(store, silentLogger)
    ownDirectories = []
    registration = register(
      withLease(lease => ({
        ...lease,
        keepAlive: async () => {
          await onKeepAlive()
          await lease.keepAlive()
        },
      })),
    )
    await until(() => registration.isValid, 'the broker is registered')
  })

  afterEach(async () => {
    await registration.stop({ clean: false })
    await store.close()
  })

  function register(on: MetadataStore): BrokerRegistration {
    return new BrokerRegistration({
      store: on,
      images,
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      brokerId: 7,
      record: () => ({
        incarnationId: 'i',
        listeners: [],
        control: null,
        rack,
        logDirectories: ownDirectories,
        cordoned: false,
        previousEpoch: -1,
        features: [],
        minInsyncReplicas: 1,
      }),
      sessionTimeoutMs: ttlMs,
      heartbeatMs,
      onRegistered: epoch => events.push(`registered ${epoch}`),
      onLost: epoch => events.push(`lost ${epoch}`),
    })
  }

  function withLease(wrap: (lease: Lease) => Lease): MetadataStore {
    return {
      read: prefix => store.read(prefix),
      get: key => store.get(key),
      commit: transaction => store.commit(transaction),
      watch: (prefix, from, watcher) => store.watch(prefix, from, watcher),
      lease: async ttl => wrap(await store.lease(ttl)),
      close: () => store.close(),
    }
  }

  /** Lets so much time go by in heartbeats, each of which gets its answer. */
  async function live(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += heartbeatMs) {
      clock.advance(heartbeatMs)
      await until(() => clock.pendingTimers > 0, 'the next heartbeat is due')
    }
  }

  test('is written anew when what it says has changed, and stays the same registration', async () => {
    const { epoch, lease } = registration
    rack = 'b'
    registration.refresh()
    await until(() => {
      clock.advance(0)
      return images.image.brokers.get(7)?.rack === 'b'
    }, 'the new rack is there')
    expect(registration).toMatchObject({ epoch, lease, isValid: true })
    expect(images.image.brokers.get(7)?.epoch).toBe(epoch)
    expect((await store.get('brokers/7')).entry?.lease).toBe(lease?.id)
    expect(events).toEqual([`registered ${epoch}`])
  })

  test('is given up while it is withheld, and made anew afterwards', async () => {
    const before = registration.epoch!
    registration.withhold(true)
    expect(registration.isValid).toBe(false)
    await until(() => !images.image.brokers.has(7), 'the record is gone')
    clock.advance(3 * heartbeatMs)
    expect(registration.epoch).toBeUndefined()
    registration.withhold(false)
    await until(() => {
      clock.advance(0)
      return registration.isValid
    }, 'the broker is registered again')
    expect(registration.epoch).toBeGreaterThan(before)
  })

  describe('of a process that was killed', () => {
    const dead = { incarnationId: 'before', listeners: [], control: null, rack: null, cordoned: false }
    const told = { ...dead, previousEpoch: -1, features: [], minInsyncReplicas: 1 }

    /** The record of another process under this id, with an office, is there when this one registers. */
    async function registerAfter(logDirectories: string[]): Promise<number> {
      await registration.stop({ clean: false })
      await until(() => !images.image.brokers.has(7), 'the record is gone')
      const { id } = await store.lease(ttlMs)
      const record: MetadataChange = { kind: 'broker', id: 7, registration: { ...told, logDirectories } }
      const office: MetadataChange = { kind: 'controller', brokerId: 7 }
      const put = [record, office].map(change => ({
        key: keyOf(change),
        value: encodeValue(change) ?? '',
        lease: id,
      }))
      const { revision } = await store.commit({ put })
      await until(() => images.image.controller?.id === 7, 'the record is there')
      registration = register(withLease(lease => lease))
      return revision
    }

    test('is ended by a process that has locked the same directories, and its office with it', async () => {
      ownDirectories = ['d1', 'd2']
      const before = await registerAfter(['d1'])
      await until(() => {
        clock.advance(0)
        return registration.isValid
      }, 'the broker is registered')
      expect(registration.epoch).toBeGreaterThan(before)
      expect((await store.get('controller')).entry).toBeUndefined()
    })

    test('is waited for when it tells of other directories: it may be another broker', async () => {
      ownDirectories = ['d1']
      const before = await registerAfter(['d1', 'd3'])
      await live(3 * heartbeatMs)
      expect(registration.epoch).toBeUndefined()
      expect((await store.get('brokers/7')).entry?.createRevision).toBe(before)
    })
  })

  test('has the create revision of its record as epoch, and the lease in it', async () => {
    const { entry } = await store.get('brokers/7')
    expect(entry).toMatchObject({ createRevision: registration.epoch, lease: registration.lease?.id })
    expect(events).toEqual([`registered ${registration.epoch}`])
    expect(images.image.brokers.get(7)).toMatchObject({ rack: 'a', fenced: true })
  })

  test('stays valid while renewals are answered', async () => {
    await live(60_000)
    expect(registration.isValid).toBe(true)
    expect(events).toHaveLength(1)
  })

  test('is no longer valid when the last answered renewal was sent a lease-time ago, though the store has not said so', async () => {
    onKeepAlive = () => Promise.reject(new StoreUnavailable('Cut off.'))
    clock.advance(ttlMs - 1)
    expect(registration.isValid).toBe(true)
    clock.advance(1)
    expect(registration.isValid).toBe(false)
    expect(registration.epoch).toBeDefined()
    onKeepAlive = () => Promise.resolve()
    await live(heartbeatMs * 3)
    expect(registration.isValid).toBe(true)
    expect(events).toHaveLength(1)
  })

  test('counts from when a renewal was sent, not from when it was answered', async () => {
    const answer = Promise.withResolvers<undefined>()
    onKeepAlive = async () => {
      await answer.promise
    }
    clock.advance(heartbeatMs)
    clock.advance(6000)
    answer.resolve(undefined)
    onKeepAlive = () => Promise.resolve()
    await until(() => clock.pendingTimers > 0, 'the renewal is answered')
    clock.advance(ttlMs - 6000 - 1)
    expect(registration.isValid).toBe(true)
  })

  test('is made anew, in a new epoch, when the lease is gone', async () => {
    const before = registration.epoch!
    onKeepAlive = () => {
      onKeepAlive = () => Promise.resolve()
      return Promise.reject(new LeaseLost('It ran out.'))
    }
    clock.advance(heartbeatMs)
    await until(() => events.length === 2, 'the loss is told')
    await until(() => {
      clock.advance(0)
      return registration.isValid
    }, 'the broker is registered again')
    expect(registration.epoch).toBeGreaterThan(before)
    expect(events).toEqual([`registered ${before}`, `lost ${before}`, `registered ${registration.epoch}`])
  })

  test('leaves nothing behind but, after a clean stop, its mark', async () => {
    const { epoch } = registration
    await registration.stop({ clean: true })
    expect((await store.get('brokers/7')).entry).toBeUndefined()
    expect(images.image.brokerStates.get(7)).toMatchObject({
      cleanStopEpoch: epoch,
      incarnationId: null,
      stoppingEpoch: -1,
      admittedEpoch: -1,
    })
    expect(registration.isValid).toBe(false)
    expect(clock.pendingTimers).toBe(0)
  })
})
