import { connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HealthReason, HttpEndpoint } from '../../../broker/http/http-endpoint.ts'
import { Metrics } from '../../../broker/metrics/metrics.ts'
import { recordingLogger } from '../../support/recording-logger.ts'

let endpoint: HttpEndpoint
let alive: HealthReason[]
let ready: HealthReason[]
let failing = false
let lines: Record<string, unknown>[]

beforeEach(async () => {
  alive = []
  ready = []
  failing = false
  const recording = recordingLogger()
  lines = recording.lines
  const metrics = new Metrics()
  metrics.register({
    name: 'answer',
    help: 'The answer.',
    type: 'gauge',
    collect(emit) {
      if (failing) throw new Error('no answer')
      emit(42)
    },
  })
  endpoint = await HttpEndpoint.open('127.0.0.1', 0, {
    metrics,
    health: { alive: () => alive, ready: () => ready },
    logger: recording.logger,
  })
})

afterEach(() => endpoint.stop())

function get(path: string, options: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${endpoint.port}${path}`, options)
}

test('/metrics shows what is counted', async () => {
  const response = await get('/metrics')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('text/plain')
  expect(await response.text()).toContain('answer 42')
})

test('/healthz and /readyz say yes, or no with all reasons', async () => {
  for (const path of ['/healthz', '/readyz']) expect((await get(path)).status).toBe(200)
  ready = [
    {
      reason: 'RecoveringLogs',
      message: 'Logs are read after an unclean stop.',
      details: { remainingLogs: 3 },
    },
    { reason: 'NotRegistered', message: 'The broker is not registered yet.' },
  ]
  const response = await get('/readyz')
  expect(response.status).toBe(503)
  expect(await response.json()).toEqual({ ready: false, reasons: ready })
  expect(await (await get('/healthz')).json()).toEqual({ alive: true, reasons: [] })
})

test('HEAD has no body, other methods and paths are refused', async () => {
  const head = await get('/metrics', { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect((await get('/metrics', { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(405)
  expect((await get('/../etc/passwd')).status).toBe(404)
  expect((await get('/metrics?x=1')).status).toBe(200)
})

test('a metric that fails is answered with 500 and told in the log, and the endpoint goes on', async () => {
  failing = true
  expect((await get('/metrics')).status).toBe(500)
  expect(lines).toMatchObject([{ level: 'error', err: { message: 'no answer' } }])
  failing = false
  expect((await get('/metrics')).status).toBe(200)
})

test('what is no HTTP at all, or a header without end, is cut off', async () => {
  for (const bytes of [
    Buffer.from([0, 0, 0, 10, 0, 18]),
    Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
  ]) {
    const socket = connect(endpoint.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(bytes)
    socket.resume()
    await new Promise(resolve => socket.on('close', resolve))
  }
  expect((await get('/healthz')).status).toBe(200)
})
