/**
 * A real Kubernetes made from packages alone, for machines without Docker: etcd, API server, controllers, scheduler, DNS and
 * volumes beside one node or several, each in a network namespace of its own. Needs root.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { run, waitUntil } from '../targets/processes.ts'
import { type ClusterPlan, mostNodes, planCluster, policySocketOf, prefixesOf } from './addresses.ts'
import { cached } from './cache.ts'
import { makeCertificates } from './certificates.ts'
import { must } from './commands.ts'
import { type ControlPlaneParts, startAddOns, startApiServer, startControllers } from './control-plane.ts'
import { clusterPackages, installDebianPackages } from './debian-packages.ts'
import { writeImageArchive } from '../../packaging/image/image-archive.ts'
import { layNetwork } from './network.ts'
import { npmTools } from './npm-tools.ts'
import { buildPrograms } from './programs.ts'
import { ClusterRecord, type Owner, processId, readRecord } from './record.ts'
import { checkRuns } from './start-process.ts'
import { clusterNumbers, tearDown, tearDownAbandoned } from './tear-down.ts'
import { importCommand, pauseImage, startContainerd, startKubelet } from './worker-node.ts'

export const etcdImage = 'localhost/etcd:v3.6.5'

interface Packages {
  /** Directory of the programs. */
  readonly programs: string
  /** Archives of the images that every node has. */
  readonly images: readonly string[]
}

/** Makes and installs everything that a start needs: what takes minutes the first time and nothing afterwards. */
export async function preparePackages(): Promise<Packages> {
  const [programs] = await Promise.all([buildPrograms(), installDebianPackages(clusterPackages), npmTools()])
  const directory = await cached(join('images', basename(programs)), async made => {
    await imageOf(made, join(programs, 'pause'), pauseImage)
    await imageOf(made, join(programs, 'etcd'), etcdImage)
  })
  return { programs, images: ['pause', 'etcd'].map(name => join(directory, `${name}.tar`)) }
}

/** An image with nothing in it but one program. */
async function imageOf(directory: string, program: string, name: string): Promise<void> {
  const root = join(directory, 'root')
  const path = join('/usr/local/bin', basename(program))
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true })
  await must('cp', [program, join(root, path)])
  await writeImageArchive({
    name,
    root,
    archive: join(directory, `${basename(program)}.tar`),
    config: { Entrypoint: [path], Env: ['PATH=/usr/local/bin'], User: '65532:65532' },
  })
  rmSync(root, { recursive: true })
}

export interface PackagedOptions {
  readonly nodes: number
  /** Stays when this process ends, until somebody removes it. */
  readonly kept: boolean
  /** Once aborted nothing more is waited for, and what was made is taken down. */
  readonly signal?: AbortSignal | undefined
}

/** Starts a cluster and waits until pods can be made. What was abandoned by others is removed before. */
export async function startPackagedCluster({ nodes, kept, signal }: PackagedOptions): Promise<ClusterPlan> {
  if (process.getuid?.() !== 0) {
    throw new Error('A Kubernetes from packages makes network namespaces and mounts: run this as root.')
  }
  if (nodes < 1 || nodes > mostNodes) throw new Error(`A cluster has 1 to ${mostNodes} nodes, not ${nodes}.`)
  await tearDownAbandoned()
  const packages = await preparePackages()
  const owner = processId(process.pid)
  if (owner === null) throw new Error('This process is not in /proc.')
  const { number, record } = await claimNumber({ kind: 'owner', process: owner, kept, nodes })
  const plan = planCluster(number, nodes)
  try {
    await bringUp(plan, record, packages, signal)
  } catch (error) {
    if (process.env['KEEP_FAILED_CLUSTER'] === undefined) await tearDown(plan.number)
    throw error
  }
  return plan
}

export function kubeconfigOf(plan: ClusterPlan): string {
  return join(plan.dataDirectory, 'certificates', 'admin.kubeconfig')
}

async function bringUp(
  plan: ClusterPlan,
  record: ClusterRecord,
  { programs, images }: Packages,
  signal: AbortSignal | undefined,
): Promise<void> {
  record.write({ kind: 'directory', path: plan.dataDirectory })
  rmSync(plan.dataDirectory, { recursive: true, force: true })
  const certificates = join(plan.dataDirectory, 'certificates')
  for (const directory of ['certificates', 'logs']) {
    mkdirSync(join(plan.dataDirectory, directory), { recursive: true })
  }
  record.write({ kind: 'settings', values: machineSettings(plan.number) })
  allowInotifyInstances()
  const parts: ControlPlaneParts = { plan, record, programs, certificates }
  await wholly([layNetwork(plan, record), makeCertificates(plan, certificates)])
  const resolvConf = `nameserver ${plan.controlAddress}\nsearch svc.cluster.local cluster.local\n`
  writeFileSync(join(plan.dataDirectory, 'resolv.conf'), `${resolvConf}options ndots:5\n`)

  const server = startApiServer(parts)
  const nodesHaveImages = wholly(
    plan.nodes.map(async node => {
      await startContainerd(parts, node)
      const [program, ...args] = importCommand(node) as [string, ...string[]]
      for (const image of images) await must(program, [...args, image])
    }),
  )
  const ready = waitUntil(
    'the API server is ready',
    async () => {
      signal?.throwIfAborted()
      checkRuns(server)
      return (await kubectl(plan, ['get', '--raw', '/readyz'])).stdout === 'ok' || undefined
    },
    { deadlineMs: 120_000, everyMs: 200 },
  )
  await wholly([nodesHaveImages, ready])
  signal?.throwIfAborted()
  startControllers(parts)
  for (const node of plan.nodes) startKubelet(parts, node)
  await waitUntil(
    'the roles are there',
    async () =>
      (await kubectl(plan, ['apply', '--server-side', '-f', join(import.meta.dirname, 'base.yaml')])).exit ===
        0 || undefined,
    { deadlineMs: 60_000, everyMs: 200 },
  )
  const policies = startAddOns(parts)
  await nodesUsable(plan, signal)
  await waitUntil('network policies are in force', () => {
    signal?.throwIfAborted()
    checkRuns(policies)
    return existsSync(policySocketOf(plan)) || undefined
  })
}

/** Fails when one of them does, but only when all have ended: nothing is made any more while it is taken down. */
async function wholly(works: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(works)
  await Promise.all(works)
}

/** Ready comes before a node's taint goes and before the ServiceAccount that every pod needs. */
async function nodesUsable(plan: ClusterPlan, signal: AbortSignal | undefined): Promise<void> {
  await waitUntil(
    `nodes are ready; logs are in ${join(plan.dataDirectory, 'logs')}`,
    async () => {
      signal?.throwIfAborted()
      const account = await kubectl(plan, ['get', 'serviceaccount', 'default'])
      const { exit, stdout } = await kubectl(plan, ['get', 'nodes', '-o', 'json'])
      if (exit !== 0 || account.exit !== 0) return undefined
      const { items } = JSON.parse(stdout) as { items: readonly NodeObject[] }
      const usable = items.filter(
        ({ spec, status }) =>
          (spec.taints ?? []).length === 0 &&
          status.conditions.some(({ type, status: state }) => type === 'Ready' && state === 'True'),
      )
      return usable.length === plan.nodes.length || undefined
    },
    { deadlineMs: 120_000, everyMs: 200 },
  )
}

interface NodeObject {
  readonly spec: { readonly taints?: readonly unknown[] }
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] }
}

async function kubectl(plan: ClusterPlan, args: readonly string[]): ReturnType<typeof run> {
  const tools = await npmTools()
  return run(tools.kubectl, ['--kubeconfig', kubeconfigOf(plan), ...args])
}

/** A number that no cluster has and whose networks the machine does not use. */
async function claimNumber(owner: Owner): Promise<{ number: number; record: ClusterRecord }> {
  const routes = await must('ip', ['route', 'show', 'table', 'all'])
  const addresses = await must('ip', ['addr', 'show'])
  for (const number of clusterNumbers()) {
    if (prefixesOf(number).some(prefix => `${routes}${addresses}`.includes(` ${prefix}`))) continue
    const record = ClusterRecord.claim(number, owner)
    if (record !== undefined) return { number, record }
  }
  throw new Error('All networks that test clusters may have are in use.')
}

const inotifyInstances = '/proc/sys/fs/inotify/max_user_instances'

/** A cluster of three nodes takes some 40 of them, and a kubelet without one never gets ready; Linux allows a user 128. */
function allowInotifyInstances(): void {
  const wanted = 1024
  if (Number(readFileSync(inotifyInstances, 'utf8')) < wanted) writeFileSync(inotifyInstances, `${wanted}`)
}

/** What we and kubelets change for the whole machine; another cluster's record knows better what it was before. */
function machineSettings(number: number): Readonly<Record<string, string>> {
  for (const other of clusterNumbers().filter(one => one !== number)) {
    const saved = readRecord(other)?.find(entry => entry.kind === 'settings')
    if (saved !== undefined) return saved.values
  }
  const files = ['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops']
  const paths = [...files.map(file => `/proc/sys/${file}`), inotifyInstances]
  return Object.fromEntries(paths.map(path => [path, readFileSync(path, 'utf8').trim()]))
}
