/** Who holds a TCP port that we want. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'

/** Undefined when the port can be had; else why not. */
export function findPortProblem(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/** "java, process 1234" on Linux, where that can be seen; else undefined. */
export function ownerOfPort(port: number): string | undefined {
  try {
    const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap(file => listeningInodes(file, port)))
    if (inodes.size === 0) return undefined
    for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
      if (!socketsOf(pid).some(inode => inodes.has(inode))) continue
      return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()}, process ${pid}`
    }
  } catch {
    // No /proc, or not ours to see.
  }
  return undefined
}

function listeningInodes(file: string, port: number): string[] {
  let table: string
  try {
    table = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  return table
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(fields => fields[1]?.endsWith(`:${hexPort}`) === true && fields[3] === '0A')
    .flatMap(fields => fields[9] ?? [])
}

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(fd => socketOf(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

/** Files are closed while we look. */
function socketOf(path: string): string[] {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.slice(1) ?? []
  } catch {
    return []
  }
}
