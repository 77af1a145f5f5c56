import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import {
  handler,
  LateAnswer,
  noResponse,
  type ApiHandler,
  type RequestContext,
} from '../../../broker/api/handler.ts'
import { apiVersions, saslAuthenticate } from '../../../protocol/index.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { BrokerConnection, frameOf, readAnswer } from '../../support/broker-connection.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { total } from '../../support/figures.ts'
import { recordingLogger } from '../../support/recording-logger.ts'
import { startNetwork, type TestNetwork } from '../../support/test-network.ts'
import { until } from '../../support/until.ts'

// SaslAuthenticate stands for any API here: its request and its answer each carry bytes of any length.

const started: TestNetwork[] = []

afterEach(async () => {
  await Promise.all(started.splice(0).map(one => one.stop()))
})

async function start(...args: Parameters<typeof startNetwork>): Promise<TestNetwork> {
  const one = await startNetwork(...args)
  started.push(one)
  return one
}

function answerOf(authBytes: Buffer): { errorCode: number; errorMessage: null; authBytes: Buffer } {
  return { errorCode: 0, errorMessage: null, authBytes }
}

function echo(bytes: Buffer | string, correlationId: number): Buffer {
  return frameOf(saslAuthenticate, 2, { authBytes: Buffer.from(bytes) }, { correlationId })
}

function echoed(frame: Buffer): { correlationId: number; bytes: Buffer } {
  const { correlationId, response } = readAnswer(saslAuthenticate, 2, frame)
  return { correlationId, bytes: response.authBytes }
}

const echoHandler = handler(saslAuthenticate, {}, ({ authBytes }) => answerOf(authBytes))

/** Answers when the test says so, by the text that was sent. */
class Parked {
  readonly answers = new Map<string, LateAnswer<ReturnType<typeof answerOf>>>()
  readonly contexts: RequestContext[] = []
  readonly handler: ApiHandler = handler(saslAuthenticate, {}, ({ authBytes }, context) => {
    const text = authBytes.toString()
    this.contexts.push(context)
    if (text.startsWith('now')) return answerOf(authBytes)
    const late = new LateAnswer<ReturnType<typeof answerOf>>()
    this.answers.set(text, late)
    return late
  })

  settle(text: string): void {
    this.answers.get(text)?.answer(answerOf(Buffer.from(text)))
  }
}

test.each([true, false])('a request is answered (shared read buffer: %s)', async sharedRead => {
  const { port } = await start([echoHandler], { sharedRead })
  const client = await BrokerConnection.connect(port)
  client.send(echo('hello', 7))
  expect(echoed(await client.frame())).toEqual({ correlationId: 7, bytes: Buffer.from('hello') })
  const { apiKeys } = await client.request(apiVersions, 0, {})
  expect(apiKeys.map(({ apiKey }) => apiKey)).toEqual([18, 36])
})

test.each([true, false])(
  'requests that come byte by byte are answered (shared read buffer: %s)',
  async sharedRead => {
    const { port } = await start([echoHandler], { sharedRead })
    const client = await BrokerConnection.connect(port)
    for (const byte of Buffer.concat([echo('one', 1), echo('two', 2)])) await client.sent(Buffer.from([byte]))
    expect((await client.frames(2)).map(frame => echoed(frame).bytes.toString())).toEqual(['one', 'two'])
  },
)

test('requests are started without waiting for earlier answers, and answers leave in the order of the requests', async () => {
  const parked = new Parked()
  const { port } = await start([parked.handler])
  const client = await BrokerConnection.connect(port)
  client.send(Buffer.concat([echo('late1', 1), echo('now2', 2), echo('late3', 3), echo('now4', 4)]))
  await until(() => parked.contexts.length === 4, 'all four requests are started')
  parked.settle('late3')
  expect(client.bytesReceived).toBe(0)
  parked.settle('late1')
  const answers = (await client.frames(4)).map(echoed)
  expect(answers.map(({ bytes }) => bytes.toString())).toEqual(['late1', 'now2', 'late3', 'now4'])
  expect(answers.map(({ correlationId }) => correlationId)).toEqual([1, 2, 3, 4])
})

test('the times of a request are the parts of its total, and an answer waits for an earlier one', async () => {
  const clock = new FakeClock()
  const parked = new Parked()
  const { port, dispatcher } = await start([parked.handler], { clock })
  const client = await BrokerConnection.connect(port)
  client.send(Buffer.concat([echo('late', 1), echo('now', 2)]))
  await until(() => parked.contexts.length === 2, 'both requests are started')
  clock.advance(30)
  parked.settle('late')
  await client.frames(2)
  const stats = [...dispatcher.stats()].find(({ api }) => api === 'SaslAuthenticate')
  await until(() => stats?.total.count === 2, 'both answers were sent')
  expect(stats).toMatchObject({
    requestQueue: { count: 2, sumMs: 0 },
    local: { count: 2, sumMs: 0 },
    remote: { count: 2, sumMs: 30 },
    responseQueue: { count: 2, sumMs: 30 },
    responseSend: { count: 2, sumMs: 0 },
    total: { count: 2, sumMs: 60 },
  })
})

test('an answer settled at the end of a turn leaves in that turn', async () => {
  let settledInTurn = false
  const late = new LateAnswer<ReturnType<typeof answerOf>>()
  const { port, turn, network } = await start([
    handler(saslAuthenticate, {}, ({ authBytes }) => {
      turn.write(() => {
        late.answer(answerOf(authBytes))
        turn.send(() => {
          settledInTurn =
            total(network.metrics(), 'kafka_server_socket_server_metrics_outgoing_byte_total') > 0
        })
      })
      return late
    }),
  ])
  const client = await BrokerConnection.connect(port)
  client.send(echo('x', 1))
  await client.frame()
  expect(settledInTurn).toBe(true)
})

test('however handlers answer and however large, each client gets its own bytes in its own order', async () => {
  const random = seededRandom(11)
  const waiting: (() => void)[] = []
  const { port } = await start([
    handler(saslAuthenticate, {}, ({ authBytes }) => {
      const size = authBytes.readUInt32BE(1)
      const answer = answerOf(Buffer.alloc(size, authBytes[0]))
      const way = Math.floor(random.fraction() * 4)
      if (way === 0) return answer
      if (way === 1) return Promise.resolve(answer)
      const late = new LateAnswer<typeof answer>()
      waiting.push(() => late.answer(answer))
      if (way === 2)
        setImmediate(() => waiting.splice(Math.floor(random.fraction() * waiting.length), 1)[0]?.())
      return late
    }),
  ])
  let running = true
  const settleSome = (): void => {
    if (random.fraction() < 0.1) for (const settle of waiting.splice(0)) settle()
    if (running) setImmediate(settleSome)
  }
  settleSome()
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(fc.oneof(fc.nat(200), fc.nat(10_000), fc.nat(700_000)), { minLength: 1, maxLength: 25 }),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        async sizesOfClients => {
          await Promise.all(
            sizesOfClients.map(async (sizes, client) => {
              const connection = await BrokerConnection.connect(port)
              for (const [at, size] of sizes.entries()) {
                const request = Buffer.alloc(5 + (size % 3000), 1 + client)
                request.writeUInt32BE(size, 1)
                connection.send(echo(request, at))
              }
              for (const [at, size] of sizes.entries()) {
                const { correlationId, bytes } = echoed(await connection.frame())
                expect([correlationId, bytes.length]).toEqual([at, size])
                expect(bytes.equals(Buffer.alloc(size, 1 + client))).toBe(true)
              }
              await connection.close()
            }),
          )
        },
      ),
      { numRuns: 25, seed: 5 },
    )
  } finally {
    running = false
  }
}, 60_000)

test('a request without answer leaves no gap', async () => {
  const { port } = await start([
    handler(saslAuthenticate, {}, ({ authBytes }) =>
      authBytes.toString() === 'silent' ? noResponse : answerOf(authBytes),
    ),
  ])
  const client = await BrokerConnection.connect(port)
  client.send(Buffer.concat([echo('one', 1), echo('silent', 2), echo('three', 3)]))
  expect((await client.frames(2)).map(frame => echoed(frame).correlationId)).toEqual([1, 3])
})

test('a handler can close the connection; answers that are ready still leave', async () => {
  const { logger, lines } = recordingLogger()
  const { port } = await start(
    [
      handler(saslAuthenticate, {}, ({ authBytes }, context) => {
        if (authBytes.toString() !== 'close') return answerOf(authBytes)
        context.connection.close('a Produce with acks=0 failed')
        return noResponse
      }),
    ],
    { logger },
  )
  const client = await BrokerConnection.connect(port)
  client.send(Buffer.concat([echo('one', 1), echo('close', 2), echo('never', 3)]))
  expect(echoed(await client.frame()).correlationId).toBe(1)
  await expect(client.frame()).rejects.toThrow('closed')
  expect(lines).toMatchObject([
    { msg: 'Connection closed.', kind: 'handler', reason: 'a Produce with acks=0 failed' },
  ])
})

test('what a request holds is a view of the read buffer only where the handler asks for that', async () => {
  const seen: Buffer[] = []
  for (const borrowsBytes of [true, false]) {
    const { port } = await start([
      handler(saslAuthenticate, { borrowsBytes }, ({ authBytes }) => {
        seen.push(authBytes)
        return answerOf(Buffer.alloc(0))
      }),
    ])
    const client = await BrokerConnection.connect(port)
    client.send(echo('first', 1))
    await client.frame()
    client.send(echo('other', 2))
    await client.frame()
  }
  expect(seen.map(bytes => bytes.toString())).toEqual(['other', 'other', 'first', 'other'])
})

test('a client that never reads is not served without end, and goes on where it stopped', async () => {
  const answer = answerOf(Buffer.alloc(10_000, 7))
  let handled = 0
  const { port, network } = await start([
    handler(saslAuthenticate, {}, () => {
      handled++
      return answer
    }),
  ])
  const client = await BrokerConnection.connect(port)
  const other = await BrokerConnection.connect(port)
  client.pause()
  const requests = Buffer.concat(Array.from({ length: 10_000 }, (_, at) => echo('x', at)))
  client.send(requests)
  const used = (): number => total(network.metrics(), 'barnabas_network_memory_used_bytes')
  await until(() => used() > 500_000, 'answers pile up')
  let before = -1
  await until(() => {
    const settled = handled === before
    before = handled
    return settled
  }, 'the broker stops')
  expect(handled).toBeLessThan(2000)
  expect(used()).toBeLessThan(4_000_000)
  await other.request(apiVersions, 0, {})

  client.resume()
  for (let at = 0; at < 10_000; at++) expect(echoed(await client.frame()).correlationId).toBe(at)
  expect(handled).toBe(10_000)
  await until(() => used() === 0, 'all memory is given back')
}, 30_000)

test('only so many requests of one connection are in work at a time', async () => {
  const parked = new Parked()
  const { port } = await start([parked.handler], { limits: { requestsInWork: 5 } })
  const client = await BrokerConnection.connect(port)
  const other = await BrokerConnection.connect(port)
  for (let at = 0; at < 20; at++) client.send(echo(`late${at}`, at))
  await until(() => parked.contexts.length === 5, 'five requests are started')
  await other.request(apiVersions, 0, {})
  expect(parked.contexts).toHaveLength(5)
  for (let at = 0; at < 20; at++) {
    await until(() => parked.answers.has(`late${at}`), `request ${at} is started`)
    parked.settle(`late${at}`)
  }
  expect((await client.frames(20)).map(frame => echoed(frame).correlationId)).toEqual(
    Array.from({ length: 20 }, (_, at) => at),
  )
})

test('the bytes of requests in work are bounded too, but one may always be', async () => {
  const parked = new Parked()
  const { port } = await start([parked.handler], { limits: { requestBytesInWork: 1000 } })
  const client = await BrokerConnection.connect(port)
  const large = (at: number): string => `late${at}${'x'.repeat(5000)}`
  client.send(Buffer.concat([echo(large(1), 1), echo(large(2), 2)]))
  await until(() => parked.contexts.length === 1, 'the first is started')
  await (await BrokerConnection.connect(port)).request(apiVersions, 0, {})
  expect(parked.contexts).toHaveLength(1)
  parked.settle(large(1))
  await until(() => parked.contexts.length === 2, 'the second is started')
  parked.settle(large(2))
  await client.frames(2)
})

test('a throttled client gets its answer at once and is not read for the time it was told', async () => {
  const clock = new FakeClock()
  const served: string[] = []
  const { port } = await start(
    [
      handler(saslAuthenticate, {}, ({ authBytes }, context) => {
        served.push(authBytes.toString())
        if (authBytes.toString() === 'much') context.throttle(3000)
        return answerOf(authBytes)
      }),
    ],
    { clock },
  )
  const client = await BrokerConnection.connect(port)
  const other = await BrokerConnection.connect(port)
  client.send(Buffer.concat([echo('much', 1), echo('next', 2)]))
  expect(echoed(await client.frame()).correlationId).toBe(1)
  await client.sent(echo('later', 3))
  clock.advance(2999)
  await other.request(apiVersions, 0, {})
  expect(served).toEqual(['much'])
  clock.advance(1)
  expect((await client.frames(2)).map(frame => echoed(frame).correlationId)).toEqual([2, 3])
})

test('a request that waits learns when its client is gone, and its answer goes nowhere', async () => {
  const parked = new Parked()
  const { port, network } = await start([parked.handler])
  const client = await BrokerConnection.connect(port)
  client.send(echo('late', 1))
  await until(() => parked.contexts.length === 1, 'the request is started')
  const { signal } = parked.contexts[0]!
  await client.close()
  await until(() => signal.aborted, 'the signal is aborted')
  parked.settle('late')
  expect(total(network.metrics(), 'kafka_network_requestchannel_requestqueuesize')).toBe(0)
  expect(network.connectionCount).toBe(0)
})

test('a client that has finished sending still gets the answers that are ready', async () => {
  const { port } = await start([echoHandler])
  const client = await BrokerConnection.connect(port)
  client.socket.end(echo('last', 1))
  expect(echoed(await client.frame()).bytes.toString()).toBe('last')
  await client.closed
})

test('a handler that fails is answered with UNKNOWN_SERVER_ERROR, and the connection stays', async () => {
  const { logger, lines } = recordingLogger()
  const { port } = await start(
    [
      handler(saslAuthenticate, {}, async ({ authBytes }) => {
        if (authBytes.length > 0) throw new Error('the disk is on fire')
        return Promise.resolve(answerOf(authBytes))
      }),
    ],
    { logger },
  )
  const client = await BrokerConnection.connect(port)
  const failed = await client.request(saslAuthenticate, 2, { authBytes: Buffer.from('x') })
  expect(failed.errorCode).toBe(-1)
  const good = await client.request(saslAuthenticate, 2, { authBytes: Buffer.alloc(0) })
  expect(good.errorCode).toBe(0)
  expect(lines).toMatchObject([
    { msg: 'A request failed unexpectedly.', err: { message: 'the disk is on fire' } },
  ])
})
