/** A cluster made by kind, for machines where Docker works. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, waitUntil } from '../targets/processes.ts'
import { must } from './commands.ts'
import { buildNodeImage } from './kind-node/build-node-image.ts'
import { kindCommand } from './kind-node/kind-programs.ts'
import type { ClusterDescription, StartedCluster } from './kubernetes.ts'
import { npmTools } from './npm-tools.ts'
import { isAlive, processId } from './record.ts'

const etcdImage = 'quay.io/coreos/etcd:v3.6.5'

/** Not installed, or Docker's daemon does not answer: then the other way has to do. */
export async function kindWorks(): Promise<boolean> {
  const answers = [['kind', 'version'] as const, ['docker', 'info'] as const].map(([program, argument]) =>
    run(program, [argument]).catch(() => null),
  )
  return (await Promise.all(answers)).every(answer => answer?.exit === 0)
}

/**
 * With the nodes that kind takes by itself, or those of KIND_NODE_IMAGE: an image's name, or `packages` for one made on this
 * machine. Clusters whose starter is gone are removed before, unless they were to be kept.
 */
export async function startWithKind(nodes: number, kept: boolean): Promise<StartedCluster> {
  const kind = await kindCommand()
  await removeAbandoned(kind)
  const image = await imageArguments()
  const directory = mkdtempSync(join(tmpdir(), 'barnabas-kind-'))
  const name = nameOf(kept)
  const stop = async (): Promise<void> => {
    await must(kind, ['delete', 'cluster', '--name', name], deletion)
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const kubeconfig = join(directory, 'kubeconfig')
    const create = ['create', 'cluster', '--name', name, '--kubeconfig', kubeconfig, '--wait', '180s']
    const file = join(directory, 'kind.json')
    writeFileSync(file, JSON.stringify(configOf(nodes)))
    await must(kind, [...create, '--config', file, ...image], { timeoutMs: 600_000 })
    return { description: await describe(kind, name, directory, kubeconfig), stop }
  } catch (error) {
    await waitUntil('what kind was making is gone', isGoneForGood(kind, name), {
      deadlineMs: 120_000,
      everyMs: 500,
    })
    await stop()
    throw error
  }
}

/** For `waitUntil`. When kind is ended Docker makes the nodes all the same that it was told to make; they come some moments later. */
function isGoneForGood(kind: string, name: string): () => Promise<true | undefined> {
  let timesGone = 0
  return async () => {
    if ((await clusters(kind)).includes(name)) {
      timesGone = 0
      await must(kind, ['delete', 'cluster', '--name', name], deletion)
    }
    return ++timesGone > 8 || undefined
  }
}

async function clusters(kind: string): Promise<readonly string[]> {
  return (await must(kind, ['get', 'clusters'])).trim().split('\n')
}

const deletion = { timeoutMs: 120_000 }

/** It tells whose the cluster is, or that it is anybody's. */
function nameOf(kept: boolean): string {
  return `barnabas-${process.pid}-${kept ? 'kept' : processId(process.pid)?.startedAt}`
}

/** Clusters of ours whose starter has ended. */
export async function removeAbandoned(kind: string): Promise<void> {
  for (const name of await clusters(kind)) {
    const [, pid, startedAt] = /^barnabas-(\d+)-(\d+)$/.exec(name) ?? []
    if (pid === undefined || startedAt === undefined) continue
    if (isAlive({ pid: Number(pid), startedAt })) continue
    await must(kind, ['delete', 'cluster', '--name', name], deletion)
  }
}

async function imageArguments(): Promise<readonly string[]> {
  const image = process.env['KIND_NODE_IMAGE']
  if (image === undefined) return []
  return ['--image', image === 'packages' ? await buildNodeImage(etcdImage) : image]
}

function configOf(nodes: number): object {
  return {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    nodes: Array.from({ length: nodes }, (_, at) => ({
      role: at === 0 ? 'control-plane' : 'worker',
      labels: {
        'topology.kubernetes.io/region': 'local',
        'topology.kubernetes.io/zone': `zone-${'abc'.charAt(at % 3)}`,
      },
    })),
  }
}

async function describe(
  kind: string,
  name: string,
  directory: string,
  kubeconfig: string,
): Promise<ClusterDescription> {
  const { kubectl } = await npmTools()
  const withKubectl = ['--kubeconfig', kubeconfig]
  // Where there are workers, kind keeps pods off the control plane.
  await run(kubectl, [...withKubectl, 'taint', 'nodes', '--all', 'node-role.kubernetes.io/control-plane-'])
  const named = ['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}']
  const nodeNames = (await must(kubectl, [...withKubectl, ...named])).split(' ')
  const dns = ['get', 'service', '-n', 'kube-system', 'kube-dns', '-o', 'jsonpath={.spec.clusterIP}']
  const nameserver = await must(kubectl, [...withKubectl, ...dns])
  const resolvConf = join(directory, 'resolv.conf')
  const search = 'search svc.cluster.local cluster.local\noptions ndots:5\n'
  writeFileSync(resolvConf, `nameserver ${nameserver}\n${search}`)
  const node = nodeNames[0] ?? ''
  const containerPid = (await must('docker', ['inspect', '--format', '{{.State.Pid}}', node])).trim()
  const addressOf = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  const insideAddress = (await must('docker', ['inspect', '--format', addressOf, node])).trim()
  const withNames = `mount --bind ${resolvConf} /etc/resolv.conf && exec "$@"`
  const network = ['nsenter', `--target=${containerPid}`, '--net', 'unshare', '--mount', 'sh', '-c']
  return {
    way: 'kind',
    kubeconfig,
    nodes: nodeNames,
    etcdImage,
    importCommands: [[kind, 'load', 'image-archive', '--name', name]],
    insideServer: `https://${insideAddress}:6443`,
    insideAddress,
    insideNetwork: `${insideAddress}/32`,
    inside: [...network, withNames, 'sh'],
    insideAsTyped: `${network.join(' ')} '${withNames}' sh`,
    takeDown: `${kind} delete cluster --name ${name}`,
  }
}
