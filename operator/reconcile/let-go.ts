/**
 * What is done about a Cluster whose namespace is deleted: Kubernetes takes all pods away before everything else, and each
 * broker would wait for the others. The brokers' name leaves DNS, as it does with a Cluster that is deleted alone, and by that
 * they know that none of them stays. Everything else is left to Kubernetes. Pure.
 */
import { type KubeObject, refOf } from '../resources/kube-object.ts'
import { names } from '../resources/names.ts'
import type { ClusterAction } from './actions.ts'

export type Deletion = Extract<ClusterAction, { kind: 'delete' }>

export function letGo(cluster: KubeObject, children: readonly KubeObject[]): readonly Deletion[] {
  const name = names.brokers(cluster.metadata)
  return children.flatMap(child => {
    const { uid, deletionTimestamp } = child.metadata
    if (child.kind !== 'Service' || child.metadata.name !== name || deletionTimestamp !== undefined) return []
    const why = 'the namespace is being deleted, and brokers that all go wait for nobody'
    return [{ kind: 'delete', ref: refOf(child), uid, why }]
  })
}
