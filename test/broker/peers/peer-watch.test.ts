import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { emptyImage } from '../../../broker/metadata/changes.ts'
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
const dead: { id: number; epoch: number }[] = []

afterEach(() => {
  dead.length = 0
  return watch.stop()
})

function watching(port: number): void {
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
  image = imageAfter(emptyImage, [{ kind: 'broker', id: 2, registration }])
  const settings = () => ({ timeoutMs: 300, mostBackoffMs: 100 })
  const random = seededRandom(1)
  const peers = new Peers({
    image: () => image,
    listenerName: 'BETWEEN',
    clientId: 'test',
    settings,
    clock: systemClock,
    random,
  })
  watch = new PeerWatch({ peers, brokerId: 1, clock: systemClock, onDead: one => dead.push(one) })
  watch.apply(image)
}

test('a broker that nothing listens for any more is told to be dead, in its registration', async () => {
  const broker = await RunningBroker.start()
  watching(broker.port)
  const { epoch } = image.brokers.get(2)!
  await broker.remove()
  await until(() => dead.length > 0, 'the death is told')
  expect(dead[0]).toEqual({ id: 2, epoch })
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

async function listening(server: Server): Promise<{ server: Server; port: number }> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return { server, port: address !== null && typeof address === 'object' ? address.port : -1 }
}
