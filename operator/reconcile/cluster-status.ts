/** What is said of a Cluster: conditions with reasons and sentences, brokers, plan, addresses. Pure. */
import { etcdPrefix, managedEtcd, memberEndpoints } from '../desired/broker-settings.ts'
import { brokerImage } from '../desired/stateful-set.ts'
import type { ClusterStatus } from '../resources/cluster-status.ts'
import type { ClusterTold } from '../resources/condition-reasons.ts'
import { updateConditions } from '../resources/conditions.ts'
import { names, selectorText } from '../resources/names.ts'
import {
  isRecovering,
  type ObservedCluster,
  partitionsOutOfSync,
  partitionsWithoutLeader,
} from './observed-cluster.ts'
import type { PodFacts } from './pods.ts'
import { restartOrder } from './rolling-restart.ts'
import type { Findings, Situation } from './situation.ts'
import { storageHealth } from './storage-health.ts'

type Member = NonNullable<ClusterStatus['members']>[number]
type Plan = NonNullable<ClusterStatus['plan']>

/** How many names a sentence has room for. */
const mostNamed = 5

export function clusterStatus(
  situation: Situation,
  findings: Findings,
  doing: Pick<Figures, 'isStopped' | 'isActing' | 'isOnItsWay'>,
): ClusterStatus {
  const { context, observed } = situation
  const members = membersOf(situation, findings)
  const total = findings.brokers.length
  const ready = members.filter(({ state }) => state === 'Ready' || state === 'Draining').length
  const told = conditionsOf(situation, findings, { ready, ...doing })
  const before = statusOf(observed)
  const plan = planOf(situation, findings)
  const etcd = context.cluster.spec.etcd
  return {
    observedGeneration: observed.object.metadata.generation ?? 0,
    // An identity that was seen once does not go away when brokers are away.
    clusterId: observed.kafka.kind === 'reached' ? observed.kafka.clusterId : before.clusterId,
    version: context.cluster.spec.version ?? /:([^:/@]+)$/.exec(brokerImage(context))?.[1],
    selector: selectorText(context.name, 'broker'),
    brokers: {
      total,
      ready,
      upToDate: total === 0 ? 0 : members.filter(({ pendingReason }) => pendingReason === undefined).length,
      draining: findings.scale?.draining.length ?? 0,
      summary: `${ready}/${total}`,
    },
    members,
    listeners: findings.listeners.map(({ name, bootstrap, addresses }) => ({
      name,
      ...(bootstrap === undefined ? {} : { bootstrap }),
      addresses: [...addresses],
    })),
    etcd: {
      endpoints: [...(etcd?.endpoints ?? memberEndpoints(context, findings.etcdMembers.length))],
      prefix: etcdPrefix,
      ...(findings.etcdMembers.length === 0 ? {} : { members: [...findings.etcdMembers] }),
    },
    ...(plan === undefined ? {} : { plan }),
    conditions: updateConditions(before.conditions ?? [], told, {
      generation: observed.object.metadata.generation ?? 0,
      nowMs: observed.nowMs,
    }),
  }
}

/** Everything stays as it was said, of the spec that it was said of, but for the condition that says so. */
export function pausedStatus(observed: ObservedCluster): ClusterStatus {
  const before = statusOf(observed)
  const sentence = 'spec.state is Paused: the operator looks after nothing until it is Running again.'
  const paused: ClusterTold = { type: 'Paused', status: 'True', reason: 'AskedFor', message: sentence }
  const others = (before.conditions ?? []).filter(({ type }) => type !== 'Paused')
  const generation = observed.object.metadata.generation ?? 0
  return {
    ...before,
    observedGeneration: generation,
    conditions: [
      ...others,
      ...updateConditions(before.conditions ?? [], [paused], { generation, nowMs: observed.nowMs }),
    ],
  }
}

/** A spec that cannot be followed: what is there stays as it is. */
export function invalidStatus(
  observed: Pick<ObservedCluster, 'object' | 'nowMs'>,
  mistakes: readonly string[],
): ClusterStatus {
  const before = statusOf(observed)
  const message = mistakes.join(' ')
  const told: ClusterTold[] = [
    { type: 'Ready', status: 'False', reason: 'InvalidSpec', message },
    { type: 'Stalled', status: 'True', reason: 'InvalidSpec', message },
    { type: 'Reconciling', status: 'False', reason: 'InvalidSpec', message: '' },
  ]
  const others = (before.conditions ?? []).filter(({ type }) => !told.some(each => each.type === type))
  const generation = observed.object.metadata.generation ?? 0
  return {
    ...before,
    observedGeneration: generation,
    conditions: [
      ...updateConditions(before.conditions ?? [], told, { generation, nowMs: observed.nowMs }),
      ...others,
    ],
  }
}

function statusOf({ object }: Pick<ObservedCluster, 'object'>): ClusterStatus {
  return (object.status ?? {}) as ClusterStatus
}

// ---- members ----

function membersOf(situation: Situation, findings: Findings): Member[] {
  const { observed, brokerPods, context } = situation
  const { kafka, refusal } = observed
  return findings.brokers.map(id => {
    const pod = brokerPods.find(({ index }) => index === id)
    const reason = findings.reasons.get(id)
    const registered = kafka.kind === 'reached' ? kafka.brokers.find(broker => broker.id === id) : undefined
    const rack = registered?.rack ?? (pod?.rack === '-' ? undefined : pod?.rack)
    const blockedBy = reason !== undefined && refusal?.broker === id ? refusal.reasons.join(' ') : undefined
    return {
      id,
      pod: pod?.name ?? names.broker(context, id),
      ...(rack === undefined ? {} : { rack }),
      state: stateOf(pod, {
        isRefused: observed.refusedPods.has(names.brokers(context)),
        isDraining: findings.scale?.draining.includes(id) === true,
        isRecovering: isRecovering(observed, id),
      }),
      ...(pod === undefined ? {} : { revision: pod.revision }),
      ...(reason === undefined ? {} : { pendingReason: reason }),
      ...(blockedBy === undefined ? {} : { blockedBy }),
    }
  })
}

function stateOf(
  pod: PodFacts | undefined,
  is: { readonly isRefused: boolean; readonly isDraining: boolean; readonly isRecovering: boolean },
): Member['state'] {
  if (pod === undefined) return is.isRefused ? 'Failed' : 'Starting'
  if (pod.isTerminating) return 'Restarting'
  if (pod.problem !== undefined) return 'Failed'
  if (!pod.isReady) return is.isRecovering ? 'Recovering' : 'Starting'
  return is.isDraining ? 'Draining' : 'Ready'
}

// ---- plan ----

function planOf({ observed, brokerPods }: Situation, findings: Findings): Plan | undefined {
  const members = [...findings.etcdReasons].map(([etcdMember, reason]) => ({
    etcdMember,
    action: 'Restart' as const,
    reason,
  }))
  const restarts = restartOrder({ reasons: findings.reasons, pods: brokerPods, kafka: observed.kafka }).map(
    broker => ({ broker, action: 'Restart' as const, reason: findings.reasons.get(broker) ?? '' }),
  )
  const drains = (findings.scale?.draining ?? []).map(broker => ({
    broker,
    action: 'Drain' as const,
    reason: 'fewer brokers are asked for',
  }))
  const steps = [...members, ...drains, ...restarts]
  if (steps.length === 0) return undefined
  const parts = [
    ...(members.length === 0
      ? []
      : [`restart etcd ${members.map(({ etcdMember }) => etcdMember).join(', ')}`]),
    ...(drains.length === 0 ? [] : [`drain ${drains.map(({ broker }) => broker).join(', ')}`]),
    ...(restarts.length === 0 ? [] : [`restart ${restarts.map(({ broker }) => broker).join(', ')}`]),
  ]
  return { hash: findings.consent.planHash, summary: parts.join('; '), steps }
}

// ---- conditions ----

interface Figures {
  readonly ready: number
  readonly isStopped: boolean
  readonly isActing: boolean
  /** What was asked for has not reached the objects of brokers and etcd yet. */
  readonly isOnItsWay: boolean
}

function conditionsOf(situation: Situation, findings: Findings, figures: Figures): readonly ClusterTold[] {
  const available = availability(situation, findings, figures)
  const upToDate = upToDateness(findings, figures)
  const replicated = replication(situation)
  const etcd = etcdAvailability(situation, findings)
  const degraded = degradation(situation, findings)
  const progressing = progress(situation, findings, figures)
  const before = statusOf(situation.observed).conditions?.find(({ type }) => type === 'StorageHealthy')
  const storage = storageHealth(findings.brokers, situation.observed.statuses, before)
  const ready = readiness(findings, figures, [available, upToDate, replicated, etcd, degraded, storage])
  return [
    ready,
    available,
    upToDate,
    replicated,
    etcd,
    storage,
    progressing,
    degraded,
    {
      type: 'Reconciling',
      status: progressing.status,
      reason: progressing.reason,
      message: progressing.message,
    },
    { type: 'Stalled', status: degraded.status, reason: degraded.reason, message: degraded.message },
  ]
}

function availability({ observed }: Situation, findings: Findings, { ready }: Figures): ClusterTold {
  const type = 'Available'
  const { kafka } = observed
  if (kafka.kind === 'unreachable') {
    return {
      type,
      status: 'False',
      reason: 'BrokersUnreachable',
      message: `No broker can be asked: ${kafka.reason}`,
    }
  }
  const leaderless = partitionsWithoutLeader(kafka)
  if (leaderless > 0) {
    return {
      type,
      status: 'False',
      reason: 'PartitionsOffline',
      message: `${leaderless} partitions have no leader.`,
    }
  }
  const total = findings.brokers.length
  return {
    type,
    status: 'True',
    reason: 'Serving',
    message: `${ready} of ${total} brokers serve clients; every partition has a leader.`,
  }
}

function upToDateness(
  { reasons, etcdReasons, brokers, roll, etcdUnderWay }: Findings,
  { isOnItsWay }: Figures,
): ClusterTold {
  const type = 'UpToDate'
  const told = [
    pending(['Member', 'Members'], ' of etcd', etcdReasons),
    pending(['Broker', 'Brokers'], '', new Map([...reasons].filter(([id]) => brokers.includes(id)))),
  ].filter(each => each !== '')
  // A plan is not asked for before it is whole.
  if (told.length > 0 && !(isOnItsWay && roll?.kind === 'needsPeople')) {
    const message = told.join(' ')
    if (roll?.kind !== 'needsPeople') return { type, status: 'False', reason: 'RestartsPending', message }
    return { type, status: 'False', reason: `${roll.what}Needed`, message: `${message} ${roll.why}` }
  }
  if (etcdUnderWay !== undefined) {
    return { type, status: 'False', reason: 'EtcdChanges', message: sentence(etcdUnderWay) }
  }
  if (isOnItsWay) {
    const message = 'What the spec asks for is on its way to the brokers.'
    return { type, status: 'False', reason: 'OnItsWay', message }
  }
  return { type, status: 'True', reason: 'AsAskedFor', message: 'Every broker runs as the spec says.' }
}

/** Who is to be restarted, and why the first of them is; empty when nobody is. */
function pending(
  [one, many]: readonly [string, string],
  of: string,
  reasons: ReadonlyMap<number, string>,
): string {
  const [first, ...others] = [...reasons.keys()].sort((a, b) => a - b)
  if (first === undefined) return ''
  const who =
    others.length === 0 ? `${one} ${first}${of} is` : `${many} ${[first, ...others].join(', ')}${of} are`
  return `${who} to be restarted: ${reasons.get(first)}.`
}

function replication({ observed }: Situation): ClusterTold {
  const type = 'FullyReplicated'
  const { kafka } = observed
  if (kafka.kind === 'unreachable') {
    return { type, status: 'Unknown', reason: 'BrokersUnreachable', message: 'No broker can be asked.' }
  }
  const behind = partitionsOutOfSync(kafka, mostNamed)
  if (behind.length === 0) {
    return { type, status: 'True', reason: 'InSync', message: 'Every replica is in sync.' }
  }
  return {
    type,
    status: 'False',
    reason: 'ReplicasBehind',
    message: `Some replicas are not in sync, or on their way: ${behind.join(', ')}${behind.length === mostNamed ? ', …' : ''}.`,
  }
}

function etcdAvailability({ context, observed }: Situation, { etcdTrouble }: Findings): ClusterTold {
  const type = 'EtcdAvailable'
  if (managedEtcd(context) === undefined) {
    const isServing = observed.kafka.kind === 'reached'
    return isServing
      ? { type, status: 'True', reason: 'Given', message: 'Brokers run on the etcd that was given.' }
      : { type, status: 'Unknown', reason: 'BrokersUnreachable', message: 'No broker can be asked.' }
  }
  if (etcdTrouble !== undefined) return { type, status: 'False', reason: 'NoQuorum', message: etcdTrouble }
  return { type, status: 'True', reason: 'Serving', message: 'etcd has a quorum.' }
}

function degradation({ observed }: Situation, { trouble, roll, scale, reasons }: Findings): ClusterTold {
  const type = 'Degraded'
  if (trouble.length === 0) return { type, status: 'False', reason: 'AllGood', message: '' }
  const message = trouble.join(' ')
  if (observed.notTaken !== undefined) return { type, status: 'True', reason: 'ObjectRefused', message }
  if (observed.refusedPods.size > 0) return { type, status: 'True', reason: 'PodsRefused', message }
  const isRolling = roll?.kind === 'stalled' && reasons.size > 0
  const reason = isRolling
    ? 'RollStalled'
    : roll?.kind === 'stalled'
      ? 'BrokerFailed'
      : scale?.blocked !== undefined
        ? 'ScaleDownBlocked'
        : 'NeedsHelp'
  return { type, status: 'True', reason, message }
}

function progress(
  { observed }: Situation,
  findings: Findings,
  { ready, isStopped, isActing, isOnItsWay }: Figures,
): ClusterTold {
  const type = 'Progressing'
  const total = findings.brokers.length
  if (observed.refusal !== undefined && findings.roll?.kind === 'restart') {
    const why = observed.refusal.reasons.join(' ')
    return {
      type,
      status: 'True',
      reason: 'RestartRefused',
      message: `Broker ${observed.refusal.broker} may not be restarted now: ${why}`,
    }
  }
  const sentences = findings.waiting.map(sentence)
  if (findings.roll?.kind === 'restart')
    sentences.push(`Broker ${findings.roll.pod.index} is restarted: ${findings.roll.reason}.`)
  const recovering = findings.brokers.filter(id => isRecovering(observed, id))
  if (recovering.length > 0) {
    sentences.push(`Broker ${recovering.join(', ')} reads its logs again after it did not stop cleanly.`)
  }
  if (ready < total) sentences.push(`${ready} of ${total} brokers are ready.`)
  if (findings.roll?.kind === 'needsPeople' && !isActing && !isOnItsWay && sentences.length === 0) {
    const { what, why } = findings.roll
    return { type, status: 'False', reason: `${what}Needed`, message: why }
  }
  if (isActing || isStopped || isOnItsWay || sentences.length > 0) {
    const reason =
      findings.reasons.size + findings.etcdReasons.size > 0
        ? 'Rolling'
        : findings.scale?.waitsFor !== undefined
          ? 'Scaling'
          : 'Changing'
    // What is written at this moment is no news in the next, so it is not told by itself.
    return { type, status: 'True', reason, message: sentences.join(' ') }
  }
  return { type, status: 'False', reason: 'Converged', message: '' }
}

function readiness(
  findings: Findings,
  { ready, isStopped }: Figures,
  others: readonly ClusterTold[],
): ClusterTold {
  const type = 'Ready'
  const [available, upToDate, replicated, etcd, degraded, storage] = others
  if (degraded?.status === 'True')
    return { type, status: 'False', reason: degraded.reason, message: degraded.message }
  const total = findings.brokers.length
  if (ready < total || isStopped) {
    const message = [`${ready} of ${total} brokers are ready.`, ...findings.waiting.map(sentence)].join(' ')
    return { type, status: 'False', reason: 'BrokersNotReady', message }
  }
  for (const other of [etcd, available, storage, upToDate, replicated]) {
    // That brokers say nothing of their disks is no harm by itself.
    if (other !== undefined && other.status !== 'True' && (other !== storage || other.status === 'False')) {
      return { type, status: 'False', reason: other.reason, message: other.message }
    }
  }
  return { type, status: 'True', reason: 'AllGood', message: `${total} of ${total} brokers are ready.` }
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1)
  return first.endsWith('.') ? first : `${first}.`
}
