/**
 * What is to be done about a Cluster, and what is to be said of it: a list of named steps over what is observed. Pure, so
 * that it can be tried on anything; converged means that it asks for nothing and says what was said before.
 */
import { hashOf } from '../desired/hash.ts'
import { approvedPlanAnnotation, type ClusterContext, componentLabel, names } from '../resources/names.ts'
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
import { firstDifference } from './differences.ts'
import { isRecovering, type ObservedCluster, partitionsOutOfSync } from './observed-cluster.ts'
import { etcdRestartReasons, rollEtcdStep, waitsForEtcd } from './roll-etcd.ts'
import { decideRoll } from './rolling-restart.ts'
import {
  type Findings,
  liveObject,
  newFindings,
  type Situation,
  situationOf,
  type Step,
} from './situation.ts'
import { isBehind, statusOf } from './templates.ts'

export interface Reconciliation {
  readonly actions: readonly ClusterAction[]
  readonly status: ClusterStatus
  /** When to look again though nothing was heard; Kafka does not tell us of changes. */
  readonly againAfterMs: number
}

/** While something is under way, and while nothing is. */
const busyMs = 2000
const quietMs = 30_000

/** What is to be restarted and why, and whether it may be without a word from people. */
const planStep: Step = (situation, findings) => {
  const { context, observed } = situation
  // Brokers that leave anyway are not restarted first.
  const stay = findings.brokers.filter(id => findings.scale?.draining.includes(id) !== true)
  findings.reasons = new Map(
    [...restartReasons(situation, findings.settingsName)].filter(([id]) => stay.includes(id)),
  )
  findings.etcdReasons = etcdRestartReasons(situation)
  findings.consent = {
    mode: context.cluster.spec.rollout.mode,
    planHash: planHash(situation, findings),
    approvedHash: observed.object.metadata.annotations?.[approvedPlanAnnotation],
  }
  return { actions: [] }
}

const rollStep: Step = (situation, findings) => {
  const { context, observed, brokerPods, etcdPods } = situation
  const roll = decideRoll({
    consent: findings.consent,
    reasons: findings.reasons,
    pods: brokerPods,
    brokers: findings.brokers,
    kafka: observed.kafka,
    isRecovering: id => isRecovering(observed, id),
    timeoutMs: context.cluster.spec.rollout.brokerTimeoutSeconds * 1000,
    nowMs: observed.nowMs,
    etcd: etcdPods.flatMap(({ index, name }) => (findings.etcdReasons.has(index) ? [name] : [])),
    waitsForEtcd: waitsForEtcd(situation, findings),
    awaits: findings.awaitedAddress,
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
      if (!findings.waiting.includes(roll.why)) findings.waiting.push(roll.why)
      return { actions, againAfterMs: busyMs }
    case 'stalled':
      findings.trouble.push(roll.why)
      return { actions, againAfterMs: 10_000 }
    case 'needsPeople':
    case 'done':
      return { actions, ...(observed.heldGrant === undefined ? {} : { againAfterMs: busyMs }) }
  }
}

/** The broker is back: another one may be away now, or a member of etcd, before the broker goes once more. */
function isGrantOver(situation: Situation, findings: Findings): boolean {
  const { observed, brokerPods } = situation
  const { heldGrant, kafka } = observed
  if (heldGrant === undefined || kafka.kind === 'unreachable') return false
  if (!findings.brokers.includes(heldGrant)) return true
  const isBack = brokerPods.some(({ index, isReady }) => index === heldGrant && isReady)
  const goesAgain = findings.reasons.has(heldGrant) && waitsForEtcd(situation, findings) === undefined
  return isBack && !goesAgain && partitionsOutOfSync(kafka, 1).length === 0
}

/** What is to be reached, so that the plan stays the same while it is carried out. */
function planHash(situation: Situation, { settingsName, listeners }: Findings): string {
  const { context } = situation
  const [brokers, etcd] = [names.brokers(context), names.etcd(context)].map(
    name => statusOf(liveObject(situation, 'StatefulSet', name)).updateRevision,
  )
  const addresses = listeners.map(({ name, addresses: told }) => [name, told])
  return hashOf([names.brokers(context), brokers, settingsName, addresses, etcd ?? null])
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
  planStep,
  rollEtcdStep,
  rollStep,
  budgetStep,
  cleanUpStep,
]

/** What brokers or etcd run with, in Kubernetes or in them, is written: what pods say is not about the newest spec yet. */
function isChangeOfPods(situation: Situation, action: ClusterAction): boolean {
  if (action.kind !== 'apply') return action.kind === 'alterBrokerSettings' && action.broker === null
  const { kind, metadata, spec } = action.object
  if (metadata.labels?.[componentLabel] === 'broker') return kind === 'StatefulSet' || kind === 'ConfigMap'
  // That of etcd also remembers whose volumes there were, which is no change of its members.
  if (kind !== 'StatefulSet') return false
  return firstDifference(spec, liveObject(situation, kind, metadata.name)?.spec) !== undefined
}

function isStatefulSetBehind(situation: Situation): boolean {
  return [names.brokers(situation.context), names.etcd(situation.context)].some(name =>
    isBehind(liveObject(situation, 'StatefulSet', name)),
  )
}

export function reconcileCluster(context: ClusterContext, observed: ObservedCluster): Reconciliation {
  const situation = situationOf(context, observed)
  const findings = newFindings()
  if (context.cluster.spec.state === 'Paused') {
    return { actions: [], status: pausedStatus(observed), againAfterMs: quietMs }
  }
  if (observed.notTaken !== undefined) findings.trouble.push(observed.notTaken)
  findings.trouble.push(...observed.refusedPods.values())
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
  const status = clusterStatus(situation, findings, {
    isStopped,
    isActing: actions.length > 0,
    isOnItsWay: isStatefulSetBehind(situation) || actions.some(action => isChangeOfPods(situation, action)),
  })
  const isReady =
    status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true
  return { actions, status, againAfterMs: isReady ? againAfterMs : Math.min(againAfterMs, busyMs) }
}
