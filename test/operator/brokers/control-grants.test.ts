/** Grants asked of a real control server, which answers as a controller would. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeAnswer } from '../../../broker/control/control-api.ts'
import { ControlServer } from '../../../broker/control/control-server.ts'
import type { RestartResult } from '../../../broker/controller/controller-client.ts'
import { type ControlAddress, ControlGrants } from '../../../operator/brokers/control-grants.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { silentLogger } from '../../../runtime/logger.ts'

const none = { count: 0, names: [] }
const safe: RestartResult = {
  error: 'NONE',
  message: null,
  safe: true,
  reasons: [],
  tolerated: none,
  grant: null,
}
const wanted = { broker: 1, reason: 'another image', durationMs: 60_000 }

let answer: RestartResult
let server: ControlServer
let grants: ControlGrants
let address: ControlAddress

beforeEach(async () => {
  const handler = () => Promise.resolve(encodeAnswer('requestRestart', { result: answer, revision: 1 }))
  server = await ControlServer.open({
    host: '127.0.0.1',
    port: 0,
    tls: null,
    clock: systemClock,
    logger: silentLogger,
    handlers: new Map([['RequestRestart', handler]]),
    services: [],
  })
  address = { host: '127.0.0.1', port: server.port, tls: false }
  grants = new ControlGrants(systemClock)
})

afterEach(async () => {
  grants.close()
  await server.stop()
})

test('a restart that is safe is granted', async () => {
  answer = safe
  expect(await grants.request([address], wanted)).toEqual({ kind: 'granted' })
})

test('a refusal has its reasons, in sentences and by kind', async () => {
  answer = {
    ...safe,
    safe: false,
    reasons: [
      { kind: 'BrokerStarting', message: 'Broker 2 is starting.', partitions: none },
      { kind: 'UnderMinIsr', message: 'Too few are left.', partitions: { count: 1, names: ['a-0'] } },
    ],
  }
  expect(await grants.request([address], wanted)).toEqual({
    kind: 'refused',
    reasons: ['Broker 2 is starting.', 'Too few are left.'],
    kinds: ['BrokerStarting', 'UnderMinIsr'],
  })
})

test('an error is a refusal of another kind', async () => {
  answer = { ...safe, error: 'INVALID_REQUEST', message: 'It is too long.', safe: false }
  expect(await grants.request([address], wanted)).toEqual({
    kind: 'refused',
    reasons: ['It is too long.'],
    kinds: ['Other'],
  })
})

test('what cannot be asked is not granted', async () => {
  expect(await grants.request([], wanted)).toEqual({
    kind: 'refused',
    reasons: ['There is no broker to ask.'],
    kinds: ['Unanswered'],
  })
  await server.stop()
  expect(await grants.request([address], wanted)).toMatchObject({ kind: 'refused', kinds: ['Unanswered'] })
})
