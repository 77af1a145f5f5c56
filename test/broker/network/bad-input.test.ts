import { afterEach, beforeEach, expect, test } from 'vitest'
import { handler, LateAnswer } from '../../../broker/api/handler.ts'
import {
  apiVersions,
  metadata,
  produce,
  saslAuthenticate,
  type Writer,
  Writer as NewWriter,
} from '../../../protocol/index.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { BrokerConnection, framed, frameOf } from '../../support/broker-connection.ts'
import { figures, total } from '../../support/figures.ts'
import { recordingLogger } from '../../support/recording-logger.ts'
import { startNetwork, type TestNetwork } from '../../support/test-network.ts'
import { until } from '../../support/until.ts'

// Whatever comes in: the connection ends with a sentence in the log, or gets an answer with an error; memory stays flat; another
// client, connected all the while, is served; nothing is thrown that nobody catches.

let broker: TestNetwork
let bystander: BrokerConnection
let lines: Record<string, unknown>[]
let handled = 0

beforeEach(async () => {
  const recording = recordingLogger()
  lines = recording.lines
  handled = 0
  broker = await startNetwork(
    [
      handler(saslAuthenticate, {}, ({ authBytes }) => {
        handled++
        return { errorCode: 0, errorMessage: null, authBytes }
      }),
      handler(metadata, {}, () => ({ brokers: [], controllerId: -1, topics: [] })),
      handler(produce, { borrowsBytes: true }, () => ({ responses: [] })),
    ],
    { logger: recording.logger, settings: { 'socket.listen.backlog.size': 2000 } },
  )
  bystander = await BrokerConnection.connect(broker.port)
})

afterEach(async () => {
  expect((await bystander.request(apiVersions, 0, {})).errorCode).toBe(0)
  await bystander.close()
  await until(() => broker.network.connectionCount === 0, 'all connections are gone')
  expect(memoryUsed()).toBe(0)
  await broker.stop()
  expect(lines.filter(({ level }) => level !== 'info')).toEqual([])
})

function memoryUsed(): number {
  return total(broker.network.metrics(), 'barnabas_network_memory_used_bytes')
}

function closedBecause(): unknown {
  return lines.at(-1)?.['reason']
}

async function sendAndSeeClosed(bytes: Uint8Array): Promise<void> {
  const client = await BrokerConnection.connect(broker.port)
  client.send(bytes)
  await client.closed
  expect(client.bytesReceived).toBe(0)
}

/** A request of any key and version; `write` makes its body. */
function request(
  apiKey: number,
  apiVersion: number,
  write: (writer: Writer) => void,
  flexible = false,
): Buffer {
  const writer = new NewWriter(256)
  writer.int16(apiKey)
  writer.int16(apiVersion)
  writer.int32(1)
  writer.nullableString('test')
  if (flexible) writer.unsignedVarint(0)
  write(writer)
  return framed(writer.finish())
}

test.each([
  [0, 'A frame of 0 bytes cannot hold a request.'],
  [-1, 'A frame has the size -1.'],
  [-(2 ** 31), 'A frame has the size -2147483648.'],
  [104_857_601, 'A frame of 104857601 bytes is larger than the 104857600 that are allowed.'],
  [2 ** 31 - 1, 'A frame of 2147483647 bytes is larger than the 104857600 that are allowed.'],
  [7, 'A frame of 7 bytes cannot hold a request.'],
])('a frame that claims %i bytes closes the connection', async (size, sentence) => {
  await sendAndSeeClosed(framed(Buffer.alloc(16), size))
  expect(closedBecause()).toBe(sentence)
})

test.each([
  ['GET /metrics HTTP/1.1\r\nHost: broker\r\n\r\n', 'HTTP request'],
  ['SSH-2.0-OpenSSH_9.7\r\n', 'SSH client'],
  ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'TLS hello, but listener PLAINTEXT is not encrypted'],
])('%j is recognised for what it is', async (text, guess) => {
  await sendAndSeeClosed(Buffer.from(text, 'latin1'))
  expect(closedBecause()).toContain(guess)
})

test('random bytes end connections, one by one', async () => {
  const random = seededRandom(1)
  for (let run = 0; run < 100; run++) {
    const bytes = random.bytes(64 + Math.floor(random.fraction() * 4000))
    // A size that makes sense leads to the inside.
    if (run % 2 === 0) bytes.writeInt32BE(bytes.length - 4)
    else bytes.writeInt32BE(-1 - run)
    await sendAndSeeClosed(bytes)
  }
})

test.each([
  ['unknown', 4711, 0, 'API key 4711 (version 0) is not served here'],
  ['negative', -3, 0, 'API key -3 (version 0) is not served here'],
  ['not served', 1, 13, 'API key 1 (version 13) is not served here'],
])('an API key that is %s closes the connection', async (_, key, version, sentence) => {
  await sendAndSeeClosed(request(key, version, () => undefined))
  expect(closedBecause()).toBe(sentence)
})

test.each([-1, 3, 32_767])('version %i of an API that has 0 to 2 closes the connection', async version => {
  await sendAndSeeClosed(request(saslAuthenticate.key, version, () => undefined))
  expect(closedBecause()).toBe(`SaslAuthenticate v${version} is not supported; versions 0 to 2 are`)
})

test.each([5, 32_767, -1])(
  'version %i of ApiVersions is answered in version 0, and the connection stays',
  async version => {
    const client = await BrokerConnection.connect(broker.port)
    client.send(request(apiVersions.key, version, writer => writer.raw(Buffer.alloc(50, 0xff))))
    const answer = await client.frame()
    const expected = Buffer.alloc(4 + 2 + 4 + 6)
    expected.writeInt32BE(1, 0)
    expected.writeInt16BE(35, 4)
    expected.writeInt32BE(1, 6)
    expected.writeInt16BE(18, 10)
    expected.writeInt16BE(0, 12)
    expected.writeInt16BE(4, 14)
    expect(answer.toString('hex')).toBe(expected.toString('hex'))
    await client.request(apiVersions, 4, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
    await client.close()
  },
)

test('a flexible request with an old header closes the connection', async () => {
  await sendAndSeeClosed(
    request(saslAuthenticate.key, 2, writer => writer.compactBytes(Buffer.alloc(300, 0xff))),
  )
})

test('bytes behind the end of a request close the connection', async () => {
  const good = frameOf(saslAuthenticate, 1, { authBytes: Buffer.from('x') }, { correlationId: 1 })
  await sendAndSeeClosed(framed(Buffer.concat([good.subarray(4), Buffer.from('more')])))
  expect(closedBecause()).toContain('SaslAuthenticate v1 cannot be read. 4 bytes follow its end.')
})

test.each<[string, Buffer]>([
  ['a byte field longer than the frame', request(36, 1, w => w.int32(1000))],
  ['a byte field of length -2', request(36, 1, w => w.int32(-2))],
  ['a byte field of 2 GiB - 1', request(36, 1, w => w.int32(2 ** 31 - 1))],
  ['a compact byte field of 4 GiB', request(36, 2, w => w.raw(Buffer.from('ffffffff0f', 'hex')), true)],
  [
    'a number of more than five bytes',
    request(36, 2, w => w.raw(Buffer.from('ffffffffffff01', 'hex')), true),
  ],
  ['an array of 2 billion elements', request(3, 8, w => w.int32(2 ** 31 - 1))],
  ['an array of -2 elements', request(3, 8, w => w.int32(-2))],
  [
    'a compact array of 4 billion elements',
    request(3, 12, w => w.raw(Buffer.from('ffffffff0f', 'hex')), true),
  ],
  [
    'a string longer than the frame',
    request(3, 8, w => {
      w.int32(1)
      w.int16(32_767)
    }),
  ],
  [
    'a string of length -2',
    request(3, 8, w => {
      w.int32(1)
      w.int16(-2)
    }),
  ],
  [
    'tagged fields of a huge count',
    request(
      36,
      2,
      w => {
        w.compactBytes(Buffer.alloc(1))
        w.unsignedVarint(2 ** 32 - 1)
      },
      true,
    ),
  ],
  [
    'a tagged field of a huge size',
    request(
      36,
      2,
      w => {
        w.compactBytes(Buffer.alloc(1))
        w.raw(Buffer.from('0105ffffffff0f', 'hex'))
      },
      true,
    ),
  ],
  ['a client id longer than the frame', framed(Buffer.from('0024000100000001 7fff'.replace(' ', ''), 'hex'))],
  ['a client id of length -2', framed(Buffer.from('0024000100000001fffe', 'hex'))],
  [
    'records longer than the frame',
    request(0, 3, w =>
      w.raw(Buffer.from('ffff000100000000000000010001610000000100000000', 'hex').fill(0x7f, 21)),
    ),
  ],
])('%s closes the connection', async (_, frame) => {
  await sendAndSeeClosed(frame)
  expect(figures(broker.network.metrics(), 'barnabas_network_connections_closed_total')).toEqual(
    new Map([['listener=PLAINTEXT,reason=badRequest', 1]]),
  )
  expect(closedBecause()).toMatch(/cannot be read/)
})

test('requests before the bad one are answered, those after it are not', async () => {
  const client = await BrokerConnection.connect(broker.port)
  const good = (correlationId: number): Buffer =>
    frameOf(saslAuthenticate, 1, { authBytes: Buffer.from('x') }, { correlationId })
  client.send(Buffer.concat([good(1), good(2), request(36, 1, w => w.int32(-2)), good(3)]))
  expect((await client.frames(2)).map(frame => frame.readInt32BE(0))).toEqual([1, 2])
  await expect(client.frame()).rejects.toThrow('closed')
  expect(handled).toBe(2)
})

test('names that are special in JavaScript and strange text come through as they are', async () => {
  const client = await BrokerConnection.connect(broker.port)
  for (const name of ['__proto__', 'constructor', 'a\0b', '../../etc/passwd', 'x'.repeat(32_767), '\ud800']) {
    const answer = await client.request(metadata, 1, { topics: [{ name }] })
    expect(answer.topics).toEqual([])
  }
  client.send(
    request(3, 1, w => {
      w.int32(1)
      w.int16(3)
      w.raw(Buffer.from('fffe80', 'hex'))
    }),
  )
  await client.frame()
  await client.close()
})

test('one correlation id for all requests is the client’s own affair', async () => {
  const client = await BrokerConnection.connect(broker.port)
  const one = frameOf(saslAuthenticate, 1, { authBytes: Buffer.from('x') }, { correlationId: 5 })
  client.send(Buffer.concat([one, one, one]))
  expect((await client.frames(3)).map(frame => frame.readInt32BE(0))).toEqual([5, 5, 5])
  await client.close()
})

test('a thousand connections that announce 100 MB and send nothing more cost next to nothing', async () => {
  const before = process.memoryUsage().arrayBuffers
  const clients = await Promise.all(Array.from({ length: 1000 }, () => BrokerConnection.connect(broker.port)))
  const beginning = framed(Buffer.alloc(100), 100_000_000)
  await Promise.all(clients.map(client => client.sent(beginning)))
  await until(
    () =>
      total(broker.network.metrics(), 'kafka_server_socket_server_metrics_incoming_byte_total') === 104_000,
    'all bytes have arrived',
  )
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1000 * 32 * 1024)
  expect((await bystander.request(apiVersions, 0, {})).errorCode).toBe(0)
  await Promise.all(clients.map(client => client.close()))
}, 30_000)

test('many connections that come and go at once leave nothing behind', async () => {
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        const client = await BrokerConnection.connect(broker.port)
        if (at % 3 === 0) client.send(Buffer.from([0, 0]))
        if (at % 3 === 1) await client.request(apiVersions, 0, {})
        await client.close()
      }),
    )
  }
  expect(
    total(broker.network.metrics(), 'kafka_server_socket_server_metrics_connection_creation_total'),
  ).toBe(501)
}, 30_000)

test('half-received requests beyond the memory limit wait, and all are served in the end', async () => {
  const { port, network, stop } = await startNetwork(
    [
      handler(saslAuthenticate, {}, ({ authBytes }) => ({
        errorCode: authBytes.length % 100,
        errorMessage: null,
        authBytes: Buffer.alloc(0),
      })),
    ],
    { settings: { 'queued.max.request.bytes': 3_000_000 } },
  )
  const size = 1_500_000
  const frame = frameOf(saslAuthenticate, 2, { authBytes: Buffer.alloc(size + 7) }, { correlationId: 1 })
  const clients = await Promise.all(Array.from({ length: 12 }, () => BrokerConnection.connect(port)))
  let most = 0
  let watching = true
  const watch = (): void => {
    most = Math.max(most, total(network.metrics(), 'barnabas_network_memory_used_bytes'))
    if (watching) setImmediate(watch)
  }
  watch()
  // First the halves of all, then the rest: so that none is complete when memory is used up.
  for (const client of clients) client.send(frame.subarray(0, frame.length / 2))
  const small = await BrokerConnection.connect(port)
  await small.request(apiVersions, 0, {})
  for (const client of clients) client.send(frame.subarray(frame.length / 2))
  for (const client of clients) expect((await client.frame()).readInt16BE(5)).toBe(7)
  watching = false
  // Each may have a chunk of 256 KB on the way when memory runs out.
  expect(most).toBeLessThan(12_000_000)
  await Promise.all([small, ...clients].map(client => client.close()))
  await stop()
}, 30_000)

test('pipelining ten thousand requests that wait does not make the broker read them all', async () => {
  const waiting: LateAnswer<{ errorCode: number; errorMessage: null; authBytes: Buffer }>[] = []
  const { port, network, stop } = await startNetwork(
    [
      handler(saslAuthenticate, {}, () => {
        const late = new LateAnswer<{ errorCode: number; errorMessage: null; authBytes: Buffer }>()
        waiting.push(late)
        return late
      }),
    ],
    { clock: systemClock },
  )
  const client = await BrokerConnection.connect(port)
  const one = frameOf(saslAuthenticate, 2, { authBytes: Buffer.alloc(1000) }, { correlationId: 1 })
  client.send(Buffer.concat(Array.from({ length: 10_000 }, () => one)))
  await until(() => waiting.length === 256, 'the bound is reached')
  expect(total(network.metrics(), 'barnabas_network_memory_used_bytes')).toBeLessThan(2_000_000)
  let answered = 0
  while (answered < 10_000) {
    await until(() => answered < waiting.length, 'the next is started')
    expect(waiting.length - answered).toBeLessThanOrEqual(256)
    while (answered < waiting.length) {
      waiting[answered++]?.answer({ errorCode: 0, errorMessage: null, authBytes: Buffer.alloc(0) })
    }
  }
  await client.frames(10_000)
  await client.close()
  await stop()
}, 30_000)
