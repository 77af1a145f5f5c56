/** A cluster by kind that nobody can use any more is removed: its starter was killed, or was kept from finishing it. */
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { RunningProcess, waitUntil } from '../targets/processes.ts'
import { must } from './commands.ts'
import { kindCommand } from './kind-node/kind-programs.ts'
import { removeAbandoned } from './kind-way.ts'

const kind = await kindCommand()
const module = join(import.meta.dirname, 'kind-way.ts')
/** It listens so that it does not end. */
const program = `
import { createServer } from 'node:net'
const { startWithKind } = await import(${JSON.stringify(module)})
await startWithKind(1, false)
console.log('it stands')
createServer().listen(0, '127.0.0.1')
`

/** Another process that starts a cluster of one node. */
function startOther(): RunningProcess {
  return new RunningProcess(process.execPath, ['--input-type=module', '--eval', program])
}

async function clusters(): Promise<readonly string[]> {
  return (await must(kind, ['get', 'clusters'])).trim().split('\n')
}

function clusterOf(starter: RunningProcess): Promise<string> {
  return waitUntil(
    () => `there is a cluster of process ${starter.pid}; it said: ${starter.output}`,
    async () => {
      if (starter.hasEnded) throw new Error(`The starter ended: ${starter.output}`)
      return (await clusters()).find(name => name.startsWith(`barnabas-${starter.pid}-`))
    },
    { deadlineMs: 120_000 },
  )
}

test('one whose starter was killed is removed by the next, and no other', async () => {
  const starter = startOther()
  const name = await clusterOf(starter)
  await waitUntil(
    () => `the cluster stands; its starter said: ${starter.output}`,
    () => {
      if (starter.hasEnded) throw new Error(`The starter ended: ${starter.output}`)
      return starter.output.includes('it stands') || undefined
    },
    { deadlineMs: 120_000 },
  )
  const before = await clusters()
  await removeAbandoned(kind)
  expect(await clusters(), 'while its starter runs').toEqual(before)
  starter.kill('SIGKILL')
  await starter.ended
  await removeAbandoned(kind)
  expect(await clusters()).toEqual(before.filter(each => each !== name))
  expect((await clusters()).map(each => `${each}-control-plane`)).toContain(inject('cluster').nodes[0])
})

test('one that kind was kept from finishing is removed at once', async () => {
  const starter = startOther()
  const name = await clusterOf(starter)
  await must('pkill', ['-TERM', '--parent', String(starter.pid), '--full', 'create cluster'])
  expect(await starter.ended).toBe(1)
  expect(starter.output).toContain(`create cluster --name ${name}`)
  expect(await clusters()).not.toContain(name)
})
