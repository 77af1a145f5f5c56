/** The cluster from packages with the face that tests use. */
import { join } from 'node:path'
import { type ClusterPlan, planCluster } from './addresses.ts'
import { auditLogOf } from './control-plane.ts'
import type { ClusterDescription, StartedCluster } from './kubernetes.ts'
import { etcdImage, kubeconfigOf, type PackagedOptions, startPackagedCluster } from './packaged-cluster.ts'
import { isAlive, ownerOf, readRecord } from './record.ts'
import { clusterNumbers, tearDown } from './tear-down.ts'
import { importCommand } from './worker-node.ts'

export async function startWithPackages(options: PackagedOptions): Promise<StartedCluster> {
  const plan = await startPackagedCluster(options)
  return { description: faceOf(plan), stop: () => tearDown(plan.number) }
}

/**
 * A cluster that was left standing for others, who leave it so, with at least as many nodes; null when there is none that
 * works. While its owner runs it is still the owner's.
 */
export function findKept(nodes: number): StartedCluster | null {
  for (const number of clusterNumbers()) {
    const entries = readRecord(number) ?? []
    const owner = ownerOf(entries)
    const processes = entries.filter(entry => entry.kind === 'process')
    const works = processes.length > 0 && processes.every(({ process }) => isAlive(process))
    if (owner?.kept === true && !isAlive(owner.process) && owner.nodes >= nodes && works) {
      return { description: faceOf(planCluster(number, owner.nodes)), stop: async () => {} }
    }
  }
  return null
}

export async function removeKept(): Promise<void> {
  for (const number of clusterNumbers()) {
    if (ownerOf(readRecord(number) ?? [])?.kept === true) await tearDown(number)
  }
}

function faceOf(plan: ClusterPlan): ClusterDescription {
  const resolvConf = join(plan.dataDirectory, 'resolv.conf')
  const withNames = `mount --bind ${resolvConf} /etc/resolv.conf && exec "$@"`
  const network = ['nsenter', `--net=/run/netns/${plan.name}`]
  return {
    way: 'packages',
    kubeconfig: kubeconfigOf(plan),
    nodes: plan.nodes.map(({ name }) => name),
    etcdImage,
    importCommands: plan.nodes.map(importCommand),
    auditLog: auditLogOf(plan),
    insideServer: plan.server,
    insideAddress: plan.controlAddress,
    insideNetwork: plan.linkNetwork,
    inside: [...network, 'unshare', '--mount', 'sh', '-c', withNames, 'sh'],
    insideAsTyped: 'node_modules/.bin/node test/kubernetes/main.ts inside',
    takeDown: 'node_modules/.bin/node test/kubernetes/main.ts down',
  }
}
