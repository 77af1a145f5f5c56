import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LocalProcess, type ProcessStatus, readLogLine } from '../../cli/local-process.ts'
import { askReadiness } from '../../cli/readiness.ts'
import { systemClock } from '../../runtime/clock.ts'
import { seededRandom } from '../../runtime/random.ts'
import { freePort } from '../support/barnabas-up.ts'
import { until } from '../support/until.ts'

let directory: string
let port: number
let broker: LocalProcess | undefined
let statuses: ProcessStatus[]
let logged: string[]
let wake: () => void

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'barnabas-test-'))
  port = await freePort()
  statuses = []
  logged = []
  wake = () => undefined
})

afterEach(async () => {
  broker?.kill()
  await broker?.stop(1000)
  rmSync(directory, { recursive: true })
})

/** A process that does what `script` says, in the place of a broker. */
function start(script: string, verbose = false): LocalProcess {
  const file = join(directory, 'broker.mjs')
  writeFileSync(file, script)
  broker = new LocalProcess({
    name: 'broker 1',
    command: [process.execPath, file, String(port)],
    environment: process.env,
    probe: () => askReadiness({ host: '127.0.0.1', port }),
    severe: new Set(['warn', 'error', 'fatal']),
    logFile: join(directory, 'broker.log'),
    clock: systemClock,
    random: seededRandom(1),
    verbose,
    onChange(status) {
      statuses.push(status)
      wake()
    },
    onLog: line => logged.push(line),
  })
  broker.start()
  return broker
}

async function untilState(state: ProcessStatus['state']): Promise<ProcessStatus> {
  for (;;) {
    const found = statuses.find(status => status.state === state)
    if (found !== undefined) return found
    await new Promise<void>(resolve => {
      wake = resolve
    })
  }
}

const serve = `
import { createServer } from 'node:http'
const server = createServer((request, response) => response.end('{"ready":true}'))
server.listen(Number(process.argv[2]), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
`

test('it is ready once it says so, and stops when asked to', async () => {
  const process = start(serve)
  await process.ready
  expect(process.status).toMatchObject({ state: 'ready', restarts: 0 })
  expect(await process.stop(5000)).toBe(true)
  expect(process.status).toMatchObject({ state: 'stopped', pid: undefined })
})

test('one that does not stop in time is killed', async () => {
  const process = start(serve.replace('process.exit(0)', 'undefined'))
  await process.ready
  expect(await process.stop(10)).toBe(false)
})

test('one that ends before it was ready has failed, with its last words', async () => {
  const process = start(
    `console.log('{"level":"info","msg":"hello"}'); console.error('no such disk'); process.exit(1)`,
  )
  await expect(process.ready).rejects.toThrow('no such disk')
  expect(process.status).toMatchObject({ state: 'failed', detail: 'exit code 1' })
  const logged = (): string => readFileSync(join(directory, 'broker.log'), 'utf8')
  await until(() => logged().includes('hello'), 'its output is in its log')
})

test('one that dies later is started again, and that is told', async () => {
  const running = start(serve)
  await running.ready
  const firstPid = running.status.pid
  process.kill(firstPid ?? 0, 'SIGKILL')
  const status = await untilState('restarting')
  expect(status.detail).toMatch(/^it died \(killed by SIGKILL\); again in 0\.\d s$/)
  statuses = []
  await untilState('ready')
  expect(running.status.restarts).toBe(1)
  expect(running.status.pid).not.toBe(firstPid)
})

test('recovery is shown until it is over', async () => {
  const recovering = `
    import { createServer } from 'node:http'
    let asked = 0
    createServer((request, response) => {
      response.statusCode = ++asked < 3 ? 503 : 200
      response.end(JSON.stringify({ reasons: [{ reason: 'RecoveringLogs', message: 'm', details: { remainingLogs: 4, remainingSegments: 5, remainingBytes: 0 } }] }))
    }).listen(Number(process.argv[2]), '127.0.0.1')
  `
  const process = start(recovering)
  await process.ready
  expect(statuses.map(({ state, detail }) => [state, detail])).toContainEqual([
    'recovering',
    '4 logs, 5 segments (0 MiB) to read again',
  ])
})

test('warnings are handed on, the rest only when asked for', async () => {
  const talk = `console.log('{"level":"info","msg":"fine"}'); console.log('{"level":"warn","msg":"hm"}');${serve}`
  const process = start(talk)
  await process.ready
  expect(logged).toEqual(['warn: hm'])
})

test('a line of the log is its sentence, with the reason of an error', () => {
  expect(readLogLine('{"level":"error","msg":"It failed.","err":{"message":"disk full"}}')).toEqual({
    level: 'error',
    text: 'It failed. (disk full)',
  })
  expect(readLogLine('{"level":"error","msg":"disk full","err":{"message":"disk full"}}').text).toBe(
    'disk full',
  )
  expect(readLogLine('plain text')).toEqual({ level: undefined, text: 'plain text' })
  expect(readLogLine('{broken')).toEqual({ level: undefined, text: '{broken' })
})
