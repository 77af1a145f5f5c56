/** What the pods of brokers and of etcd have in common: the rights of a pod that needs none, and where they may be. */

import { type ClusterContext, type Component, names, selectorLabels } from '../resources/names.ts'

export const user = 65_532

export const podSecurity = {
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: user,
  fsGroup: user,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
}

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}

/** Accounts, and what of the template for brokers holds for etcd too. */
export function podsOf(context: ClusterContext): object {
  const { template } = context.cluster.spec.brokers
  return {
    serviceAccountName: names.brokers(context),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...given('imagePullSecrets', template?.imagePullSecrets),
    ...given('nodeSelector', template?.nodeSelector),
    ...given('tolerations', template?.tolerations),
  }
}

/** Nothing where there is no value. */
export function given<Name extends string, Value>(name: Name, value: Value | undefined): object {
  return value === undefined ? {} : { [name]: value }
}

export function apartFromEachOther({ name }: ClusterContext, component: Component): object {
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: { matchLabels: selectorLabels(name, component) },
          },
        },
      ],
    },
  }
}

export function httpProbe(path: string, port: string, timing: Readonly<Record<string, number>>): object {
  return { httpGet: { path, port }, timeoutSeconds: 5, ...timing }
}

export function volumeClaim(
  name: string,
  { size, storageClassName }: { readonly size: string; readonly storageClassName?: string | undefined },
  labels: Readonly<Record<string, string>>,
): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, labels },
    spec: {
      accessModes: ['ReadWriteOnce'],
      ...(storageClassName === undefined ? {} : { storageClassName }),
      resources: { requests: { storage: size } },
    },
  }
}
