import { connect, type Socket } from 'node:net'
import * as grpc from '@grpc/grpc-js'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pathOf } from '../../../broker/control/control-api.ts'
import { type CallOutcome, ControlConnections } from '../../../broker/control/control-client.ts'
import { type ControlHandler, ControlServer } from '../../../broker/control/control-server.ts'
import { ControlRefusal, controlStatus } from '../../../broker/control/control-status.ts'
import { healthService } from '../../../broker/control/health-service.ts'
import { MalformedMessage } from '../../../broker/control/proto-reader.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { recordingLogger } from '../../support/recording-logger.ts'
import { until } from '../../support/until.ts'

/** Answers the calls of Wait. */
let waiting: (() => void)[] = []

const handlers = new Map<string, ControlHandler>([
  ['Echo', bytes => Promise.resolve(bytes)],
  ['Refuse', () => Promise.reject(new ControlRefusal('failedPrecondition', 'Not now.'))],
  ['Malformed', () => Promise.reject(new MalformedMessage('This is nothing.'))],
  ['Fail', () => Promise.reject(new Error('a secret of ours'))],
  ['Wait', () => new Promise(resolve => waiting.push(() => resolve(Buffer.from('done'))))],
])

let server: ControlServer
let connections: ControlConnections
let lines: Record<string, unknown>[]
let isReady: boolean
const sockets: Socket[] = []

beforeEach(async () => {
  isReady = false
  waiting = []
  server = await startServer(0)
  connections = new ControlConnections({ tls: () => null, clock: systemClock })
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  connections.close()
  await server.stop()
})

async function startServer(port: number): Promise<ControlServer> {
  const recorded = recordingLogger()
  lines = recorded.lines
  return ControlServer.open({
    host: '127.0.0.1',
    port,
    tls: null,
    clock: systemClock,
    logger: recorded.logger,
    handlers,
    services: [healthService({ isReady: () => isReady, clock: systemClock })],
  })
}

function call(
  method: string,
  bytes: Buffer = Buffer.from('x'),
  withinMs = 5000,
  signal = new AbortController().signal,
): Promise<CallOutcome> {
  const address = { host: '127.0.0.1', port: server.port, tls: false }
  return connections.call(address, method, bytes, withinMs, signal)
}

async function openSocket(): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: server.port })
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.resume()
  await new Promise(resolve => socket.once('connect', resolve))
  return socket
}

/** One after the other, so that none waits in the system's queue. */
async function openSockets(count: number): Promise<Socket[]> {
  const opened: Socket[] = []
  while (opened.length < count) opened.push(await openSocket())
  return opened
}

describe('a call', () => {
  test('is answered', async () => {
    expect(await call('Echo', Buffer.from('hello'))).toEqual({
      kind: 'answered',
      bytes: Buffer.from('hello'),
    })
  })

  test.each([
    ['Refuse', controlStatus.failedPrecondition, 'Not now.'],
    ['Malformed', controlStatus.invalidArgument, 'This is nothing.'],
    ['NoSuchMethod', controlStatus.unimplemented, expect.stringContaining('NoSuchMethod')],
  ])('that is refused says why: %s', async (method, status, reason) => {
    expect(await call(method)).toEqual({ kind: 'refused', status, reason })
  })

  test('that fails is logged, and the caller is told no more than that', async () => {
    expect(await call('Fail')).toEqual({ kind: 'lost', reason: "Fail failed; the broker's log says why." })
    expect(lines).toMatchObject([{ level: 'error', method: 'Fail', err: { message: 'a secret of ours' } }])
  })

  test('without an answer ends with its time', async () => {
    expect(await call('Wait', Buffer.alloc(0), 100)).toMatchObject({ kind: 'lost' })
  })

  test('of nobody says that nothing was sent', async () => {
    await server.stop()
    expect(await call('Echo', Buffer.alloc(0), 300)).toEqual({
      kind: 'unreachable',
      reason: 'no connection comes about',
    })
    server = await startServer(0)
  })

  test('that nobody waits for any more is not sent', async () => {
    await server.stop()
    const abort = new AbortController()
    const outcome = call('Echo', Buffer.alloc(0), 60_000, abort.signal)
    abort.abort()
    expect(await outcome).toMatchObject({ kind: 'unreachable' })
    server = await startServer(0)
  })

  test('at work that nobody waits for any more is given up before its time', async () => {
    const abort = new AbortController()
    const outcome = call('Wait', Buffer.alloc(0), 3_600_000, abort.signal)
    await until(() => waiting.length === 1, 'the call is at work')
    abort.abort()
    expect(await outcome).toMatchObject({ kind: 'lost' })
  })

  test('goes over a connection that is made again after it broke', async () => {
    const { port } = server
    expect(await call('Echo')).toMatchObject({ kind: 'answered' })
    await server.stop()
    server = await startServer(port)
    await until(async () => (await call('Echo')).kind === 'answered', 'it is connected again')
  })

  test('at work when the broker stops is answered first', async () => {
    const outcome = call('Wait')
    await until(() => waiting.length === 1, 'the call is at work')
    const stopped = server.stop()
    waiting.shift()?.()
    expect(await outcome).toEqual({ kind: 'answered', bytes: Buffer.from('done') })
    await stopped
    server = await startServer(0)
  })

  test('without an answer does not hold up the stop for long', async () => {
    const outcome = call('Wait')
    await until(() => waiting.length === 1, 'the call is at work')
    await server.stop()
    expect(await outcome).toMatchObject({ kind: 'lost' })
    expect(lines).toMatchObject([{ level: 'warn' }])
    server = await startServer(0)
  })
})

describe('whatever comes in', () => {
  test('random bytes harm nobody', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 2000 }),
        fc.boolean(),
        async (bytes, polite) => {
          const socket = await openSocket()
          if (polite) socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
          socket.end(bytes)
          await new Promise(resolve => socket.once('close', resolve))
        },
      ),
      { numRuns: 60 },
    )
    expect(await call('Echo')).toMatchObject({ kind: 'answered' })
  })

  test('a request that is too large is refused', async () => {
    const client = rawClient()
    const error = await rawCall(client, pathOf('Echo'), Buffer.alloc(5 * 1024 * 1024))
    expect(error?.code).toBe(grpc.status.RESOURCE_EXHAUSTED)
    expect(await rawCall(client, pathOf('Echo'), Buffer.alloc(1024 * 1024))).toBeNull()
    client.close()
  })

  test('connections are bounded, and those that speak are served while others are silent', async () => {
    const open = await openSockets(200)
    expect(await call('Echo')).toMatchObject({ kind: 'answered' })
    const more = await openSockets(150)
    await until(() => more.filter(socket => socket.closed).length >= 90, 'what is too much is closed')
    expect(open.filter(socket => socket.closed)).toEqual([])
    expect(await call('Echo')).toMatchObject({ kind: 'answered' })
  })

  test('a service that does not exist is refused', async () => {
    const client = rawClient()
    const error = await rawCall(client, '/no.such.Service/Method', Buffer.alloc(0))
    expect(error?.code).toBe(grpc.status.UNIMPLEMENTED)
    client.close()
  })
})

describe('the health service', () => {
  const empty = Buffer.alloc(0)
  const serving = Buffer.from([0x08, 1])
  const notServing = Buffer.from([0x08, 2])

  test('tells whether the broker is ready', async () => {
    const client = rawClient()
    expect(await rawAnswer(client, '/grpc.health.v1.Health/Check', empty)).toEqual(notServing)
    isReady = true
    expect(await rawAnswer(client, '/grpc.health.v1.Health/Check', empty)).toEqual(serving)
    const named = Buffer.from('\n\x1abarnabas.control.v1.Control')
    named[1] = named.length - 2
    expect(await rawAnswer(client, '/grpc.health.v1.Health/Check', named)).toEqual(serving)
    client.close()
  })

  test('knows only the services that are there', async () => {
    const client = rawClient()
    const check = '/grpc.health.v1.Health/Check'
    expect(await rawCall(client, check, Buffer.from('\n\x01x'))).toMatchObject({
      code: grpc.status.NOT_FOUND,
    })
    expect(await rawCall(client, check, Buffer.from([0xff]))).toMatchObject({
      code: grpc.status.INVALID_ARGUMENT,
    })
    client.close()
  })

  test('tells of every change', async () => {
    const client = rawClient()
    const stream = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', pass, pass, empty)
    const told: Buffer[] = []
    stream.on('data', (bytes: Buffer) => told.push(bytes))
    stream.on('error', () => undefined)
    await until(() => told.length === 1, 'it tells how it is')
    isReady = true
    await until(() => told.length === 2, 'it tells of the change')
    expect(told).toEqual([notServing, serving])
    stream.cancel()
    client.close()
  })
})

function pass(bytes: Buffer): Buffer {
  return bytes
}

function rawClient(): grpc.Client {
  return new grpc.Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
  })
}

function rawCall(client: grpc.Client, path: string, request: Buffer): Promise<grpc.ServiceError | null> {
  return new Promise(resolve => {
    client.makeUnaryRequest(path, pass, pass, request, error => resolve(error))
  })
}

function rawAnswer(client: grpc.Client, path: string, request: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, pass, pass, request, (error, answer) => {
      if (error === null) resolve(answer)
      else reject(error)
    })
  })
}
