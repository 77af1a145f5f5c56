/** The demonstration that the README names, as a person runs it on a cluster from packages: to its end, ended half way, and left standing. */
import { afterEach, expect, test } from 'vitest'
import { repositoryRoot } from '../../targets/kafka-jars.ts'
import { RunningProcess, run, waitUntil } from '../../targets/processes.ts'
import { planCluster } from '../addresses.ts'
import { processesOfSession } from '../demo/children.ts'
import { expectNothingLeft } from '../leftovers.ts'
import { type Entry, isAlive, readRecord } from '../record.ts'
import { clusterNumbers } from '../tear-down.ts'

let demo: RunningProcess

/** In a session of its own, as at a terminal. */
function start(...args: readonly string[]): void {
  const command = ['npm', 'run', 'demo:kubernetes', '--', ...args]
  demo = new RunningProcess('setsid', command, { directory: repositoryRoot })
}

afterEach(async () => {
  if (demo.hasEnded) return
  process.kill(-demo.pid, 'SIGTERM')
  await demo.ended
})

const standing = (): number[] => clusterNumbers().filter(number => readRecord(number) !== null)

async function until<T>(what: string, ask: () => T | undefined): Promise<T> {
  return waitUntil(
    () => `${what}; it said: ${demo.output}`,
    () => {
      if (demo.hasEnded) throw new Error(`It ended: ${demo.output}`)
      return ask()
    },
    { deadlineMs: 240_000 },
  )
}

/** The number of the cluster that stands since. */
async function oneMoreThan(before: readonly number[]): Promise<number> {
  return until('it makes a cluster', () => standing().find(number => !before.includes(number)))
}

async function expectItsEnd(number: number): Promise<void> {
  await waitUntil(
    () => `what it had started has ended; there are ${processesOfSession(demo.pid).join()}`,
    () => processesOfSession(demo.pid).length === 0 || undefined,
    { deadlineMs: 10_000 },
  )
  await expectNothingLeft(planCluster(number, 1))
}

test('it shows everything and leaves nothing', { timeout: 600_000 }, async () => {
  const before = standing()
  start()
  const number = await oneMoreThan(before)
  expect(await demo.ended, demo.output).toBe(0)
  expect(demo.output).toMatch(/It works, and all is gone\. .* in all\.\n$/)
  expect(demo.output).toContain('cluster.barnabas.dev/three-brokers condition met')
  expect(demo.output).toMatch(/Barnabas \/ Topics and groups: \d+ queries answered/)
  await expectItsEnd(number)
})

const programsOf = (number: number): Extract<Entry, { kind: 'process' }>[] =>
  (readRecord(number) ?? []).filter(entry => entry.kind === 'process')

const moments = [
  ['Ctrl-C while nodes come up', 'SIGINT', (number: number) => programsOf(number).length > 3, 130],
  ['Ctrl-C while the operator is installed', 'SIGINT', () => demo.output.includes('$ helm install'), 130],
  ['a SIGTERM while brokers start', 'SIGTERM', () => demo.output.includes('three-brokers created'), 143],
] as const

test.each(moments)('%s takes everything down', { timeout: 300_000 }, async (_, signal, isNow, exit) => {
  const before = standing()
  start('--keep')
  const number = await oneMoreThan(before)
  await until('the moment comes', () => isNow(number) || undefined)
  const send = (): true => process.kill(signal === 'SIGINT' ? -demo.pid : demo.pid, signal)
  send()
  await until(
    'the cluster is taken down',
    () => programsOf(number).some(({ process: its }) => !isAlive(its)) || undefined,
  )
  send() // impatience harms nothing
  expect(await demo.ended, demo.output).toBe(exit)
  expect(demo.output).toContain('It was interrupted.\n')
  await expectItsEnd(number)
})

test('what is to be kept stays, and goes by the command that it names', { timeout: 600_000 }, async () => {
  const before = standing()
  start('--keep')
  const number = await oneMoreThan(before)
  let takeDown = 'node_modules/.bin/node test/kubernetes/main.ts down'
  try {
    expect(await demo.ended, demo.output).toBe(0)
    const [, told = ''] = /It works, and stays\..* in all\.\n(.*)$/s.exec(demo.output) ?? []
    const lines = told.trim().split('\n')
    takeDown = lines.pop() ?? ''
    expect(standing()).toContain(number)
    const { exit, stdout, stderr } = await typed(lines.join('\n'))
    expect(exit, stderr).toBe(0)
    expect(stdout).toMatch(/three-brokers +True +3\/3 +True/)
    expect(stdout).toContain('broker 2 at three-brokers-brokers-2.')
  } finally {
    expect(await typed(takeDown)).toMatchObject({ exit: 0 })
  }
  await expectItsEnd(number)
})

/** By somebody in the repository's folder who has nothing set. */
function typed(lines: string): ReturnType<typeof run> {
  const nothing = ['-i', `HOME=${process.env['HOME']}`, 'PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin']
  return run('env', [...nothing, 'bash', '-e', '-c', lines], {
    directory: repositoryRoot,
    timeoutMs: 120_000,
  })
}
