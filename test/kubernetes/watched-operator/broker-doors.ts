/** Doors to what a broker listens on for the operator: Kafka's protocol, and grants over gRPC. */
import {
  createServer as createHttp2Server,
  connect as connectHttp2,
  constants,
  type ServerHttp2Stream,
} from 'node:http2'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { apiByKey, decodeRequest, decodeRequestHeader, Reader } from '../../../protocol/index.ts'
import type { Gate } from './gate.ts'

export interface BrokerDoorParts {
  readonly gate: Gate
  /** Begins what is told of a write. */
  readonly broker: string
  /** Where the broker is now; rejects when it has no address. */
  readonly target: () => Promise<{ readonly host: string; readonly port: number }>
}

const kafkaWrites: ReadonlySet<string> = new Set([
  'CreateTopics',
  'DeleteTopics',
  'CreatePartitions',
  'IncrementalAlterConfigs',
  'AlterPartitionReassignments',
])
const grpcWrites = /\/(RequestRestart|ReleaseRestart)$/

/** A connection is taken when there is one to the broker, and breaks with it. */
function listen(
  host: string,
  port: number,
  target: BrokerDoorParts['target'],
  taken: (client: Socket, broker: Socket) => void,
): Promise<Server> {
  const server = createServer(client => {
    client.on('error', () => {})
    target()
      .then(address => {
        const broker = createConnection(address)
        broker.on('error', () => client.destroy())
        broker.once('connect', () => taken(client, broker))
        broker.on('close', () => client.destroy())
        client.on('close', () => broker.destroy())
      })
      .catch(() => client.destroy())
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => resolve(server))
  })
}

export function openKafkaDoor(host: string, port: number, parts: BrokerDoorParts): Promise<Server> {
  return listen(host, port, parts.target, (client, broker) => {
    /** Correlation id → who waits for that answer, and when it is passed on. */
    const held = new Map<
      number,
      { readonly take: (answer: Buffer) => void; readonly passed: Promise<void> }
    >()
    onFrames(client, frame => {
      const write = kafkaWriteOf(frame)
      if (write !== undefined) {
        const { promise, resolve } = Promise.withResolvers<Buffer>()
        const forward = (): Promise<Buffer> => {
          broker.write(frame)
          return promise
        }
        const passed = parts.gate.pass(`${write} of ${parts.broker}`, forward).then(answer => {
          client.write(answer)
        })
        held.set(frame.readInt32BE(8), { take: resolve, passed })
      } else broker.write(frame)
    })
    // Answers keep their order.
    let before = Promise.resolve()
    onFrames(broker, frame => {
      const waiting = held.get(frame.readInt32BE(4))
      held.delete(frame.readInt32BE(4))
      waiting?.take(frame)
      before = before.then(() => (waiting === undefined ? void client.write(frame) : waiting.passed))
    })
  })
}

/** Only asked whether it could be done is no write. */
function kafkaWriteOf(frame: Buffer): string | undefined {
  const reader = new Reader(frame, 4)
  const { apiKey, apiVersion } = decodeRequestHeader(reader)
  const api = apiByKey(apiKey)
  if (api === undefined || !kafkaWrites.has(api.name)) return undefined
  const { validateOnly } = decodeRequest(api, apiVersion, reader) as { readonly validateOnly?: boolean }
  return validateOnly === true ? undefined : api.name
}

function onFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', piece => {
    rest = Buffer.concat([rest, piece])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0)
      take(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  })
}

interface Unary {
  readonly headers: Record<string, unknown>
  readonly body: Buffer
  readonly trailers: Record<string, unknown>
}

/** Calls with one question and one answer, whole. */
export function openControlDoor(host: string, port: number, parts: BrokerDoorParts): Promise<Server> {
  return listen(host, port, parts.target, (client, broker) => {
    const server = createHttp2Server()
    const session = connectHttp2('http://broker', { createConnection: () => broker })
    session.on('error', () => client.destroy())
    client.once('close', () => session.destroy())
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {})
      const forward = async (): Promise<Unary> => call(session.request(headers), await readAll(stream))
      const path = String(headers[constants.HTTP2_HEADER_PATH])
      const write = grpcWrites.exec(path)?.[1]
      const answered =
        write === undefined ? forward() : parts.gate.pass(`${write} of ${parts.broker}`, forward)
      answered.then(answer => reply(stream, answer)).catch(() => stream.destroy())
    })
    server.emit('connection', client)
  })
}

async function call(
  request: ReturnType<ReturnType<typeof connectHttp2>['request']>,
  body: Buffer,
): Promise<Unary> {
  let headers: Record<string, unknown> = {}
  let trailers: Record<string, unknown> = {}
  request.on('response', got => {
    headers = got
  })
  request.on('trailers', got => {
    trailers = got
  })
  request.end(body)
  return { body: await readAll(request), headers, trailers }
}

function reply(stream: ServerHttp2Stream, { headers, body, trailers }: Unary): void {
  if (Object.keys(trailers).length === 0) {
    stream.respond(headers as never)
    stream.end(body)
    return
  }
  stream.respond(headers as never, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers(trailers as never))
  stream.end(body)
}

async function readAll(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}
