/** Brokers on an etcd as plain manifests, under the names and labels that the operator gives: for tests that need no operator. */
import type { Kubernetes } from './kubernetes.ts'

export interface PlainCluster {
  readonly name: string
  readonly namespace: string
  readonly image: string
  readonly etcdImage: string
  readonly brokers: number
}

/** Applies it and waits until every broker is ready. */
export async function startPlainCluster(kubernetes: Kubernetes, cluster: PlainCluster): Promise<void> {
  await kubernetes.apply(manifestsOf(cluster), ['-n', cluster.namespace])
  const brokers = `statefulset/${cluster.name}-brokers`
  await kubernetes.kubectl(['-n', cluster.namespace, 'rollout', 'status', brokers, '--timeout=120s'])
}

export function bootstrapOf({ name, namespace }: Pick<PlainCluster, 'name' | 'namespace'>): string {
  return `${name}-bootstrap.${namespace}:9092`
}

function manifestsOf(cluster: PlainCluster): string {
  const { name } = cluster
  const objects = [
    service(cluster, 'brokers', 'broker', { clusterIP: 'None', publishNotReadyAddresses: true }),
    service(cluster, 'bootstrap', 'broker', {}),
    service(cluster, 'etcd', 'etcd', { clusterIP: 'None', publishNotReadyAddresses: true }, 2379),
    statefulSet(cluster, 'etcd', 'etcd', 1, etcdContainer(cluster)),
    statefulSet(cluster, 'brokers', 'broker', cluster.brokers, brokerContainer(cluster)),
  ]
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', metadata: { name }, items: objects })
}

function etcdContainer({ name, namespace, etcdImage }: PlainCluster): object {
  return {
    name: 'etcd',
    image: etcdImage,
    command: ['etcd'],
    args: [
      '--data-dir=/data/etcd',
      '--listen-client-urls=http://0.0.0.0:2379',
      `--advertise-client-urls=http://${name}-etcd-0.${name}-etcd.${namespace}.svc.cluster.local:2379`,
      '--listen-metrics-urls=http://0.0.0.0:2381',
    ],
    ports: [{ name: 'metrics', containerPort: 2381 }],
    readinessProbe: { httpGet: { path: '/health', port: 'metrics' }, periodSeconds: 1 },
  }
}

function brokerContainer({ name, namespace, image, brokers }: PlainCluster): object {
  const host = `$(POD_NAME).${name}-brokers.${namespace}.svc.cluster.local`
  const factor = String(Math.min(3, brokers))
  const settings: Readonly<Record<string, string>> = {
    CLUSTER_ID: 'MkU3OEVBNTcwNTJENDM2Qg',
    KAFKA_LISTENERS: 'PLAINTEXT://:9092',
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${host}:9092`,
    KAFKA_CONTROL_ADVERTISED_LISTENER: `http://${host}:9090`,
    KAFKA_ETCD_CONNECT: `http://${name}-etcd.${namespace}.svc.cluster.local:2379`,
    KAFKA_LOG_DIRS: '/data/log',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: factor,
    KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '5',
    KAFKA_DEFAULT_REPLICATION_FACTOR: factor,
    KAFKA_NUM_PARTITIONS: '6',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  }
  return {
    name: 'broker',
    image,
    args: ['/app/broker/main.js'],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      {
        name: 'KAFKA_NODE_ID',
        valueFrom: { fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } },
      },
      ...Object.entries(settings).map(([variable, value]) => ({ name: variable, value })),
    ],
    ports: [{ name: 'http', containerPort: 9404 }],
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 1 },
  }
}

function labels({ name }: PlainCluster, component: 'broker' | 'etcd'): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'barnabas',
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/component': component,
  }
}

function service(
  cluster: PlainCluster,
  suffix: string,
  component: 'broker' | 'etcd',
  spec: object,
  port = 9092,
): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `${cluster.name}-${suffix}` },
    spec: { ...spec, selector: labels(cluster, component), ports: [{ port }] },
  }
}

function statefulSet(
  cluster: PlainCluster,
  suffix: string,
  component: 'broker' | 'etcd',
  replicas: number,
  container: object,
): object {
  const podLabels = {
    ...labels(cluster, component),
    'app.kubernetes.io/managed-by': 'barnabas-operator',
    'barnabas.dev/cluster': cluster.name,
  }
  const security = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: `${cluster.name}-${suffix}` },
    spec: {
      serviceName: `${cluster.name}-${suffix}`,
      replicas,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: labels(cluster, component) },
      template: {
        metadata: { labels: podLabels },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 30,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65_532,
            fsGroup: 65_532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              ...container,
              imagePullPolicy: 'IfNotPresent',
              securityContext: security,
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
            },
          ],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    },
  }
}
