/** A cluster whose starter was killed is removed by the next one without a trace. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { RunningProcess, run, waitUntil } from '../targets/processes.ts'
import { planCluster } from './addresses.ts'
import { processesOf } from './cgroups.ts'
import { clusterNumbers, tearDownAbandoned } from './tear-down.ts'
import { ownerOf, readRecord } from './record.ts'

test('what a killed run left behind is removed', async () => {
  if (inject('cluster').way === 'kind') return // kind removes what is its own
  const starter = new RunningProcess(process.execPath, [join(import.meta.dirname, 'start-and-wait.ts')])
  const number = await waitUntil(
    () => `the cluster stands; its starter said: ${starter.output}`,
    () => {
      if (starter.hasEnded) throw new Error(`The starter ended: ${starter.output}`)
      return /cluster (\d) stands/.exec(starter.output)?.[1]
    },
    { deadlineMs: 120_000 },
  ).then(Number)
  const plan = planCluster(number, 1)
  expect(processesOf(`${plan.name}n1`).length, 'a pod runs').toBeGreaterThan(0)
  starter.kill('SIGKILL')
  await starter.ended
  await tearDownAbandoned()

  expect(existsSync(plan.runDirectory)).toBe(false)
  expect(existsSync(plan.dataDirectory)).toBe(false)
  expect((await run('ip', ['netns', 'list'])).stdout).not.toContain(plan.name)
  expect((await run('ip', ['link', 'show'])).stdout).not.toContain(`${plan.name}h`)
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(plan.dataDirectory)
  expect(processesThatName(plan.runDirectory).concat(processesThatName(plan.dataDirectory))).toEqual([])
  expect(
    readdirSync('/sys/fs/cgroup', { recursive: true }).filter(name => String(name).includes(`${plan.name}n`)),
  ).toEqual([])
})

test('a cluster whose owner lives is left alone', () => {
  if (inject('cluster').way === 'kind') return
  const standing = clusterNumbers().filter(number => ownerOf(readRecord(number) ?? []) !== undefined)
  expect(standing.map(number => planCluster(number, 1).server)).toContain(
    serverOf(inject('cluster').kubeconfig),
  )
})

function serverOf(kubeconfig: string): string {
  const { clusters } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: readonly [{ cluster: { server: string } }]
  }
  return clusters[0].cluster.server
}

function processesThatName(path: string): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter(command => command.includes(`${path}/`))
}
