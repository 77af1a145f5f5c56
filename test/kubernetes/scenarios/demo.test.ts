/** The demonstration that the README names, as a person runs it: to its end, and ended half way by Ctrl-C. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RunningProcess, waitUntil } from '../../targets/processes.ts'
import { readRecord } from '../record.ts'
import { clusterNumbers } from '../tear-down.ts'

/** In a process group of its own, which a terminal would interrupt as a whole. */
function start(): RunningProcess {
  return new RunningProcess('setsid', [process.execPath, join(import.meta.dirname, '..', 'demo', 'main.ts')])
}

const standing = (): number[] => clusterNumbers().filter(number => readRecord(number) !== null)

test('it shows everything and leaves nothing', { timeout: 600_000 }, async () => {
  const before = standing()
  const demo = start()
  expect(await demo.ended, demo.output).toBe(0)
  expect(demo.output).toMatch(/It works, and all is gone\. .* in all\.\n$/)
  expect(demo.output).toContain('cluster.barnabas.dev/three-brokers condition met')
  expect(demo.output).toMatch(/Barnabas \/ Topics and groups: \d+ queries answered/)
  expect(standing()).toEqual(before)
})

test('Ctrl-C half way takes everything down', { timeout: 300_000 }, async () => {
  const before = standing()
  const demo = start()
  await waitUntil(
    () => `the operator is being installed; it said: ${demo.output}`,
    () => {
      if (demo.hasEnded) throw new Error(`It ended: ${demo.output}`)
      return demo.output.includes('$ helm install') || undefined
    },
    { deadlineMs: 240_000 },
  )
  process.kill(-demo.pid, 'SIGINT')
  expect(await demo.ended, demo.output).toBe(130)
  expect(demo.output).toMatch(/It was interrupted\.\n$/)
  expect(standing()).toEqual(before)
})
