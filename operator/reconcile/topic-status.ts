/** What is said of a Topic. Pure. */
import type { TopicReason, TopicTold } from '../resources/condition-reasons.ts'
import { updateConditions } from '../resources/conditions.ts'
import { nameOfTopic, settingsOfTopic } from '../resources/topic.ts'
import type { TopicStatus } from '../resources/topic-status.ts'
import { unreachable } from '../../runtime/assert.ts'
import type { ActualTopic, ObservedTopic } from './observed-topic.ts'

export type Drift = NonNullable<TopicStatus['drift']>[number]

export type TopicVerdict =
  | { readonly kind: 'inSync'; readonly actual: ActualTopic }
  | { readonly kind: 'moving'; readonly actual: ActualTopic }
  | { readonly kind: 'drifted'; readonly actual: ActualTopic; readonly drift: readonly Drift[] }
  | { readonly kind: 'conflicted'; readonly message: string; readonly actual: ActualTopic }
  | { readonly kind: 'deletionBlocked'; readonly message: string }
  | {
      readonly kind: 'unready'
      readonly reason: TopicReason
      readonly message: string
      readonly actual?: ActualTopic
      readonly drift?: readonly Drift[]
    }

export function keptStatus({ object }: ObservedTopic): TopicStatus {
  return (object.status ?? {}) as TopicStatus
}

export function topicStatus(observed: ObservedTopic, verdict: TopicVerdict): TopicStatus {
  const { object, topic, nowMs } = observed
  const before = keptStatus(observed)
  const generation = object.metadata.generation ?? 0
  const actual = 'actual' in verdict ? verdict.actual : undefined
  const drift = 'drift' in verdict ? (verdict.drift ?? []) : []
  const isOurs = verdict.kind === 'inSync' || verdict.kind === 'moving' || verdict.kind === 'drifted'
  const applied =
    verdict.kind === 'drifted' ? (before.appliedSettings ?? []) : [...settingsOfTopic(topic).keys()].sort()
  return {
    observedGeneration: generation,
    topicName: nameOfTopic(topic),
    ...(isOurs && actual !== undefined ? { topicId: actual.id } : {}),
    ...(actual === undefined
      ? {}
      : {
          partitions: actual.partitions.length,
          replicationFactor: actual.partitions[0]?.replicas.length ?? 0,
        }),
    ...(isOurs ? { appliedSettings: applied } : appliedOf(before)),
    ...(drift.length === 0 ? {} : { drift: [...drift] }),
    conditions: updateConditions(before.conditions ?? [], conditionsOf(verdict), { generation, nowMs }),
  }
}

/** What was set stays known, so that it can be taken back later. */
function appliedOf({ appliedSettings }: TopicStatus): Pick<TopicStatus, 'appliedSettings'> {
  return appliedSettings === undefined ? {} : { appliedSettings }
}

function conditionsOf(verdict: TopicVerdict): readonly TopicTold[] {
  const ready = readiness(verdict)
  const isConflict = verdict.kind === 'conflicted'
  const isMoving = verdict.kind === 'moving'
  const isBlocked = verdict.kind === 'deletionBlocked'
  const isWaiting =
    isMoving ||
    isBlocked ||
    (verdict.kind === 'unready' && /^Cluster(NotFound|Unavailable|Paused)$/.test(verdict.reason))
  const isStalled = ready.status === 'False' && !isWaiting
  return [
    { type: 'Ready', ...ready },
    verdict.kind === 'inSync'
      ? { type: 'Synced', status: 'True', reason: 'InSync', message: 'The topic is as the spec says.' }
      : { type: 'Synced', ...ready, status: 'False' },
    flag('Conflicted', isConflict, ready),
    flag('Reassigning', isMoving, ready),
    flag('DeletionBlocked', isBlocked, ready),
    flag('Reconciling', isWaiting, ready),
    flag('Stalled', isStalled, ready),
  ]
}

type Verdict = Omit<TopicTold, 'type'>

function flag(type: TopicTold['type'], isSo: boolean, { reason, message }: Verdict): TopicTold {
  return isSo
    ? { type, status: 'True', reason, message }
    : { type, status: 'False', reason: 'Not', message: '' }
}

function readiness(verdict: TopicVerdict): Verdict {
  switch (verdict.kind) {
    case 'inSync':
      return { status: 'True', reason: 'InSync', message: 'The topic is as the spec says.' }
    case 'moving':
      return {
        status: 'False',
        reason: 'Reassigning',
        message: 'Replicas are on their way to other brokers.',
      }
    case 'drifted': {
      const keys = verdict.drift.map(({ key }) => key).join(', ')
      const message = `The topic differs in ${keys}; driftPolicy is Report, so nothing is done about it.`
      return { status: 'True', reason: 'Drifted', message }
    }
    case 'conflicted':
      return { status: 'False', reason: 'NameConflict', message: verdict.message }
    case 'deletionBlocked':
      return { status: 'False', reason: 'DeletionBlocked', message: verdict.message }
    case 'unready':
      return { status: 'False', reason: verdict.reason, message: verdict.message }
    default:
      return unreachable(verdict)
  }
}
