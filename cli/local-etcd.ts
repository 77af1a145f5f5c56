/** The etcd of a local cluster of several brokers: found on the PATH, one member, its data beside that of the brokers. */
import { statSync } from 'node:fs'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Readiness } from './readiness.ts'

export const howToGetEtcd =
  'Several brokers keep their metadata in etcd, and there is no etcd on the PATH: install it (Debian, Ubuntu: apt-get install etcd-server; others: https://etcd.io/docs/latest/install), or give spec.brokers.replicas: 1.'

export interface LocalEtcd {
  /** Path of the program. */
  readonly program: string
  readonly directory: string
  readonly clientPort: number
  readonly peerPort: number
}

/** Undefined when there is none on the PATH. */
export function findEtcd(path: string): string | undefined {
  return path
    .split(':')
    .filter(folder => folder !== '')
    .map(folder => join(folder, 'etcd'))
    .find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    const found = statSync(file)
    return found.isFile() && (found.mode & 0o111) !== 0
  } catch {
    return false
  }
}

/** Program and arguments. Nobody but the brokers here reaches it. */
export function etcdCommand(etcd: LocalEtcd): [string, ...string[]] {
  const clientUrl = etcdEndpoint(etcd)
  // A member remembers its first peer address and is held to it; nobody calls there, so it need not be the real one.
  const peerUrl = 'http://127.0.0.1:2380'
  return [
    etcd.program,
    '--name=local',
    `--data-dir=${etcd.directory}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=http://127.0.0.1:${etcd.peerPort}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=local=${peerUrl}`,
    '--auto-compaction-mode=periodic',
    '--auto-compaction-retention=10m',
    '--logger=zap',
    '--log-level=warn',
  ]
}

export function etcdEndpoint({ clientPort }: LocalEtcd): string {
  return `http://127.0.0.1:${clientPort}`
}

/** Whether it serves. Never rejects. */
export function askEtcd(port: number): Promise<Readiness> {
  return new Promise(resolve => {
    const options = { host: '127.0.0.1', port, path: '/health', timeout: 1000, agent: false }
    const request = get(options, response => {
      response.resume()
      const isWell = response.statusCode === 200
      const unready = { kind: 'unready', isRecovering: false, detail: 'it has no leader yet' } as const
      response.on('end', () => resolve(isWell ? { kind: 'ready' } : unready))
      response.on('error', () => resolve({ kind: 'silent' }))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve({ kind: 'silent' }))
  })
}

/** A TCP port of the loopback interface that nobody has now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
