/**
 * The record of what a cluster made from packages has changed on this machine, one JSON line each, written before the
 * change is made: whoever finds it, also after a crash, can undo all of it. It stands in /run, for a reboot undoes the same.
 */
import { appendFileSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runDirectoryOf } from './addresses.ts'

export type Entry =
  /** Who answers for the cluster; when that process is gone, it may be removed, unless it is `kept` for others. */
  | { readonly kind: 'owner'; readonly process: ProcessId; readonly kept: boolean; readonly nodes: number }
  | { readonly kind: 'process'; readonly name: string; readonly process: ProcessId }
  | { readonly kind: 'namespace' | 'link' | 'cgroup'; readonly name: string }
  | { readonly kind: 'directory'; readonly path: string }
  /** Kernel settings of the whole machine as they were. */
  | { readonly kind: 'settings'; readonly values: Readonly<Record<string, string>> }

export type Owner = Extract<Entry, { kind: 'owner' }>

/** The start time tells a process from a later one with the same number. */
export interface ProcessId {
  readonly pid: number
  readonly startedAt: string
}

export class ClusterRecord {
  readonly #file: string

  private constructor(file: string) {
    this.#file = file
  }

  /** The cluster is its owner's from the first moment; undefined when another one has the number already. */
  static claim(cluster: number, owner: Owner): ClusterRecord | undefined {
    const file = fileOf(cluster)
    const own = `${file}.${owner.process.pid}`
    mkdirSync(runDirectoryOf(cluster), { recursive: true })
    writeFileSync(own, `${JSON.stringify(owner)}\n`)
    try {
      linkSync(own, file)
      return new ClusterRecord(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
      throw error
    } finally {
      rmSync(own)
    }
  }

  write(entry: Entry): void {
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`)
  }
}

/** Entries in the order they were written; null when there is no such cluster. A last line cut short is left out. */
export function readRecord(cluster: number): Entry[] | null {
  const file = fileOf(cluster)
  if (!existsSync(file)) return null
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map(line => JSON.parse(line) as Entry)
}

/** Null when there is no such process. */
export function processId(pid: number): ProcessId | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return null
    return { pid, startedAt: fields[19] ?? '' }
  } catch {
    return null
  }
}

export function isAlive({ pid, startedAt }: ProcessId): boolean {
  return processId(pid)?.startedAt === startedAt
}

export function ownerOf(entries: readonly Entry[]): Owner | undefined {
  return entries.findLast(entry => entry.kind === 'owner')
}

function fileOf(cluster: number): string {
  return join(runDirectoryOf(cluster), 'record.jsonl')
}
