/** What is applied: a Cluster of three brokers and one etcd, and Topics in it. */
import type { KubeObject } from '../../../operator/resources/kube-object.ts'

export const brokers = 3

export function cluster(config: Readonly<Record<string, string>> = {}): KubeObject {
  return {
    apiVersion: 'barnabas.dev/v1',
    kind: 'Cluster',
    metadata: { name: 'kafka' },
    spec: {
      deletionProtection: false,
      brokers: { replicas: brokers },
      etcd: { managed: { replicas: 1 } },
      config,
    },
  }
}

/** With as many partitions and replicas as the Cluster gives: one, and three. */
export function topic(name: string, spec: object = {}): KubeObject {
  return {
    apiVersion: 'barnabas.dev/v1',
    kind: 'Topic',
    metadata: { name },
    spec: { clusterRef: { name: 'kafka' }, ...spec },
  }
}

/** By the name of a pod. */
export function isBroker(pod: string): boolean {
  return /-brokers-\d+$/.test(pod)
}
