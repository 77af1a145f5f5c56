/**
 * The brokers: one StatefulSet. Its pods are replaced only when somebody deletes them (OnDelete), come and go all at once
 * (Parallel), and leave their volumes behind. A broker's id is the number of its pod. Pure.
 */
import type { KubeObject } from '../resources/kube-object.ts'
import {
  childMetadata,
  type ClusterContext,
  dataPath,
  dataVolume,
  labelsOf,
  names,
  ports,
  rackAnnotation,
  selectorLabels,
} from '../resources/names.ts'
import { brokerFile, brokersPath, gracePeriodSeconds, podPath, settingsPath } from './broker-settings.ts'
import {
  apartFromEachOther,
  containerSecurity,
  given,
  httpProbe,
  podSecurity,
  podsOf,
  volumeClaim,
} from './pods.ts'

export interface BrokersShape {
  readonly replicas: number
  /** Name of the ConfigMap with the settings of all. */
  readonly settings: string
}

export function brokersStatefulSet(
  context: ClusterContext,
  { replicas, settings }: BrokersShape,
): KubeObject {
  const { storage } = context.cluster.spec.brokers
  const isPersistent = storage.type === 'Persistent'
  const whenDeleted = storage.reclaimPolicy
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: childMetadata(context, names.brokers(context), 'broker'),
    spec: {
      replicas,
      serviceName: names.brokers(context),
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'OnDelete' },
      persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled: 'Retain' },
      revisionHistoryLimit: 5,
      selector: { matchLabels: selectorLabels(context.name, 'broker') },
      template: brokerTemplate(context, settings),
      ...(isPersistent
        ? { volumeClaimTemplates: [volumeClaim(dataVolume, storage, labelsOf(context.name, 'broker'))] }
        : {}),
    },
  }
}

export function brokerImage({ cluster: { spec }, images }: ClusterContext): string {
  if (spec.image !== undefined) return spec.image
  if (spec.version === undefined) return images.broker
  return `${images.broker.replace(/(@sha256:[0-9a-f]+|:[^/:]+)$/, '')}:${spec.version}`
}

function brokerTemplate(context: ClusterContext, settings: string): object {
  const { template } = context.cluster.spec.brokers
  return {
    metadata: {
      // Ours last: pods are found by them.
      labels: { ...template?.labels, ...labelsOf(context.name, 'broker') },
      ...(template?.annotations === undefined ? {} : { annotations: template.annotations }),
    },
    spec: {
      ...podsOf(context),
      terminationGracePeriodSeconds: gracePeriodSeconds(context.cluster),
      securityContext: { ...podSecurity, ...template?.securityContext },
      ...given('priorityClassName', template?.priorityClassName),
      affinity: template?.affinity ?? apartFromEachOther(context, 'broker'),
      topologySpreadConstraints: template?.topologySpreadConstraints ?? spreadOverZones(context),
      containers: [brokerContainer(context)],
      volumes: [
        { name: 'settings', configMap: { name: settings } },
        { name: 'brokers', configMap: { name: names.brokers(context) } },
        {
          name: 'pod',
          downwardAPI: {
            items: [{ path: 'rack', fieldRef: { fieldPath: `metadata.annotations['${rackAnnotation}']` } }],
          },
        },
        { name: 'tmp', emptyDir: {} },
        ...(context.cluster.spec.brokers.storage.type === 'Persistent'
          ? []
          : [{ name: dataVolume, emptyDir: {} }]),
      ],
    },
  }
}

function brokerContainer(context: ClusterContext): object {
  const { listeners, brokers } = context.cluster.spec
  const { pullPolicy } = context.images
  return {
    name: 'broker',
    image: brokerImage(context),
    ...given('imagePullPolicy', pullPolicy),
    args: [
      '/app/broker/main.js',
      '--config',
      `${settingsPath}/server.properties`,
      '--config',
      `${brokersPath}/${brokerFile(context, '$(BROKER_ID)')}`,
    ],
    env: [
      {
        name: 'BROKER_ID',
        valueFrom: { fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } },
      },
      ...(brokers.template?.env ?? []),
    ],
    ports: [
      ...listeners.map(({ name, port }) => ({ name, containerPort: port })),
      { name: 'brokers', containerPort: ports.brokers },
      { name: 'control', containerPort: ports.control },
      { name: 'http', containerPort: ports.http },
    ],
    ...given('resources', brokers.resources),
    securityContext: containerSecurity,
    // A log that is long recovered is no reason to start again: only a process that does not answer at all is.
    livenessProbe: httpProbe('/healthz', 'http', {
      periodSeconds: 10,
      failureThreshold: 6,
      initialDelaySeconds: 20,
    }),
    readinessProbe: httpProbe('/readyz', 'http', { periodSeconds: 2, failureThreshold: 2 }),
    volumeMounts: [
      { name: dataVolume, mountPath: dataPath },
      { name: 'settings', mountPath: settingsPath, readOnly: true },
      { name: 'brokers', mountPath: brokersPath, readOnly: true },
      { name: 'pod', mountPath: podPath, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
}

function spreadOverZones({ name, cluster }: ClusterContext): readonly object[] {
  return [
    {
      maxSkew: 1,
      topologyKey: cluster.spec.brokers.rack.topologyKey,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: selectorLabels(name, 'broker') },
    },
  ]
}
