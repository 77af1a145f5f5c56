import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import { Peers } from '../../../broker/peers/peers.ts'
import { metadata } from '../../../protocol/index.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { RunningBroker } from '../../support/running-broker.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { imageAfter } from '../controller/image-of.ts'

let broker: RunningBroker

beforeAll(async () => {
  broker = await RunningBroker.start()
})

afterAll(() => broker.remove())

/** Broker 2, registered with one listener. */
function imageWith(
  port: number,
  { name = 'BETWEEN', securityProtocol = 'PLAINTEXT' as 'PLAINTEXT' | 'SSL' } = {},
): MetadataImage {
  const registration = {
    incarnationId: 'i',
    listeners: [{ name, host: '127.0.0.1', port, securityProtocol }],
    control: null,
    features: [],
    minInsyncReplicas: 1,
    rack: null,
    logDirectories: [],
    cordoned: false,
    previousEpoch: -1,
  }
  return imageAfter(emptyImage, [{ kind: 'broker', id: 2, registration }])
}

function linkTo(image: () => MetadataImage, clock = systemClock) {
  const settings = () => ({ timeoutMs: 5000, mostBackoffMs: 1000 })
  const random = seededRandom(1)
  return new Peers({ image, listenerName: 'BETWEEN', clientId: 'test', settings, clock, random }).link(2)
}

test('a link connects where the broker is registered, and uses one connection while it is good', async () => {
  const link = linkTo(() => imageWith(broker.port))
  const connection = await link.connection()
  expect((await connection.send(metadata, { topics: [] })).brokers).toHaveLength(1)
  expect(await link.connection()).toBe(connection)
  await connection.close()
  const next = await link.connection()
  expect(next).not.toBe(connection)
  await link.close()
  expect(next.isOpen).toBe(false)
})

test('who cannot be reached is told by a sentence', async () => {
  await expect(linkTo(() => emptyImage).connection()).rejects.toThrow('Broker 2 is not registered.')
  await expect(linkTo(() => imageWith(1, { name: 'OTHER' })).connection()).rejects.toThrow(
    /no listener BETWEEN/,
  )
  await expect(linkTo(() => imageWith(1, { securityProtocol: 'SSL' })).connection()).rejects.toThrow(/SSL/)
})

test('after a failure the next attempt waits, also when the connection is good; success forgets it', async () => {
  const clock = new FakeClock()
  const link = linkTo(() => emptyImage, clock)
  link.failed()
  link.failed()
  let isSettled = false
  const attempt = link.connection().catch((error: Error) => {
    isSettled = true
    return error.message
  })
  clock.advance(70)
  await Promise.resolve()
  expect(isSettled).toBe(false)
  clock.advance(100)
  expect(await attempt).toBe('Broker 2 is not registered.')
  link.failed()
  link.worked()
  await expect(link.connection()).rejects.toThrow('Broker 2 is not registered.')
})

test('a closed link ends whoever waits for it', async () => {
  const link = linkTo(() => emptyImage, new FakeClock())
  link.failed()
  const attempt = link.connection()
  await Promise.all([expect(attempt).rejects.toThrow('The link to broker 2 is closed.'), link.close()])
})
