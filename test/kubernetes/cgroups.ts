/** A cgroup per node, in both versions of the kernel's interface. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = '/sys/fs/cgroup'

export function makeCgroup(name: string): void {
  if (isVersion2()) {
    const controllers = readFileSync(join(root, 'cgroup.controllers'), 'utf8').trim().split(' ')
    writeFileSync(join(root, 'cgroup.subtree_control'), controllers.map(one => `+${one}`).join(' '))
    mkdirSync(join(root, name), { recursive: true })
    return
  }
  for (const hierarchy of hierarchies()) {
    const directory = join(hierarchy, name)
    mkdirSync(directory, { recursive: true })
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (!existsSync(join(directory, file))) continue
      writeFileSync(join(directory, file), readFileSync(join(hierarchy, file))) // empty ones take no process
    }
  }
}

/** Every process below the cgroup. */
export function processesOf(name: string): number[] {
  const pids = new Set<number>()
  for (const directory of directoriesOf(name).flatMap(withChildren)) {
    for (const line of linesOf(join(directory, 'cgroup.procs'))) pids.add(Number(line))
  }
  return [...pids]
}

/** Removes it with its children. True when it is gone; not yet when a process in it is still ending. */
export function removeCgroup(name: string): boolean {
  for (const directory of directoriesOf(name).flatMap(withChildren).reverse()) {
    try {
      rmdirSync(directory)
    } catch {
      return false
    }
  }
  return true
}

function directoriesOf(name: string): string[] {
  const places = isVersion2() ? [root] : hierarchies()
  return places.map(place => join(place, name)).filter(directory => existsSync(directory))
}

function hierarchies(): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => join(root, entry.name))
}

function isVersion2(): boolean {
  return existsSync(join(root, 'cgroup.controllers'))
}

/** Parents before children. Some may go while one looks. */
function withChildren(directory: string): string[] {
  try {
    const children = readdirSync(directory, { withFileTypes: true }).filter(entry => entry.isDirectory())
    return [directory, ...children.flatMap(child => withChildren(join(directory, child.name)))]
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter(line => line !== '')
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')
}
