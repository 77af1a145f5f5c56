import { expect, test } from 'vitest'
import { Dispatcher } from '../../../broker/api/dispatch.ts'
import type { Exchange, ExchangeOwner } from '../../../broker/api/exchange.ts'
import {
  type Answer,
  type ApiHandler,
  apiHandlers,
  handler,
  LateAnswer,
  noResponse,
  Unanswerable,
} from '../../../broker/api/handler.ts'
import type { RequestStats } from '../../../broker/metrics/request-stats.ts'
import { type Encodable, ProtocolError, produce, saslAuthenticate, Writer } from '../../../protocol/index.ts'
import { deferred } from '../../../runtime/deferred.ts'
import { frameOf, readAnswer } from '../../support/broker-connection.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordingLogger } from '../../support/recording-logger.ts'

class Owner implements ExchangeOwner {
  readonly id = 'test'
  readonly listenerName = 'PLAINTEXT'
  readonly clientAddress = '10.0.0.1'
  readonly principal = 'User:ANONYMOUS'
  clientSoftware: undefined
  readonly signal = new AbortController().signal
  readonly settledExchanges: Exchange[] = []

  close(): void {}

  dispatcher: Dispatcher | undefined

  settled(exchange: Exchange): void {
    this.dispatcher?.settled(exchange)
    this.settledExchanges.push(exchange)
  }
}

function aDispatcher(handlers: readonly ApiHandler[]) {
  const clock = new FakeClock()
  const { logger, lines } = recordingLogger()
  const owner = new Owner()
  const dispatcher = new Dispatcher({ handlers: apiHandlers(handlers), clock, logger })
  owner.dispatcher = dispatcher
  const start = (frame: Buffer, waitedMs = 0): Exchange =>
    dispatcher.start(frame, 4, frame.length, owner, clock.monotonicMs() - waitedMs)
  return { clock, lines, owner, dispatcher, start }
}

const good = { errorCode: 0, errorMessage: null, authBytes: Buffer.from('ok') }
const request = frameOf(
  saslAuthenticate,
  2,
  { authBytes: Buffer.from('hi') },
  { correlationId: 9, clientId: 'me' },
)

type SaslAnswer = Answer<Encodable<typeof saslAuthenticate.response>>

test('a plain answer is there when the request was started, and nobody is called back', () => {
  const { start, owner } = aDispatcher([handler(saslAuthenticate, {}, () => good)])
  expect(start(request)).toMatchObject({
    state: 'answered',
    response: good,
    correlationId: 9,
    clientId: 'me',
  })
  expect(owner.settledExchanges).toEqual([])
})

test('a late answer settles its exchange once', async () => {
  for (const way of ['promise', 'late'] as const) {
    const late = new LateAnswer<typeof good>()
    const promised = deferred<typeof good>()
    const answer: SaslAnswer = way === 'late' ? late : promised.promise
    const { start, owner } = aDispatcher([handler(saslAuthenticate, {}, () => answer)])
    const exchange = start(request)
    exchange.inLine = true
    expect(exchange.state).toBe('waiting')
    late.answer(good)
    promised.resolve(good)
    await promised.promise
    expect(exchange.state).toBe('answered')
    expect(owner.settledExchanges).toEqual([exchange])
  }
})

test('no response is a state of its own', () => {
  const { start } = aDispatcher([handler(saslAuthenticate, {}, () => noResponse)])
  expect(start(request).state).toBe('silent')
})

test('an answer is written with its header and size', () => {
  const { start, dispatcher } = aDispatcher([handler(saslAuthenticate, {}, () => good)])
  const writer = new Writer(16)
  writer.raw(Buffer.from('before'))
  expect(dispatcher.encode(start(request), writer)).toBe(true)
  const frame = writer.finish().subarray(6)
  expect(frame.readInt32BE(0)).toBe(frame.length - 4)
  expect(readAnswer(saslAuthenticate, 2, frame.subarray(4))).toMatchObject({
    correlationId: 9,
    response: { authBytes: Buffer.from('ok') },
  })
})

test('a failure without an answer of its own refuses the connection; with one it is told', () => {
  const frame = frameOf(
    produce,
    9,
    { transactionalId: null, acks: 1, timeoutMs: 1, topicData: [] },
    { correlationId: 1 },
  )
  const fail = (): never => {
    throw new Error('broken')
  }
  const without = aDispatcher([handler(produce, {}, fail)])
  expect(without.start(frame)).toMatchObject({ state: 'refused', refusal: 'Produce v9 failed unexpectedly' })
  expect(without.lines).toMatchObject([{ level: 'error', api: 'Produce', err: { message: 'broken' } }])
  const response = { responses: [] }
  const withOne = aDispatcher([handler(produce, { failure: () => response }, fail)])
  expect(withOne.start(frame)).toMatchObject({ state: 'answered', response })
})

test('a handler that finds a request malformed has the connection closed, without a line of its own', () => {
  const { start, lines } = aDispatcher([
    handler(saslAuthenticate, {}, () => {
      throw new ProtocolError('The inner message is cut off.')
    }),
  ])
  expect(start(request)).toMatchObject({
    state: 'refused',
    refusal: 'SaslAuthenticate v2 could not be read: The inner message is cut off.',
  })
  expect(lines).toEqual([])
})

test('a handler that has nothing to say yet has the connection closed, without a line of its own', () => {
  const { start, lines } = aDispatcher([
    handler(saslAuthenticate, {}, () => {
      throw new Unanswerable('nobody is there')
    }),
  ])
  expect(start(request)).toMatchObject({
    state: 'refused',
    refusal: 'SaslAuthenticate v2 cannot be answered: nobody is there',
  })
  expect(lines).toEqual([])
})

test('an answer that cannot be encoded is a failure, and leaves nothing in the writer', () => {
  const bad = { errorCode: 100_000, errorMessage: null, authBytes: Buffer.from('ok') }
  const { start, dispatcher, lines } = aDispatcher([handler(saslAuthenticate, {}, () => bad)])
  const writer = new Writer(256)
  expect(dispatcher.encode(start(request), writer)).toBe(true)
  expect(readAnswer(saslAuthenticate, 2, writer.finish().subarray(4)).response.errorCode).toBe(-1)
  expect(lines).toHaveLength(1)

  const hopeless = aDispatcher([handler(saslAuthenticate, { failure: () => bad }, () => bad)])
  const empty = new Writer(256)
  const exchange = hopeless.start(request)
  expect(hopeless.dispatcher.encode(exchange, empty)).toBe(false)
  expect(exchange.state).toBe('refused')
  expect(empty.position).toBe(0)
})

test('requests, errors, bytes and times are counted', () => {
  const late = new LateAnswer<typeof good>()
  const { start, dispatcher, clock } = aDispatcher([handler(saslAuthenticate, {}, () => late)])
  const exchange = start(request, 3)
  exchange.inLine = true
  clock.advance(40)
  late.answer({ ...good, errorCode: 58 })
  clock.advance(5)
  const writer = new Writer(256)
  dispatcher.encode(exchange, writer)
  const [stats] = [...dispatcher.stats()]
  expect(stats).toMatchObject({
    api: 'SaslAuthenticate',
    bytesIn: request.length - 4,
    bytesOut: writer.position,
  })
  expect(stats?.byVersion[2]).toBe(1)
  expect(stats?.errors).toEqual(new Map([[58, 1]]))
  expect(timesOf(stats)).toEqual({ requestQueue: 3, local: 0, remote: 40, responseQueue: 5 })
  clock.advance(7)
  dispatcher.sent(exchange)
  const times = { requestQueue: 3, local: 0, remote: 40, responseQueue: 5, responseSend: 7, total: 55 }
  expect(timesOf(stats)).toEqual(times)
})

test('each of several answers that left together is counted from its own beginning', () => {
  const { start, dispatcher, clock } = aDispatcher([handler(saslAuthenticate, {}, () => good)])
  const [first, second] = [start(request), start(request)]
  dispatcher.encode(first, new Writer(256))
  clock.advance(2)
  dispatcher.encode(second, new Writer(256))
  second.next = first
  clock.advance(4)
  dispatcher.sent(second)
  const [stats] = [...dispatcher.stats()]
  expect(stats?.responseQueue).toMatchObject({ count: 2, sumMs: 2 })
  expect(stats?.responseSend).toMatchObject({ count: 2, sumMs: 10 })
  expect(stats?.total).toMatchObject({ count: 2, sumMs: 12 })
  expect(stats?.remote).toMatchObject({ count: 2, sumMs: 0 })
})

test('what has no answer is counted when its turn has come', () => {
  const { start, dispatcher, clock } = aDispatcher([handler(saslAuthenticate, {}, () => noResponse)])
  const exchange = start(request)
  clock.advance(6)
  dispatcher.finish(exchange)
  const [stats] = [...dispatcher.stats()]
  const times = { requestQueue: 0, local: 0, remote: 0, responseQueue: 6, responseSend: 0, total: 6 }
  expect(timesOf(stats)).toEqual(times)
})

/** What was recorded once, in milliseconds. */
function timesOf(stats: RequestStats | undefined): Record<string, number> {
  const parts = ['requestQueue', 'local', 'remote', 'responseQueue', 'responseSend', 'total'] as const
  return Object.fromEntries(
    parts.flatMap(part => (stats?.[part].count === 1 ? [[part, stats[part].sumMs]] : [])),
  )
}
