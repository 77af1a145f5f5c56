/** The Services of a Cluster: among brokers, where clients begin, and one per broker where a listener needs it. Pure. */
import type { KubeObject } from '../resources/kube-object.ts'
import {
  childMetadata,
  type ClusterContext,
  hosts,
  names,
  ports,
  selectorLabels,
} from '../resources/names.ts'

export type Listener = ClusterContext['cluster']['spec']['listeners'][number]

/** Names for every pod, ready or not: brokers must find each other before clients find them. */
export function brokersService(context: ClusterContext): KubeObject {
  const { listeners } = context.cluster.spec
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: childMetadata(context, names.brokers(context), 'broker'),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: selectorLabels(context.name, 'broker'),
      ports: [
        ...listeners.map(clientPort),
        { name: 'brokers', port: ports.brokers, targetPort: 'brokers', protocol: 'TCP' },
        { name: 'control', port: ports.control, targetPort: 'control', protocol: 'TCP' },
        { name: 'http', port: ports.http, targetPort: 'http', protocol: 'TCP' },
      ],
    },
  }
}

/** Where clients inside Kubernetes begin: any broker that is ready. */
export function bootstrapService(context: ClusterContext): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: childMetadata(context, names.bootstrap(context), 'broker'),
    spec: {
      type: 'ClusterIP',
      selector: selectorLabels(context.name, 'broker'),
      ports: context.cluster.spec.listeners.map(clientPort),
    },
  }
}

/** For every listener that needs them: one to begin with, and one per broker. */
export function listenerServices(context: ClusterContext, brokers: readonly number[]): readonly KubeObject[] {
  return context.cluster.spec.listeners.flatMap(listener => {
    switch (listener.type) {
      case 'Internal':
      case 'TLSRoute':
        return []
      case 'ClusterIP':
        return brokers.map(id => brokerService(context, listener, id))
      case 'NodePort':
      case 'LoadBalancer':
        return [
          listenerBootstrap(context, listener),
          ...brokers.map(id => brokerService(context, listener, id)),
        ]
    }
  })
}

function listenerBootstrap(context: ClusterContext, listener: Listener): KubeObject {
  return outside(context, listener, names.listenerBootstrap(context, listener.name), {})
}

function brokerService(context: ClusterContext, listener: Listener, id: number): KubeObject {
  const name = names.listenerBroker(context, listener.name, id)
  return outside(context, listener, name, { 'apps.kubernetes.io/pod-index': String(id) }, true)
}

function outside(
  context: ClusterContext,
  listener: Listener,
  name: string,
  selector: Readonly<Record<string, string>>,
  isOneBroker = false,
): KubeObject {
  const metadata = childMetadata(context, name, 'broker')
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...metadata,
      ...(listener.annotations === undefined ? {} : { annotations: listener.annotations }),
    },
    spec: {
      type: listener.type,
      // A broker that is not ready is still the only one that can say so to its clients.
      ...(isOneBroker ? { publishNotReadyAddresses: true } : {}),
      ...(listener.sourceRanges === undefined || listener.type !== 'LoadBalancer'
        ? {}
        : { loadBalancerSourceRanges: listener.sourceRanges }),
      selector: { ...selectorLabels(context.name, 'broker'), ...selector },
      ports: [clientPort(listener)],
    },
  }
}

function clientPort({ name, port }: Listener): object {
  return { name, port, targetPort: name, protocol: 'TCP' }
}

/** What a broker tells clients of a listener, where that follows from names alone. */
export function internalAddress(context: ClusterContext, listener: Listener, id: number): string {
  const host =
    listener.type === 'ClusterIP'
      ? hosts.service(context, names.listenerBroker(context, listener.name, id))
      : hosts.broker(context, id)
  return `${host}:${listener.port}`
}
