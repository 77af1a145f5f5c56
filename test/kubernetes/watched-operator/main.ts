/**
 * node test/kubernetes/watched-operator/main.ts OPTIONS: runs in a cluster's network an operator that reaches the API server,
 * brokers and etcd only through doors, and is killed by a plan at its writes; another one starts then. OPTIONS is JSON.
 * Takes orders as JSON lines, and tells what happens as JSON lines, until its input ends.
 */
import { resolve4 } from 'node:dns/promises'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { repositoryRoot } from '../../targets/kafka-jars.ts'
import { RunningProcess } from '../../targets/processes.ts'
import { must } from '../commands.ts'
import { openControlDoor, openKafkaDoor } from './broker-doors.ts'
import { Gate } from './gate.ts'
import { HttpDoor } from './http-door.ts'
import type { Happening, Order, WatchedOptions } from './watched-operator.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as WatchedOptions
const directory = mkdtempSync(join(tmpdir(), 'barnabas-operator-'))
const ports = { control: 9090, brokers: 9091, etcd: 2379 }

function tell(happening: Happening): void {
  process.stdout.write(`${JSON.stringify(happening)}\n`)
}

let operator: RunningProcess | undefined
let isStopping = false

const gate = new Gate({
  told: write => tell({ kind: 'write', write }),
  kill: (write, when) => {
    const victim = operator
    victim?.kill('SIGKILL')
    void victim?.ended.then(() => {
      tell({ kind: 'killed', write, when })
      gate.revived()
      if (!isStopping) startOperator()
    })
  },
})

/** Words of a path without what is the same in all: 'PATCH services/kafka-brokers'. */
function apiWriteOf({ method, url = '' }: IncomingMessage): string | undefined {
  if (method === 'GET' || url.includes('/leases')) return undefined
  const path = url.replace(/\?.*/, '').replace(/^\/apis?\/.*?v1\//, '')
  return `${method} ${path.replace(/^namespaces\/[^/]+\//, '')}`
}

function etcdWriteOf({ url = '' }: IncomingMessage): string | undefined {
  return /\/member\/(remove|add|promote)$/.test(url) ? `POST ${url}` : undefined
}

async function addressOf(name: string): Promise<string> {
  const [address] = await resolve4(name)
  if (address === undefined) throw new Error(`${name} has no address.`)
  return address
}

const names: string[] = []

/** From here on the operator finds the door where it looks for the name. */
function lead(name: string, address: string): void {
  names.push(`${address} ${name}`)
}

async function openDoors(): Promise<HttpDoor> {
  const { namespace, cluster, mostBrokers, mostMembers, server, authority } = options
  const url = new URL(server)
  const target = (): Promise<RequestOptions & { readonly protocol: 'https:' }> =>
    Promise.resolve({ protocol: 'https:', host: url.hostname, port: url.port, ca: authority })
  const api = await HttpDoor.open('127.0.0.1', 0, { gate, writeOf: apiWriteOf, target })
  for (let id = 0; id < mostBrokers; id++) {
    const broker = `${cluster}-brokers-${id}`
    const name = `${broker}.${cluster}-brokers.${namespace}.svc.cluster.local`
    const at = `127.77.1.${id + 1}`
    const to = (port: number) => async () => ({ host: await addressOf(name), port })
    await openKafkaDoor(at, ports.brokers, { gate, broker, target: to(ports.brokers) })
    await openControlDoor(at, ports.control, { gate, broker, target: to(ports.control) })
    lead(name, at)
  }
  for (let index = 0; index < mostMembers; index++) {
    const name = `${cluster}-etcd-${index}.${cluster}-etcd.${namespace}.svc.cluster.local`
    const at = `127.77.2.${index + 1}`
    await HttpDoor.open(at, ports.etcd, {
      gate,
      writeOf: etcdWriteOf,
      target: async () => ({ protocol: 'http:', host: await addressOf(name), port: ports.etcd }),
    })
    lead(name, at)
  }
  return api
}

function writeKubeconfig(port: number): string {
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'door', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
    ],
    users: [{ name: 'operator', user: { token: options.token } }],
    contexts: [{ name: 'door', context: { cluster: 'door', user: 'operator' } }],
    'current-context': 'door',
  }
  const path = join(directory, 'kubeconfig')
  writeFileSync(path, JSON.stringify(kubeconfig), { mode: 0o600 })
  return path
}

function startOperator(): void {
  const log = join(directory, 'log')
  operator = new RunningProcess(process.execPath, [join(repositoryRoot, 'dist', 'operator', 'main.js')], {
    environment: { ...options.environment, KUBECONFIG: join(directory, 'kubeconfig') },
    onLine: line => appendFileSync(log, `${line}\n`),
  })
  const started = operator
  tell({ kind: 'started', log })
  void started.ended.then(exit => {
    if (exit === 'SIGKILL' || isStopping) return
    tell({ kind: 'ended', exit: String(exit), output: started.output.slice(-2000) })
    startOperator()
  })
}

const door = await openDoors()
writeKubeconfig(door.port)
const hosts = join(directory, 'hosts')
writeFileSync(hosts, `${readFileSync('/etc/hosts', 'utf8')}\n${names.join('\n')}\n`)
// Only for this process and those that it starts: it has mounts of its own.
await must('mount', ['--bind', hosts, '/etc/hosts'])
startOperator()

async function stop(): Promise<never> {
  isStopping = true
  await operator?.stop(10_000)
  rmSync(directory, { recursive: true, force: true })
  process.exit(0)
}

process.once('SIGTERM', () => void stop())
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order
  if (order.kind === 'follow') gate.follow(order.plan)
  else door.make(order.trouble)
}
await stop()
