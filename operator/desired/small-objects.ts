/** The ServiceAccount, the disruption budget and the network policies of a Cluster. Pure. */
import type { KubeObject } from '../resources/kube-object.ts'
import {
  childMetadata,
  type ClusterContext,
  etcdPorts,
  managedBy,
  names,
  ports,
  selectorLabels,
} from '../resources/names.ts'
import { managedEtcd } from './broker-settings.ts'
import { given } from './pods.ts'

/** Brokers ask nothing of the API server, so they get no token. */
export function serviceAccount(context: ClusterContext): KubeObject {
  const account = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: childMetadata(context, names.brokers(context), 'broker'),
    automountServiceAccountToken: false,
  }
  return account
}

/** `mayBeAway`: brokers that a drain may evict now, 0 or 1. */
export function brokersBudget(context: ClusterContext, mayBeAway: 0 | 1): KubeObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: childMetadata(context, names.brokers(context), 'broker'),
    spec: {
      maxUnavailable: mayBeAway,
      selector: { matchLabels: selectorLabels(context.name, 'broker') },
      // One that is not ready holds up no drain: it asks for a grant itself if it serves anybody.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  }
}

/** None where the Cluster wants none. Kubelets of a pod's own node always reach it. */
export function networkPolicies(context: ClusterContext): readonly KubeObject[] {
  if (!context.cluster.spec.networkPolicy.enabled) return []
  const hasEtcd = managedEtcd(context) !== undefined
  return [brokersNetworkPolicy(context), ...(hasEtcd ? [etcdNetworkPolicy(context)] : [])]
}

/** Clients by what their listener lets in; brokers among themselves; the operator; anybody may look at metrics. */
function brokersNetworkPolicy(context: ClusterContext): KubeObject {
  const { listeners } = context.cluster.spec
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: childMetadata(context, names.brokers(context), 'broker'),
    spec: {
      podSelector: { matchLabels: selectorLabels(context.name, 'broker') },
      policyTypes: ['Ingress'],
      ingress: [
        ...listeners.flatMap(({ port, allowFrom }) => {
          // To Kubernetes an empty list is everybody.
          if (allowFrom?.length === 0) return []
          return [{ ...given('from', allowFrom), ports: [{ protocol: 'TCP', port }] }]
        }),
        {
          from: [
            { podSelector: { matchLabels: selectorLabels(context.name, 'broker') } },
            operatorPods(context),
          ],
          ports: [
            { protocol: 'TCP', port: ports.brokers },
            { protocol: 'TCP', port: ports.control },
          ],
        },
        { ports: [{ protocol: 'TCP', port: ports.http }] },
      ],
    },
  }
}

function etcdNetworkPolicy(context: ClusterContext): KubeObject {
  const own = { podSelector: { matchLabels: selectorLabels(context.name, 'etcd') } }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: childMetadata(context, names.etcd(context), 'etcd'),
    spec: {
      podSelector: { matchLabels: selectorLabels(context.name, 'etcd') },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [
            own,
            { podSelector: { matchLabels: selectorLabels(context.name, 'broker') } },
            operatorPods(context),
          ],
          ports: [{ protocol: 'TCP', port: etcdPorts.client }],
        },
        { from: [own], ports: [{ protocol: 'TCP', port: etcdPorts.peer }] },
        { ports: [{ protocol: 'TCP', port: etcdPorts.metrics }] },
      ],
    },
  }
}

/** Anybody may give a pod these labels; in the operator's namespace only whoever may run pods beside it. */
function operatorPods({ operatorNamespace }: ClusterContext): object {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operatorNamespace } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': managedBy } },
  }
}
