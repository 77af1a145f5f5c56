/** Debian packages that tests on Kubernetes call, installed when they are missing. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../targets/processes.ts'
import { must } from './commands.ts'

/** Program, or file by its path → the package that has it. */
export const clusterPackages: Readonly<Record<string, string>> = {
  containerd: 'containerd',
  runc: 'runc',
  '/usr/lib/cni/bridge': 'containernetworking-plugins',
  conntrack: 'conntrack',
  iptables: 'iptables',
  ip: 'iproute2',
  nsenter: 'util-linux',
  openssl: 'openssl',
}

const minute = 60_000
let installing: Promise<void> = Promise.resolve()

/** One after the other: apt-get gives up when another one fetches its lists. */
export function installDebianPackages(wanted: Readonly<Record<string, string>>): Promise<void> {
  const installed = installing.then(() => install(wanted))
  installing = installed.catch(() => {})
  return installed
}

async function install(wanted: Readonly<Record<string, string>>): Promise<void> {
  const missing = Object.entries(wanted)
    .filter(([program]) => !isThere(program))
    .map(([, debianPackage]) => debianPackage)
  if (missing.length === 0) return
  const [program, ...become] =
    process.getuid?.() === 0 ? (['apt-get'] as const) : (['sudo', '-n', 'apt-get'] as const)
  const before = [...become, '-qq', '-o', 'DPkg::Lock::Timeout=300']
  const options = {
    environment: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }, // 1: their services are not started
    timeoutMs: 10 * minute,
  }
  const command = [...before, 'install', '-y', '--no-install-recommends', ...missing]
  if ((await run(program, command, options)).exit === 0) return
  await must(program, [...before, 'update'], options)
  await must(program, command, options)
}

function isThere(program: string): boolean {
  if (program.startsWith('/')) return existsSync(program)
  const folders = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`.split(':')
  return folders.some(folder => existsSync(join(folder, program)))
}
