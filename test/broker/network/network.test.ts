import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Dispatcher } from '../../../broker/api/dispatch.ts'
import { handler, LateAnswer } from '../../../broker/api/handler.ts'
import { Network } from '../../../broker/network/network.ts'
import { apiVersions, saslAuthenticate } from '../../../protocol/index.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { EndOfTurn } from '../../../runtime/end-of-turn.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { BrokerConnection, frameOf } from '../../support/broker-connection.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { figures, total } from '../../support/figures.ts'
import { recordingLogger } from '../../support/recording-logger.ts'
import { networkSettings, startNetwork, type TestNetwork } from '../../support/test-network.ts'
import { until } from '../../support/until.ts'

const started: TestNetwork[] = []

afterEach(async () => {
  await Promise.all(started.splice(0).map(one => one.stop()))
})

async function start(...args: Parameters<typeof startNetwork>): Promise<TestNetwork> {
  const one = await startNetwork(...args)
  started.push(one)
  return one
}

const empty = { errorCode: 0, errorMessage: null, authBytes: Buffer.alloc(0) }

test('a connection on which nothing moves is closed after connections.max.idle.ms, a busy one is not', async () => {
  const clock = new FakeClock()
  const { port, network } = await start([], { clock, settings: { 'connections.max.idle.ms': 60_000 } })
  const idle = await BrokerConnection.connect(port)
  const busy = await BrokerConnection.connect(port)
  await idle.request(apiVersions, 0, {})
  clock.advance(40_000)
  await busy.request(apiVersions, 0, {})
  clock.advance(25_000)
  await idle.closed
  await busy.request(apiVersions, 0, {})
  expect(
    figures(network.metrics(), 'barnabas_network_connections_closed_total').get(
      'listener=PLAINTEXT,reason=idle',
    ),
  ).toBe(1)
})

test('a connection whose request is in work is not idle', async () => {
  const clock = new FakeClock()
  const late = new LateAnswer<typeof empty>()
  const { port } = await start([handler(saslAuthenticate, {}, () => late)], {
    clock,
    settings: { 'connections.max.idle.ms': 1000 },
  })
  const client = await BrokerConnection.connect(port)
  const answer = client.request(saslAuthenticate, 2, { authBytes: Buffer.alloc(0) })
  const other = await BrokerConnection.connect(port)
  await other.request(apiVersions, 0, {})
  clock.advance(60_000)
  await other.closed
  late.answer(empty)
  expect((await answer).errorCode).toBe(0)
})

test('half a frame and then silence ends like any idleness', async () => {
  const clock = new FakeClock()
  const { port, network } = await start([], { clock, settings: { 'connections.max.idle.ms': 1000 } })
  const client = await BrokerConnection.connect(port)
  client.send(Buffer.from([0, 0, 1, 0, 0, 18]))
  await until(
    () => total(network.metrics(), 'kafka_server_socket_server_metrics_incoming_byte_total') === 6,
    'the bytes arrive',
  )
  clock.advance(10_000)
  await client.closed
})

test('connections beyond the limits are closed and counted, and the others go on', async () => {
  const { logger, lines } = recordingLogger()
  const { port, network } = await start([], { logger, settings: { 'max.connections.per.ip': 2 } })
  const first = await BrokerConnection.connect(port)
  const second = await BrokerConnection.connect(port)
  await Promise.all([first.request(apiVersions, 0, {}), second.request(apiVersions, 0, {})])
  const third = await BrokerConnection.connect(port)
  await third.closed
  await first.request(apiVersions, 0, {})
  expect(total(network.metrics(), 'barnabas_network_connections_refused_total')).toBe(1)
  expect(lines).toMatchObject([{ limit: 'address' }])
  await second.close()
  await until(() => network.connectionCount === 1, 'the second is gone')
  const fourth = await BrokerConnection.connect(port)
  await fourth.request(apiVersions, 0, {})
})

test('connections that come too fast are read later', async () => {
  const clock = new FakeClock()
  const { port, network } = await start([], { clock, settings: { 'max.connection.creation.rate': 1 } })
  const first = await BrokerConnection.connect(port)
  await first.request(apiVersions, 0, {})
  const second = await BrokerConnection.connect(port)
  const answer = second.request(apiVersions, 0, {})
  await until(
    () => total(network.metrics(), 'barnabas_network_connections_delayed_total') === 1,
    'it is delayed',
  )
  await first.request(apiVersions, 0, {})
  expect(second.bytesReceived).toBe(0)
  clock.advance(1000)
  await answer
})

test('a clean stop lets requests in work be answered and takes no new ones', async () => {
  const late = new LateAnswer<typeof empty>()
  let handled = 0
  const { port, network } = await start([
    handler(saslAuthenticate, {}, () => {
      handled++
      return late
    }),
  ])
  const client = await BrokerConnection.connect(port)
  const idle = await BrokerConnection.connect(port)
  const answer = client.request(saslAuthenticate, 2, { authBytes: Buffer.alloc(0) })
  await until(() => handled === 1, 'the request is started')
  const stopping = network.stop(60_000)
  await idle.closed
  client.send(frameOf(saslAuthenticate, 2, { authBytes: Buffer.alloc(0) }, { correlationId: 99 }))
  late.answer(empty)
  expect((await answer).errorCode).toBe(0)
  await client.closed
  await stopping
  expect(handled).toBe(1)
  await expect(BrokerConnection.connect(port)).rejects.toThrow('ECONNREFUSED')
})

test('what is not answered within the time of a clean stop is closed', async () => {
  const clock = new FakeClock()
  const { port, network } = await start(
    [handler(saslAuthenticate, {}, () => new LateAnswer<typeof empty>())],
    { clock },
  )
  const client = await BrokerConnection.connect(port)
  client.send(frameOf(saslAuthenticate, 2, { authBytes: Buffer.alloc(0) }, { correlationId: 1 }))
  await until(
    () => total(network.metrics(), 'kafka_network_requestchannel_requestqueuesize') === 1,
    'the request is started',
  )
  const stopping = network.stop(5000)
  clock.advance(5000)
  await stopping
  await client.closed
  expect(clock.pendingTimers).toBe(0)
})

test('several listeners are served side by side, each under its name', async () => {
  const clock = systemClock
  const names: string[] = []
  const dispatcher = new Dispatcher({
    handlers: new Map([
      [
        saslAuthenticate.key,
        handler(saslAuthenticate, {}, (_, context) => {
          names.push(`${context.listenerName} ${context.clientAddress} ${context.principal}`)
          return empty
        }),
      ],
    ]),
    clock,
    logger: silentLogger,
  })
  const network = await Network.open({
    listeners: [
      { name: 'INSIDE', host: '127.0.0.1', port: 0 },
      { name: 'OUTSIDE', host: '127.0.0.1', port: 0 },
    ],
    settings: () => networkSettings,
    dispatcher,
    turn: new EndOfTurn(),
    clock,
    logger: silentLogger,
  })
  for (const { port } of network.listeners) {
    const client = await BrokerConnection.connect(port)
    await client.request(saslAuthenticate, 2, { authBytes: Buffer.alloc(0) })
  }
  expect(names).toEqual(['INSIDE 127.0.0.1 User:ANONYMOUS', 'OUTSIDE 127.0.0.1 User:ANONYMOUS'])
  expect(figures(network.metrics(), 'kafka_server_socket_server_metrics_connection_count')).toEqual(
    new Map([
      ['listener=INSIDE', 1],
      ['listener=OUTSIDE', 1],
    ]),
  )
  await network.stop(0)
})

test('a port that is taken is told by name', async () => {
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const opening = Network.open({
    listeners: [{ name: 'OUTSIDE', host: '127.0.0.1', port }],
    settings: () => networkSettings,
    dispatcher: new Dispatcher({ handlers: new Map(), clock: systemClock, logger: silentLogger }),
    turn: new EndOfTurn(),
    clock: systemClock,
    logger: silentLogger,
  })
  await expect(opening).rejects.toThrow(`Listener OUTSIDE cannot listen on 127.0.0.1:${port}`)
  taken.close()
})
