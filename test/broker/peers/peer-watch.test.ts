import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataChange } from '../../../broker/metadata/keys.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import { PeerWatch } from '../../../broker/peers/peer-watch.ts'
import { Peers } from '../../../broker/peers/peers.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { RunningBroker } from '../../support/running-broker.ts'
import { until } from '../../support/until.ts'
import { imageAfter } from '../controller/image-of.ts'

let watch: PeerWatch
let image: MetadataImage
/** Times that the way to a broker was tried, or given up. */
let attempts = 0
const dead: { id: number; epoch: number }[] = []
const isolation: boolean[] = []

afterEach(() => {
  dead.length = 0
  isolation.length = 0
  return watch.stop()
})

/** Broker 1 watches those with the ids 2, 3, … that listen there. */
function watching(...ports: number[]): void {
  const changes = ports.map((port, index): MetadataChange => {
    const listener = { name: 'BETWEEN', host: '127.0.0.1', port, securityProtocol: 'PLAINTEXT' as const }
    const registration = {
      incarnationId: 'i',
      listeners: [listener],
      control: null,
      features: [],
      minInsyncReplicas: 1,
      rack: null,
      logDirectories: [],
      cordoned: false,
      previousEpoch: -1,
    }
    return { kind: 'broker', id: 2 + index, registration }
  })
  image = imageAfter(emptyImage, changes)
  const settings = () => {
    attempts++
    return { timeoutMs: 300, mostBackoffMs: 100 }
  }
  const random = seededRandom(1)
  const peers = new Peers({
    image: () => image,
    listenerName: 'BETWEEN',
    clientId: 'test',
    settings,
    clock: systemClock,
    random,
  })
  watch = new PeerWatch({
    peers,
    brokerId: 1,
    clock: systemClock,
    heartbeatMs: 50,
    isolatedAfterMs: 400,
    onDead: one => dead.push(one),
    onIsolated: isIsolated => isolation.push(isIsolated),
  })
  watch.apply(image)
}

test('a broker that nothing listens for any more is told to be dead, in its registration', async () => {
  const broker = await RunningBroker.start()
  watching(broker.port)
  const { epoch } = image.brokers.get(2)!
  await until(() => isHeard(broker), 'it is heard')
  await broker.remove()
  await until(() => dead.length > 0, 'the death is told')
  expect(dead[0]).toEqual({ id: 2, epoch })
})

test('refusals from where the broker never answered say nothing: its name may lead to another process', async () => {
  const broker = await RunningBroker.start()
  watching(broker.port)
  await until(() => isHeard(broker), 'it is heard')
  moveTo('127.0.0.2')
  await broker.remove()
  await refusals()
  expect(dead).toEqual([])
  moveTo('127.0.0.1')
  await until(() => dead.length > 0, 'the death is told')
  await watch.stop()

  dead.length = 0
  watching(broker.port)
  await refusals()
  expect(dead).toEqual([])
})

test('a broker that says nothing, or closes every connection, is not told to be dead', async () => {
  let connections = 0
  const silent = await listening(
    createServer(socket => {
      connections++
      if (connections % 2 === 0) socket.destroy()
      else socket.on('error', () => {})
    }),
  )
  watching(silent.port)
  await until(() => connections >= 6, 'it is tried several times')
  expect(dead).toEqual([])
  silent.server.close()
})

test('a registration that is gone is watched no more', async () => {
  const { server, port } = await listening(createServer(socket => socket.destroy()))
  watching(port)
  image = emptyImage
  watch.apply(image)
  server.close()
  await watch.stop()
  expect(dead).toEqual([])
})

test('a broker that hears from nobody is isolated, one that hears from half of the others is not', async () => {
  const silent = await silentServer()
  const answering = await RunningBroker.start()
  watching(silent.port, silent.port)
  await until(() => isolation.length > 0, 'it is told')
  expect(isolation).toEqual([true])
  await watch.stop()
  isolation.length = 0

  watching(silent.port, answering.port)
  const before = silent.connections()
  await until(() => silent.connections() > before + 4, 'the silent one is tried for longer than that takes')
  expect(isolation).toEqual([])
  await answering.remove()
  await until(() => isolation.length > 0, 'the last one that answered is gone')
  expect(isolation).toEqual([true])
  silent.server.close()
})

test('of two brokers that do not hear each other none is isolated', async () => {
  const silent = await silentServer()
  watching(silent.port)
  await until(() => silent.connections() > 4, 'it is tried for longer than it takes to be isolated')
  expect(isolation).toEqual([])
  silent.server.close()
})

/** Who asks a second time has heard the first answer. */
const isHeard = async (broker: RunningBroker): Promise<boolean> =>
  /requests_total\{[^}]*request="Metadata"[^}]*\} ([2-9]|\d\d)/.test(await broker.metric())

/** Broker 2 is looked for there from now on, though it is registered as before. */
function moveTo(host: string): void {
  const brokers = [...image.brokers.values()].map(broker => ({
    ...broker,
    listeners: broker.listeners.map(listener => ({ ...listener, host })),
  }))
  image = { ...image, brokers: new Map(brokers.map(broker => [broker.id, broker])) }
}

/** Resolves when connections have been refused for much longer than a hiccup takes. */
async function refusals(): Promise<void> {
  const before = attempts
  await until(() => attempts > before + 20, 'it is refused again and again')
}

/** Takes connections and says nothing. */
async function silentServer(): Promise<{ server: Server; port: number; connections: () => number }> {
  let connections = 0
  const server = createServer(socket => {
    connections++
    socket.on('error', () => {})
  })
  return { ...(await listening(server)), connections: () => connections }
}

async function listening(server: Server): Promise<{ server: Server; port: number }> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return { server, port: address !== null && typeof address === 'object' ? address.port : -1 }
}
