/** The name and labels of every object that belongs to a Cluster. Pure. */
import type { Cluster } from './cluster.ts'
import type { ObjectMeta, OwnerReference } from './kube-object.ts'

export const managedBy = 'barnabas-operator'
export const managedSelector = `app.kubernetes.io/managed-by=${managedBy}`
export const clusterLabel = 'barnabas.dev/cluster'
/** What was rendered, so that a change of it is noticed without asking the API server. */
export const renderedAnnotation = 'barnabas.dev/rendered'
/** Zone of the node that a pod is on; brokers read it from a file. A hyphen: the node has none. */
export const rackAnnotation = 'barnabas.dev/rack'
export const approvedPlanAnnotation = 'barnabas.dev/approve-plan'

export const componentLabel = 'app.kubernetes.io/component'
export type Component = 'broker' | 'etcd'

export const dataVolume = 'data'
export const dataPath = '/var/lib/barnabas'
export const logDirectory = `${dataPath}/data`
export const ports = { control: 9090, brokers: 9091, http: 9404 } as const
export const etcdPorts = { client: 2379, peer: 2380, metrics: 2381 } as const
/** Name of the listener among brokers, which is also the one that the operator uses. */
export const brokersListener = 'BROKERS'

/** A Cluster and what is around it, as builders need it. */
export interface ClusterContext {
  readonly cluster: Cluster
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly images: {
    readonly broker: string
    readonly etcd: string
    /** Unset: as Kubernetes does by itself. */
    readonly pullPolicy?: string | undefined
  }
  /** "cluster.local" almost everywhere. */
  readonly clusterDomain: string
  /** Of the operator's pods, which the network policies let in from nowhere else. */
  readonly operatorNamespace: string
}

type Named = Pick<ClusterContext, 'name' | 'namespace' | 'clusterDomain'>

export const names = {
  brokers: ({ name }: Pick<Named, 'name'>): string => `${name}-brokers`,
  broker: ({ name }: Pick<Named, 'name'>, id: number): string => `${name}-brokers-${id}`,
  bootstrap: ({ name }: Pick<Named, 'name'>): string => `${name}-bootstrap`,
  listenerBootstrap: ({ name }: Pick<Named, 'name'>, listener: string): string =>
    `${name}-${listener}-bootstrap`,
  listenerBroker: ({ name }: Pick<Named, 'name'>, listener: string, id: number): string =>
    `${name}-${listener}-${id}`,
  settings: ({ name }: Pick<Named, 'name'>, hash: string): string => `${name}-settings-${hash}`,
  etcd: ({ name }: Pick<Named, 'name'>): string => `${name}-etcd`,
  etcdMember: ({ name }: Pick<Named, 'name'>, index: number): string => `${name}-etcd-${index}`,
} as const

/** Full names in the DNS of Kubernetes. */
export const hosts = {
  broker: (at: Named, id: number): string => `${names.broker(at, id)}.${service(at, names.brokers(at))}`,
  service,
  etcdMember: (at: Named, index: number): string =>
    `${names.etcdMember(at, index)}.${service(at, names.etcd(at))}`,
} as const

function service({ namespace, clusterDomain }: Named, name: string): string {
  return `${name}.${namespace}.svc.${clusterDomain}`
}

/** Never change for an object that is there: they are what it is found by. */
export function selectorLabels(name: string, component: Component): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'barnabas',
    'app.kubernetes.io/instance': name,
    [componentLabel]: component,
  }
}

export function labelsOf(name: string, component: Component): Readonly<Record<string, string>> {
  return {
    ...selectorLabels(name, component),
    'app.kubernetes.io/managed-by': managedBy,
    [clusterLabel]: name,
  }
}

export function selectorText(name: string, component: Component): string {
  return Object.entries(selectorLabels(name, component))
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

/** What every child has: its name, labels, and the Cluster that it goes away with. */
export function childMetadata(
  { name, namespace, uid }: Pick<ClusterContext, 'name' | 'namespace' | 'uid'>,
  child: string,
  component: Component,
): ObjectMeta {
  return { name: child, namespace, labels: labelsOf(name, component), ownerReferences: [ownerOf(name, uid)] }
}

function ownerOf(name: string, uid: string): OwnerReference {
  return {
    apiVersion: 'barnabas.dev/v1',
    kind: 'Cluster',
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  }
}
