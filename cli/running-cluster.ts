/**
 * What a data directory knows of the `up` that runs it, or ran it last: so that a second `up` applies its changes to the
 * running cluster, and what was left behind by one that was killed is stopped before the next is started.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AppliedSettings } from './apply-topics.ts'

export interface RunningCluster {
  /** Process of `up`; 0 when it has ended. */
  readonly pid: number
  /** Processes of the brokers, then that of etcd, each with a part of its command line by which it is known. */
  readonly processes: readonly { readonly pid: number; readonly argument: string }[]
  readonly bootstrap: string
  /** Of the settings of the brokers: when it differs they must be started again. */
  readonly fingerprint: string
  /** What was set for topics. */
  readonly applied: AppliedSettings
}

const nothing: RunningCluster = { pid: 0, processes: [], bootstrap: '', fingerprint: '', applied: {} }

export function readRunningCluster(directory: string): RunningCluster {
  try {
    return { ...nothing, ...(JSON.parse(readFileSync(fileIn(directory), 'utf8')) as Partial<RunningCluster>) }
  } catch {
    return nothing
  }
}

export function writeRunningCluster(directory: string, running: RunningCluster): void {
  const temporary = `${fileIn(directory)}.tmp`
  writeFileSync(temporary, `${JSON.stringify(running, null, 2)}\n`)
  renameSync(temporary, fileIn(directory))
}

/** Whether the process lives and was started with `argument` (process ids are used again). */
export function isAlive(pid: number, argument: string): boolean {
  if (pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(argument)
  } catch {
    // Where there is no /proc the answer of kill has to do.
    return true
  }
}

function fileIn(directory: string): string {
  return join(directory, 'up.json')
}
