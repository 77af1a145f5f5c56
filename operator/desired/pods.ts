/** What the pods of brokers and of etcd have in common: the rights of a pod that needs none. */

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
