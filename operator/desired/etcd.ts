/** An etcd that comes with the cluster: a StatefulSet, a Service with a name for every member, and its budget. Pure. */
import type { KubeObject } from '../resources/kube-object.ts'
import {
  childMetadata,
  type ClusterContext,
  dataVolume,
  etcdPorts,
  hosts,
  labelsOf,
  names,
  selectorLabels,
} from '../resources/names.ts'
import type { ManagedEtcd } from './broker-settings.ts'
import {
  apartFromEachOther,
  containerSecurity,
  given,
  httpProbe,
  podSecurity,
  podsOf,
  volumeClaim,
} from './pods.ts'

const dataPath = '/var/lib/etcd'
const quotaBytes = 2 * 2 ** 30
/** When everything goes at once, brokers hand over and take their leave while there still is an etcd. */
const farewellSeconds = 3

/**
 * Who of those that have no data may start. forming: all, they begin a cluster together. joining: only this one, which the
 * others were told of. formed: none. etcd itself looks less closely: a member that has lost its data begins anew as who it
 * was when it does not reach the others, or when it was just taken out of their list, and can then never join.
 */
export type EtcdAdmission = 'forming' | 'formed' | { readonly joining: number }

/** Read by members when they start, and only by those that have no data. */
export function etcdAdmissionConfigMap(
  context: ClusterContext,
  members: number,
  admission: EtcdAdmission,
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: childMetadata(context, names.etcd(context), 'etcd'),
    data: {
      state: admission === 'forming' ? 'new' : 'existing',
      members: admittedMembers(context, members, admission),
    },
  }
}

/** A member that does not find its own name refuses to start. The names of others do not matter to one that joins. */
function admittedMembers(context: ClusterContext, members: number, admission: EtcdAdmission): string {
  if (admission === 'formed') return 'nobody=http://members-without-data-do-not-start:1'
  return Array.from({ length: members }, (_, index) => {
    const isNamed = admission === 'forming' || admission.joining === index
    const name = isNamed ? names.etcdMember(context, index) : `there-already-${index}`
    return `${name}=${etcdPeerUrl(context, index)}`
  }).join(',')
}

export function etcdService(context: ClusterContext): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: childMetadata(context, names.etcd(context), 'etcd'),
    spec: {
      clusterIP: 'None',
      // Members must find each other before any of them is ready.
      publishNotReadyAddresses: true,
      selector: selectorLabels(context.name, 'etcd'),
      ports: Object.entries(etcdPorts).map(([name, port]) => ({
        name,
        port,
        targetPort: name,
        protocol: 'TCP',
      })),
    },
  }
}

/** `members`: how many there are to be now, on the way to those that are asked for. */
export function etcdStatefulSet(context: ClusterContext, etcd: ManagedEtcd, members: number): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: childMetadata(context, names.etcd(context), 'etcd'),
    spec: {
      replicas: members,
      serviceName: names.etcd(context),
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'OnDelete' },
      persistentVolumeClaimRetentionPolicy: {
        whenDeleted: context.cluster.spec.brokers.storage.reclaimPolicy,
        whenScaled: 'Retain',
      },
      revisionHistoryLimit: 5,
      selector: { matchLabels: selectorLabels(context.name, 'etcd') },
      template: etcdTemplate(context, etcd),
      volumeClaimTemplates: [volumeClaim(dataVolume, etcd.storage, labelsOf(context.name, 'etcd'))],
    },
  }
}

/**
 * `votes`: members that have one. One of three, or two of five, may be away; of one none can be spared, and a drain must go on
 * all the same. Of the two that there are for a moment on the way from one to three, both are needed.
 */
export function etcdBudget(context: ClusterContext, votes: number): KubeObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: childMetadata(context, names.etcd(context), 'etcd'),
    spec: {
      maxUnavailable: votes === 2 ? 0 : 1,
      selector: { matchLabels: selectorLabels(context.name, 'etcd') },
      ...(votes === 1 ? { unhealthyPodEvictionPolicy: 'AlwaysAllow' } : {}),
    },
  }
}

export function etcdImage(context: ClusterContext, etcd: ManagedEtcd): string {
  return etcd.image ?? context.images.etcd
}

export function etcdPeerUrl(context: ClusterContext, index: number): string {
  return `http://${hosts.etcdMember(context, index)}:${etcdPorts.peer}`
}

function etcdTemplate(context: ClusterContext, etcd: ManagedEtcd): object {
  const { pullPolicy } = context.images
  return {
    metadata: { labels: labelsOf(context.name, 'etcd') },
    spec: {
      ...podsOf(context),
      terminationGracePeriodSeconds: 30,
      securityContext: podSecurity,
      affinity: apartFromEachOther(context, 'etcd'),
      containers: [
        {
          name: 'etcd',
          image: etcdImage(context, etcd),
          ...given('imagePullPolicy', pullPolicy),
          command: ['etcd'],
          env: [
            { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            fromConfigMap(context, 'ETCD_INITIAL_CLUSTER_STATE', 'state'),
            fromConfigMap(context, 'ETCD_INITIAL_CLUSTER', 'members'),
            ...Object.entries(etcdVariables(context)).map(([name, value]) => ({ name, value })),
          ],
          ports: Object.entries(etcdPorts).map(([name, containerPort]) => ({ name, containerPort })),
          ...given('resources', etcd.resources),
          securityContext: containerSecurity,
          lifecycle: { preStop: { sleep: { seconds: farewellSeconds } } },
          // Without a leader none is healthy, and starting them all again would not bring one.
          livenessProbe: { tcpSocket: { port: 'client' }, periodSeconds: 10, failureThreshold: 6 },
          readinessProbe: httpProbe('/health', 'metrics', { periodSeconds: 2, failureThreshold: 3 }),
          volumeMounts: [{ name: dataVolume, mountPath: dataPath }],
        },
      ],
    },
  }
}

function fromConfigMap(context: ClusterContext, name: string, key: 'state' | 'members'): object {
  return { name, valueFrom: { configMapKeyRef: { name: names.etcd(context), key } } }
}

/** etcd's flags, as variables: those that name the pod are put together by Kubernetes. */
function etcdVariables(context: ClusterContext): Readonly<Record<string, string>> {
  const own = hosts.service(context, names.etcd(context))
  return {
    ETCD_NAME: '$(POD_NAME)',
    ETCD_DATA_DIR: `${dataPath}/member`,
    ETCD_LISTEN_CLIENT_URLS: `http://0.0.0.0:${etcdPorts.client}`,
    ETCD_ADVERTISE_CLIENT_URLS: `http://$(POD_NAME).${own}:${etcdPorts.client}`,
    ETCD_LISTEN_PEER_URLS: `http://0.0.0.0:${etcdPorts.peer}`,
    ETCD_INITIAL_ADVERTISE_PEER_URLS: `http://$(POD_NAME).${own}:${etcdPorts.peer}`,
    ETCD_LISTEN_METRICS_URLS: `http://0.0.0.0:${etcdPorts.metrics}`,
    ETCD_INITIAL_CLUSTER_TOKEN: `${context.namespace}-${context.name}`,
    ETCD_AUTO_COMPACTION_MODE: 'periodic',
    ETCD_AUTO_COMPACTION_RETENTION: '30m',
    ETCD_QUOTA_BACKEND_BYTES: String(quotaBytes),
  }
}
