/**
 * Who has which address in a cluster made from packages. Several clusters on one machine have different numbers, and so
 * different networks, names and directories. Everything is inside 10.64.0.0/11.
 */
import { join } from 'node:path'
import { cacheDirectory } from './cache.ts'

export const mostClusters = 8
export const mostNodes = 9

export interface ClusterPlan {
  readonly number: number
  /** Begins the names of network namespaces, links and cgroups. At most 4 characters, for links have at most 15. */
  readonly name: string
  /** Sockets, the record, and what containerd mounts: short paths, gone after a reboot. */
  readonly runDirectory: string
  /** Certificates, logs, images, volumes. */
  readonly dataDirectory: string
  readonly podNetwork: string
  readonly serviceNetwork: string
  /** Addresses of links: what is no pod comes from one of them. */
  readonly linkNetwork: string
  /** First address of the service network: the Service `kubernetes`. */
  readonly kubernetesService: string
  /** The machine's end of the link to the control plane, and the control plane's. */
  readonly hostAddress: string
  readonly controlAddress: string
  readonly server: string
  readonly nodes: readonly NodePlan[]
}

export interface NodePlan {
  readonly number: number
  readonly name: string
  readonly zone: string
  /** Network namespace and cgroup. */
  readonly namespace: string
  /** The bridge of its pods; also the node's own address. */
  readonly address: string
  readonly podNetwork: string
  readonly firstPod: string
  /** Ends of the link between the control plane's namespace and the node's. */
  readonly linkControl: string
  readonly linkNode: string
  readonly runDirectory: string
  readonly dataDirectory: string
  readonly containerdSocket: string
}

/** Pure. `number` is 0 … 7, `nodeCount` 1 … 9. */
export function planCluster(number: number, nodeCount: number): ClusterPlan {
  const second = 64 + number * 4
  const name = `bk${number}`
  const runDirectory = runDirectoryOf(number)
  const dataDirectory = join(cacheDirectory, 'clusters', String(number))
  const node = (at: number): NodePlan => ({
    number: at,
    name: `node${at}`,
    zone: `zone-${'abc'.charAt((at - 1) % 3)}`,
    namespace: `${name}n${at}`,
    address: `10.${second}.${at}.1`,
    podNetwork: `10.${second}.${at}.0/24`,
    firstPod: `10.${second}.${at}.10`,
    linkControl: `10.${second + 2}.${at}.1`,
    linkNode: `10.${second + 2}.${at}.2`,
    runDirectory: join(runDirectory, `node${at}`),
    dataDirectory: join(dataDirectory, `node${at}`),
    containerdSocket: join(runDirectory, `node${at}`, 'containerd.sock'),
  })
  return {
    number,
    name,
    runDirectory,
    dataDirectory,
    podNetwork: `10.${second}.0.0/16`,
    serviceNetwork: `10.${second + 1}.0.0/16`,
    linkNetwork: `10.${second + 2}.0.0/16`,
    kubernetesService: `10.${second + 1}.0.1`,
    hostAddress: `10.${second + 2}.0.1`,
    controlAddress: `10.${second + 2}.0.2`,
    server: `https://10.${second + 2}.0.2:6443`,
    nodes: Array.from({ length: nodeCount }, (_, index) => node(index + 1)),
  }
}

/** Where those who put network policies in force are told of pods. */
export function policySocketOf({ runDirectory }: ClusterPlan): string {
  return join(runDirectory, 'network-policies.sock')
}

export function runDirectoryOf(number: number): string {
  return `/run/barnabas-kubernetes-${number}`
}

/** Beginnings of the addresses that cluster `number` uses; a machine that has routes there already needs another number. */
export function prefixesOf(number: number): string[] {
  return [0, 1, 2].map(offset => `10.${64 + number * 4 + offset}.`)
}
