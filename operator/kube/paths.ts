/** Kinds of objects and where the API server has them. */
import { assert } from '../../runtime/assert.ts'
import type { ObjectRef } from '../resources/kube-object.ts'

export interface Kind {
  readonly apiVersion: string
  readonly kind: string
}

const plurals: Readonly<Record<string, string>> = {
  Cluster: 'clusters',
  Topic: 'topics',
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  Pod: 'pods',
  Service: 'services',
  ConfigMap: 'configmaps',
  ServiceAccount: 'serviceaccounts',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  PodDisruptionBudget: 'poddisruptionbudgets',
  NetworkPolicy: 'networkpolicies',
  Lease: 'leases',
  Event: 'events',
  Node: 'nodes',
  Namespace: 'namespaces',
  CustomResourceDefinition: 'customresourcedefinitions',
}

/** The path of all objects of a kind: in a namespace, or everywhere. */
export function collectionPath({ apiVersion, kind }: Kind, namespace?: string): string {
  const plural = plurals[kind]
  assert(plural !== undefined, 'The operator asks for a kind of object that has no path.', { kind })
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  return namespace === undefined
    ? `${root}/${plural}`
    : `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
}

export function objectPath(ref: ObjectRef, subresource?: 'status' | 'eviction'): string {
  const path = `${collectionPath(ref, ref.namespace)}/${encodeURIComponent(ref.name)}`
  return subresource === undefined ? path : `${path}/${subresource}`
}
