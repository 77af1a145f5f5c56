/**
 * What is to be done about a Cluster, and what is to be said of it: a list of named steps over what is observed. Pure, so
 * that it can be tried on anything; converged means that it asks for nothing and says what was said before.
 */
import { hashOf } from '../desired/hash.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import { approvedPlanAnnotation, type ClusterContext } from '../resources/names.ts'
import type { ClusterStatus } from '../resources/cluster-status.ts'
import type { ClusterAction } from './actions.ts'
import {
  budgetStep,
  cleanUpStep,
  dynamicSettingsStep,
  identityStep,
  moveStep,
  rackStep,
  restartReasons,
  scaleStep,
  serviceStep,
  settingsStep,
  statefulSetStep,
} from './broker-steps.ts'
import { clusterStatus, pausedStatus } from './cluster-status.ts'
import { etcdStep } from './etcd.ts'
import { isRecovering, type ObservedCluster, partitionsOutOfSync } from './observed-cluster.ts'
import { decideRoll } from './rolling-restart.ts'
import { type Findings, newFindings, situationOf, type Step } from './situation.ts'

export interface Reconciliation {
  readonly actions: readonly ClusterAction[]
  readonly status: ClusterStatus
  /** When to look again though nothing was heard; Kafka does not tell us of changes. */
  readonly againAfterMs: number
}

/** While something is under way, and while nothing is. */
const busyMs = 2000
const quietMs = 30_000

const rollStep: Step = (situation, findings) => {
  const { context, observed, brokerPods } = situation
  const { rollout } = context.cluster.spec
  // Brokers that leave anyway are not restarted first.
  const stay = findings.brokers.filter(id => findings.scale?.draining.includes(id) !== true)
  findings.reasons = new Map(
    [...restartReasons(situation, findings.settingsName)].filter(([id]) => stay.includes(id)),
  )
  findings.planHash = planHash(situation.observed.children, findings)
  const roll = decideRoll({
    mode: rollout.mode,
    reasons: findings.reasons,
    pods: brokerPods,
    brokers: findings.brokers,
    kafka: observed.kafka,
    isRecovering: id => isRecovering(observed, id),
    timeoutMs: rollout.brokerTimeoutSeconds * 1000,
    nowMs: observed.nowMs,
    planHash: findings.planHash,
    approvedHash: observed.object.metadata.annotations?.[approvedPlanAnnotation],
  })
  findings.roll = roll
  const actions: ClusterAction[] = []
  if (isGrantOver(situation, findings))
    actions.push({ kind: 'releaseRestart', broker: observed.heldGrant ?? -1 })
  switch (roll.kind) {
    case 'restart': {
      const { pod, reason, needsGrant } = roll
      actions.push({
        kind: 'restartBroker',
        broker: pod.index,
        pod: pod.name,
        uid: pod.uid,
        reason,
        needsGrant,
      })
      return { actions, againAfterMs: busyMs }
    }
    case 'wait':
      findings.waiting.push(roll.why)
      return { actions, againAfterMs: busyMs }
    case 'stalled':
      findings.trouble.push(roll.why)
      return { actions, againAfterMs: 10_000 }
    case 'needsApproval':
    case 'done':
      return { actions, ...(observed.heldGrant === undefined ? {} : { againAfterMs: busyMs }) }
  }
}

/** The broker is back: another one may be away now. */
function isGrantOver({ observed, brokerPods }: ReturnType<typeof situationOf>, findings: Findings): boolean {
  const { heldGrant, kafka } = observed
  if (heldGrant === undefined || kafka.kind === 'unreachable') return false
  if (!findings.brokers.includes(heldGrant)) return true
  const isBack = brokerPods.some(({ index, isReady }) => index === heldGrant && isReady)
  return isBack && !findings.reasons.has(heldGrant) && partitionsOutOfSync(kafka, 1).length === 0
}

/** What is to be reached, so that the plan stays the same while it is carried out. */
function planHash(children: readonly KubeObject[], { settingsName, wanted }: Findings): string {
  const sets = children.filter(
    ({ kind, metadata }) => kind === 'StatefulSet' && wanted.has(`StatefulSet/${metadata.name}`),
  )
  return hashOf(
    sets.map(({ metadata, status }) => [
      metadata.name,
      (status as { readonly updateRevision?: string } | undefined)?.updateRevision,
      settingsName,
    ]),
  )
}

const steps: readonly Step[] = [
  identityStep,
  etcdStep,
  scaleStep,
  serviceStep,
  settingsStep,
  statefulSetStep,
  rackStep,
  dynamicSettingsStep,
  moveStep,
  rollStep,
  budgetStep,
  cleanUpStep,
]

export function reconcileCluster(context: ClusterContext, observed: ObservedCluster): Reconciliation {
  const situation = situationOf(context, observed)
  const findings = newFindings()
  if (context.cluster.spec.state === 'Paused') {
    return { actions: [], status: pausedStatus(observed), againAfterMs: quietMs }
  }
  const actions: ClusterAction[] = []
  let againAfterMs = quietMs
  let isStopped = false
  for (const step of steps) {
    const result = step(situation, findings)
    actions.push(...result.actions)
    againAfterMs = Math.min(againAfterMs, result.againAfterMs ?? quietMs)
    if (result.stop === true) {
      isStopped = true
      break
    }
  }
  const status = clusterStatus(situation, findings, { isStopped, isActing: actions.length > 0 })
  const isReady =
    status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true
  return { actions, status, againAfterMs: isReady ? againAfterMs : Math.min(againAfterMs, busyMs) }
}
