/** Programs of a cluster run on when their starter ends; the record tells who they are. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterPlan } from './addresses.ts'
import { type ClusterRecord, type ProcessId, isAlive, processId } from './record.ts'

export interface StartedProcess {
  readonly process: ProcessId
  readonly log: string
}

/** Starts `command` in a network namespace, its output in logs/NAME.log of the cluster. */
export function startProcess(
  plan: ClusterPlan,
  record: ClusterRecord,
  namespace: string,
  name: string,
  command: readonly string[],
): StartedProcess {
  const log = logOf(plan, name)
  const output = openSync(log, 'a')
  // nsenter only, as `ip netns exec` mounts another /sys, which has no cgroups. It becomes the program: same process id.
  const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, ...command], {
    detached: true,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  child.unref()
  child.on('error', () => {}) // seen by whoever waits for it: there is no such process
  const process = processId(child.pid ?? -1)
  if (process === null) throw new Error(`${name} could not be started; ${log} may say why.`)
  record.write({ kind: 'process', name, process })
  return { process, log }
}

export function checkRuns({ process, log }: StartedProcess): void {
  if (!isAlive(process)) throw new Error(`A program of the cluster has ended; ${log} says why.`)
}

export function logOf(plan: ClusterPlan, name: string): string {
  return join(plan.dataDirectory, 'logs', `${name}.log`)
}
