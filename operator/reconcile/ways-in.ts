/**
 * Network policies that are written before anything is asked of brokers and etcd: those that are there may let in an operator
 * of another namespace only, and all of a large cluster would be waited for in vain, one after the other. Pure.
 */
import { networkPolicies } from '../desired/small-objects.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import type { ClusterContext } from '../resources/names.ts'
import type { ClusterAction } from './actions.ts'
import { isAsDesired, marked } from './differences.ts'

/** Nothing for those that are not there: without one, everybody is let in. */
export function outdatedWaysIn(
  context: ClusterContext,
  children: readonly KubeObject[],
): readonly Extract<ClusterAction, { kind: 'apply' }>[] {
  if (context.cluster.spec.state === 'Paused') return []
  return networkPolicies(context).flatMap(object => {
    const { kind, metadata } = object
    const live = children.find(child => child.kind === kind && child.metadata.name === metadata.name)
    if (live === undefined || isAsDesired(live, object)) return []
    return [{ kind: 'apply', object: marked(object) } as const]
  })
}
