/**
 * Undoes what the record of a cluster says, in whatever state that cluster is: processes by id and start time, containers by
 * their cgroup, mounts by their path, then namespaces, links, cgroups, kernel settings, directories. May be run again.
 */
import {
  lstatSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { run, waitUntil } from '../targets/processes.ts'
import { mostClusters, mostNodes, planCluster } from './addresses.ts'
import { processesOf, removeCgroup } from './cgroups.ts'
import { type Entry, type ProcessId, isAlive, ownerOf, processId, readRecord } from './record.ts'

/** Ctrl-C once more must not end what takes the rest away. */
const apart = { apart: true }

export async function tearDown(cluster: number): Promise<void> {
  const entries = readRecord(cluster)
  if (entries === null) return
  const plan = planCluster(cluster, mostNodes)
  const processes = entries.filter(entry => entry.kind === 'process')
  const named = (pattern: RegExp): ProcessId[] =>
    processes.filter(({ name }) => pattern.test(name)).map(({ process }) => process)
  await stop(named(/^kubelet/))
  await stop(named(/^(?!kubelet|containerd|etcd)/))
  const cgroups = namesOf(entries, 'cgroup')
  await killAll(() => cgroups.flatMap(processesOf))
  await stop(named(/^containerd/))
  await killAll(() => shimsOf(plan.runDirectory))
  await stop(named(/^etcd/))
  const namespaces = namesOf(entries, 'namespace')
  for (const namespace of namespaces) await removeNamespace(namespace)
  for (const link of namesOf(entries, 'link')) await run('ip', ['link', 'delete', link], apart)
  const directories = entries.filter(entry => entry.kind === 'directory').map(({ path }) => path)
  await unmountBelow([...directories, plan.runDirectory])
  for (const cgroup of cgroups) {
    await waitUntil(`cgroup ${cgroup} is removed`, () => removeCgroup(cgroup) || undefined)
  }
  removeLogLinks(directories)
  if (!othersThan(cluster)) restoreSettings(entries)
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
  rmSync(plan.runDirectory, { recursive: true, force: true })
}

/** Removes the clusters whose owner is gone without having removed them. */
export async function tearDownAbandoned(): Promise<void> {
  for (const cluster of clusterNumbers()) {
    const entries = readRecord(cluster)
    if (entries === null) continue
    const owner = ownerOf(entries)
    if (owner === undefined || (!owner.kept && !isAlive(owner.process))) await tearDown(cluster)
  }
}

function othersThan(cluster: number): boolean {
  return clusterNumbers().some(number => number !== cluster && readRecord(number) !== null)
}

export function clusterNumbers(): number[] {
  return Array.from({ length: mostClusters }, (_, number) => number)
}

function namesOf(entries: readonly Entry[], kind: 'namespace' | 'link' | 'cgroup'): string[] {
  return entries.flatMap(entry => (entry.kind === kind ? [entry.name] : []))
}

/** SIGTERM, and SIGKILL for those that are still there after ten seconds. */
async function stop(processes: readonly ProcessId[]): Promise<void> {
  const alive = (): ProcessId[] => processes.filter(isAlive)
  for (const { pid } of alive()) signal(pid, 'SIGTERM')
  await waitUntil('they end', () => alive().length === 0 || undefined, { deadlineMs: 10_000 }).catch(() => {})
  for (const { pid } of alive()) signal(pid, 'SIGKILL')
  await waitUntil('killed processes are gone', () => alive().length === 0 || undefined)
}

/** Kills until there are none, for they may start others meanwhile. */
async function killAll(find: () => readonly number[]): Promise<void> {
  await waitUntil('killed processes are gone', () => {
    const found = find().filter(pid => processId(pid) !== null)
    for (const pid of found) signal(pid, 'SIGKILL')
    return found.length === 0 || undefined
  })
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // ended meanwhile
  }
}

/** containerd's own processes beside each pod; they are ours by the socket that they were given. */
function shimsOf(runDirectory: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      const args = argumentsOf(pid)
      return /containerd-shim/.test(args[0] ?? '') && args.some(one => one.startsWith(`${runDirectory}/`))
    })
    .map(Number)
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

async function removeNamespace(name: string): Promise<void> {
  const inside = await run('ip', ['netns', 'pids', name], apart)
  for (const pid of inside.stdout.split('\n').filter(line => line !== '')) signal(Number(pid), 'SIGKILL')
  await run('ip', ['netns', 'delete', name], apart)
}

async function unmountBelow(directories: readonly string[]): Promise<void> {
  const points = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map(line => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '))
    .filter(point => directories.some(directory => point.startsWith(`${directory}/`)))
  for (const point of points.reverse()) {
    if ((await run('umount', [point], apart)).exit === 0) continue
    const { exit, stderr } = await run('umount', ['--lazy', point], apart)
    // What it belonged to may still be ending, and unmount it first.
    if (exit !== 0 && !stderr.includes('not mounted')) throw new Error(`umount ${point}: ${stderr}`)
  }
}

/** The kubelet links logs of containers from a directory of the whole machine. */
function removeLogLinks(directories: readonly string[]): void {
  const folder = '/var/log/containers'
  for (const name of namesIn(folder)) {
    const link = join(folder, name)
    const isLink = lstatSync(link).isSymbolicLink()
    if (isLink && directories.some(directory => readlinkSync(link).startsWith(`${directory}/`)))
      unlinkSync(link)
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function restoreSettings(entries: readonly Entry[]): void {
  const saved = entries.find(entry => entry.kind === 'settings')
  for (const [file, value] of Object.entries(saved?.values ?? {})) writeFileSync(file, value)
}
