/**
 * Which broker is restarted next, or why none is. One at a time; those that are not ready first, the controller last; the
 * next only when the one before is back and every partition is in sync. A new pod that does not come up stops it all.
 * Whether a restart may happen at all is decided by the brokers themselves, which grant it. Pure.
 */
import { approvedPlanAnnotation } from '../resources/names.ts'
import { type ObservedKafka, partitionsOutOfSync } from './observed-cluster.ts'
import type { PodFacts } from './pods.ts'

/** Whether restarts wait for people, of brokers and of members of etcd alike. */
export interface Consent {
  readonly mode: 'Automatic' | 'Approve' | 'OnDelete'
  readonly planHash: string
  readonly approvedHash: string | undefined
}

export interface RollInput {
  readonly consent: Consent
  /** Broker id → why it is to be restarted, in words. */
  readonly reasons: ReadonlyMap<number, string>
  readonly pods: readonly PodFacts[]
  /** Ids that there are to be. */
  readonly brokers: readonly number[]
  readonly kafka: ObservedKafka
  /** Whether a broker reads its logs again: it takes as long as it takes, and would begin anew. */
  readonly isRecovering: (broker: number) => boolean
  readonly timeoutMs: number
  readonly nowMs: number
  /** Pods of etcd that are to be restarted, which is another's job; people are told of them together with brokers. */
  readonly etcd: readonly string[]
  /** Why brokers that serve are not restarted because of etcd, in words. */
  readonly waitsForEtcd: string | undefined
  /** What all would have to be restarted for once more, if it were done now: a sentence. */
  readonly awaits: string | undefined
}

export type RollDecision =
  | { readonly kind: 'done' }
  /** It goes on by itself. */
  | { readonly kind: 'wait'; readonly why: string }
  /** Somebody has to do something. */
  | { readonly kind: 'stalled'; readonly broker: number; readonly why: string }
  | {
      readonly kind: 'needsPeople'
      readonly what: 'Approval' | 'Deletion'
      /** What they are to do, in a sentence. */
      readonly why: string
    }
  | {
      readonly kind: 'restart'
      readonly pod: PodFacts
      readonly reason: string
      /** A broker that serves nobody is restarted even when nobody can grant it. */
      readonly needsGrant: boolean
    }

export function decideRoll(input: RollInput): RollDecision {
  const { reasons, pods, brokers, kafka, consent, etcd } = input
  const order = restartOrder(input)
  const absent = brokers.filter(id => !pods.some(({ index }) => index === id))

  const stuck = pods.find(
    pod => brokers.includes(pod.index) && !reasons.has(pod.index) && isStuck(pod, input),
  )
  if (stuck !== undefined && order.length > 0) {
    return { kind: 'stalled', broker: stuck.index, why: stuckSentence(stuck, input) }
  }
  if (order.length === 0) {
    if (stuck !== undefined) return { kind: 'stalled', broker: stuck.index, why: stuckSentence(stuck, input) }
    if (etcd.length === 0 || !isHeldBack(consent)) return { kind: 'done' }
  }
  if (consent.mode === 'OnDelete') {
    const named = [...etcd, ...pods.flatMap(({ index, name }) => (reasons.has(index) ? [name] : []))]
    return {
      kind: 'needsPeople',
      what: 'Deletion',
      why: `Delete ${named.join(', ')}, one after the other: rollout.mode is OnDelete.`,
    }
  }
  if (input.awaits !== undefined) return { kind: 'wait', why: input.awaits }
  if (isHeldBack(consent)) {
    return {
      kind: 'needsPeople',
      what: 'Approval',
      why: `Annotate the Cluster with ${approvedPlanAnnotation}=${consent.planHash}: rollout.mode is Approve.`,
    }
  }
  if (absent.length > 0) return { kind: 'wait', why: `broker ${absent.join(', ')} has no pod yet` }
  const terminating = pods.find(({ isTerminating }) => isTerminating)
  if (terminating !== undefined) return { kind: 'wait', why: `broker ${terminating.index} stops` }

  const next = pods.find(({ index }) => index === order[0])
  const reason = reasons.get(order[0] ?? -1)
  if (next === undefined || reason === undefined) return { kind: 'wait', why: 'pods change' }
  const recovering = pods.find(({ index, isReady }) => !isReady && input.isRecovering(index))
  if (recovering !== undefined)
    return { kind: 'wait', why: `broker ${recovering.index} reads its logs again` }
  if (!next.isReady) return { kind: 'restart', pod: next, reason, needsGrant: isServing(kafka, next.index) }

  if (input.waitsForEtcd !== undefined) return { kind: 'wait', why: input.waitsForEtcd }
  const starting = pods.find(({ isReady, index }) => !isReady && brokers.includes(index))
  if (starting !== undefined) return { kind: 'wait', why: `broker ${starting.index} starts` }
  if (kafka.kind === 'unreachable')
    return { kind: 'wait', why: `the brokers cannot be asked: ${kafka.reason}` }
  const behind = partitionsOutOfSync(kafka, 3)
  if (behind.length > 0) return { kind: 'wait', why: `partitions are not in sync: ${behind.join(', ')}` }
  return { kind: 'restart', pod: next, reason, needsGrant: true }
}

export function isHeldBack({ mode, planHash, approvedHash }: Consent): boolean {
  return mode === 'OnDelete' || (mode === 'Approve' && approvedHash !== planHash)
}

/** The others know it: it may lead or follow. */
function isServing(kafka: ObservedKafka, id: number): boolean {
  return kafka.kind === 'reached' && kafka.brokers.some(broker => broker.id === id && !broker.isFenced)
}

/** Ids of brokers to be restarted: not ready first, the controller last, else by id. */
export function restartOrder({
  reasons,
  pods,
  kafka,
}: Pick<RollInput, 'reasons' | 'pods' | 'kafka'>): readonly number[] {
  const controller = kafka.kind === 'reached' ? kafka.controllerId : -1
  const rank = (id: number): number => {
    if (pods.find(({ index }) => index === id)?.isReady === false) return 0
    return id === controller ? 2 : 1
  }
  return [...reasons.keys()].sort((a, b) => rank(a) - rank(b) || a - b)
}

function isStuck(pod: PodFacts, { timeoutMs, nowMs, isRecovering }: RollInput): boolean {
  if (pod.isReady || pod.isTerminating) return false
  return pod.problem !== undefined || (nowMs - pod.unreadySinceMs > timeoutMs && !isRecovering(pod.index))
}

function stuckSentence(pod: PodFacts, { timeoutMs }: RollInput): string {
  const why = pod.problem ?? `it is not ready after ${Math.round(timeoutMs / 1000)} seconds`
  return `Broker ${pod.index} does not come up: ${why}.`
}
