/** What there is to be told of all resources together, from what was last said of each. */
import type { ClusterStatus } from '../resources/cluster-status.ts'
import type { Condition } from '../resources/conditions.ts'
import { type KubeObject, keyOf } from '../resources/kube-object.ts'
import type { TopicStatus } from '../resources/topic-status.ts'

/** held: not ready for no other reason than that people hold it back, by `rollout.mode` or by `state: Paused`. */
export type Standing = 'ready' | 'unready' | 'held'

const heldReasons: ReadonlySet<string> = new Set(['ApprovalNeeded', 'DeletionNeeded', 'ClusterPaused'])

export function standingOf(object: KubeObject): Standing {
  const ready = conditionOf(object, 'Ready')
  if (ready?.status === 'True') return 'ready'
  return isPaused(object) || heldReasons.has(ready?.reason ?? '') ? 'held' : 'unready'
}

export interface ClusterFigures {
  readonly key: string
  /** Of brokers and members of etcd, as far as they are the operator's to do: none while people hold them back. */
  readonly pendingRestarts: number
  /** Brokers, also those that people hold back. */
  readonly toRestart: number
  readonly upToDate: number
}

export function figuresOf(cluster: KubeObject): ClusterFigures {
  const { members = [] } = (cluster.status ?? {}) as ClusterStatus
  const toRestart = members.filter(({ pendingReason }) => pendingReason !== undefined).length
  return {
    key: keyOf(cluster.metadata),
    pendingRestarts: pendingRestarts(cluster),
    toRestart,
    upToDate: members.length - toRestart,
  }
}

function pendingRestarts(cluster: KubeObject): number {
  const { plan } = (cluster.status ?? {}) as ClusterStatus
  if (plan === undefined || isPaused(cluster)) return 0
  if (heldReasons.has(conditionOf(cluster, 'UpToDate')?.reason ?? '')) return 0
  return plan.steps.filter(({ action }) => action === 'Restart').length
}

function isPaused(object: KubeObject): boolean {
  return conditionOf(object, 'Paused')?.status === 'True'
}

function conditionOf(object: KubeObject, type: string): Condition | undefined {
  const { conditions = [] } = (object.status ?? {}) as ClusterStatus | TopicStatus
  return conditions.find(condition => condition.type === type)
}
