/** What a cluster made from packages has left on this machine after it was taken down: nothing. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { expect } from 'vitest'
import { run } from '../targets/processes.ts'
import type { ClusterPlan } from './addresses.ts'

export async function expectNothingLeft(plan: ClusterPlan): Promise<void> {
  expect(existsSync(plan.runDirectory)).toBe(false)
  expect(existsSync(plan.dataDirectory)).toBe(false)
  expect((await run('ip', ['netns', 'list'])).stdout).not.toContain(plan.name)
  expect((await run('ip', ['link', 'show'])).stdout).not.toContain(`${plan.name}h`)
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(plan.dataDirectory)
  expect(processesThatName(plan.runDirectory).concat(processesThatName(plan.dataDirectory))).toEqual([])
  expect(
    readdirSync('/sys/fs/cgroup', { recursive: true }).filter(name => String(name).includes(`${plan.name}n`)),
  ).toEqual([])
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
