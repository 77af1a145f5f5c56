import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Connection } from '../../../client/connection/connection.ts'
import {
  type Api,
  apiByKey,
  apiVersions,
  beginFrame,
  decodeRequestHeader,
  encodeResponse,
  encodeResponseHeader,
  endFrame,
  errorCode,
  metadata,
  produce,
  Reader,
  type RequestHeader,
  Writer,
} from '../../../protocol/index.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** What a broker does with a request: the version and value to answer with, raw bytes, or nothing at all. */
type Answer = { readonly version: number; readonly value: object } | Buffer | undefined

let server: Server
let port: number
let answers: (header: RequestHeader) => Answer
const sockets = new Set<Socket>()
const connections: Connection[] = []

const served = [
  { apiKey: apiVersions.key, minVersion: 0, maxVersion: 4 },
  { apiKey: metadata.key, minVersion: 0, maxVersion: 7 },
]

function versionsAnswer({ apiVersion }: RequestHeader): Answer {
  return { version: apiVersion, value: { errorCode: 0, apiKeys: served } }
}

function metadataAnswer({ apiVersion }: RequestHeader, clusterId = 'c'): Answer {
  return { version: apiVersion, value: { brokers: [], clusterId, controllerId: 1, topics: [] } }
}

beforeEach(async () => {
  answers = header => (header.apiKey === apiVersions.key ? versionsAnswer(header) : metadataAnswer(header))
  server = createServer(socket => {
    sockets.add(socket)
    let received: Buffer = Buffer.alloc(0)
    socket.on('data', bytes => {
      received = Buffer.concat([received, bytes as Buffer])
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const end = 4 + received.readInt32BE(0)
        reply(socket, decodeRequestHeader(new Reader(received, 4, end)))
        received = received.subarray(end)
      }
    })
    socket.on('error', () => undefined)
  })
  port = await new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
})

afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close()
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  await new Promise(resolve => server.close(resolve))
})

function reply(socket: Socket, header: RequestHeader): void {
  const answer = answers(header)
  if (answer === undefined) return
  if (Buffer.isBuffer(answer)) {
    socket.write(answer)
    return
  }
  const api = apiByKey(header.apiKey) as Api
  const writer = new Writer(128)
  const mark = beginFrame(writer)
  encodeResponseHeader(api, answer.version, header.correlationId, writer)
  encodeResponse(api, answer.version, answer.value as never, writer)
  endFrame(writer, mark)
  socket.write(writer.finish())
}

async function open(clock?: FakeClock): Promise<Connection> {
  const connection = await Connection.open({
    host: '127.0.0.1',
    port,
    clientId: 'test',
    ...(clock === undefined ? {} : { clock }),
  })
  connections.push(connection)
  return connection
}

const everything = {
  topics: null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

test('the newest version that both sides know is spoken', async () => {
  const seen: number[] = []
  const before = answers
  answers = header => {
    if (header.apiKey === metadata.key) seen.push(header.apiVersion)
    return before(header)
  }
  const connection = await open()
  expect((await connection.send(metadata, everything)).clusterId).toBe('c')
  expect(seen).toEqual([7])
  expect(connection.versionFor(produce)).toBeUndefined()
  await expect(connection.send(produce, { acks: 1, timeoutMs: 1, topicData: [] })).rejects.toThrow(
    /does not serve Produce/,
  )
})

test('a broker that does not know the newest ApiVersions is asked again in one that it knows', async () => {
  const asked: number[] = []
  const before = answers
  answers = header => {
    if (header.apiKey !== apiVersions.key) return before(header)
    asked.push(header.apiVersion)
    if (header.apiVersion <= 2)
      return { version: header.apiVersion, value: { errorCode: 0, apiKeys: served } }
    const keys = [{ apiKey: apiVersions.key, minVersion: 0, maxVersion: 2 }]
    return { version: 0, value: { errorCode: errorCode('UNSUPPORTED_VERSION'), apiKeys: keys } }
  }
  const connection = await open()
  expect(asked).toEqual([4, 2])
  expect(connection.isOpen).toBe(true)
})

test('several requests may be in the air at once', async () => {
  let count = 0
  const before = answers
  answers = header =>
    header.apiKey === metadata.key ? metadataAnswer(header, `c${count++}`) : before(header)
  const connection = await open()
  const all = await Promise.all([1, 2, 3].map(() => connection.send(metadata, everything)))
  expect(all.map(({ clusterId }) => clusterId)).toEqual(['c0', 'c1', 'c2'])
})

test('a broker that does not answer in time is left', async () => {
  const clock = new FakeClock()
  const before = answers
  const asked = Promise.withResolvers<void>()
  answers = header => {
    if (header.apiKey === apiVersions.key) return before(header)
    asked.resolve()
    return undefined
  }
  const connection = await open(clock)
  const answer = connection.send(metadata, everything, { timeoutMs: 500 })
  const refused = expect(answer).rejects.toThrow(/did not answer Metadata within 500 ms/)
  await asked.promise
  clock.advance(500)
  await refused
  expect(connection.isOpen).toBe(false)
  await expect(connection.send(metadata, everything)).rejects.toThrow(/within 500 ms/)
})

test('what is no answer ends the connection', async () => {
  const before = answers
  answers = header =>
    header.apiKey === apiVersions.key ? before(header) : Buffer.from('HTTP/1.1 400 Bad Request\r\n')
  const connection = await open()
  await expect(connection.send(metadata, everything)).rejects.toThrow(/sent something that is no answer/)
})

test('a broker that goes away rejects what is in the air', async () => {
  const before = answers
  answers = header => {
    if (header.apiKey === apiVersions.key) return before(header)
    for (const socket of sockets) socket.destroy()
    return undefined
  }
  const connection = await open()
  await expect(connection.send(metadata, everything)).rejects.toThrow(/closed the connection|ECONNRESET/)
})

test('nobody there is told with the address', async () => {
  await new Promise(resolve => server.close(resolve))
  await expect(open()).rejects.toThrow(`Cannot connect to 127.0.0.1:${port}: `)
  server.listen(port, '127.0.0.1')
})
