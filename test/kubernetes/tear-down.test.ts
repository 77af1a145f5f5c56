/** A cluster from packages whose starter was killed is removed by the next one without a trace. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { RunningProcess, waitUntil } from '../targets/processes.ts'
import { planCluster } from './addresses.ts'
import { processesOf } from './cgroups.ts'
import { expectNothingLeft } from './leftovers.ts'
import { clusterNumbers, tearDownAbandoned } from './tear-down.ts'
import { ClusterRecord, ownerOf, processId, readRecord } from './record.ts'

test('what a killed run left behind is removed', async () => {
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
  await expectNothingLeft(plan)
})

test('a cluster whose owner lives is left alone', () => {
  const standing = clusterNumbers().filter(number => ownerOf(readRecord(number) ?? []) !== undefined)
  expect(standing.map(number => planCluster(number, 1).server)).toContain(inject('cluster').insideServer)
})

test('two that start at once get a number each', () => {
  const { pid, startedAt } = processId(process.pid) ?? expect.fail('This process is not in /proc.')
  const free =
    clusterNumbers().findLast(number => readRecord(number) === null) ?? expect.fail('No number is free.')
  const owner = { kind: 'owner', process: { pid, startedAt }, kept: false, nodes: 1 } as const
  try {
    expect(ClusterRecord.claim(free, owner)).toBeDefined()
    expect(ClusterRecord.claim(free, owner)).toBeUndefined()
    expect(readRecord(free)).toEqual([owner])
  } finally {
    rmSync(planCluster(free, 1).runDirectory, { recursive: true })
  }
})
