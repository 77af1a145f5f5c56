/**
 * What is to be done about a Topic, and what is to be said of it. Deletion comes first; a finalizer stands before
 * anything is made that would have to be removed; a topic that another looks after is left alone. Pure.
 */
import type { Reassignment } from '../../client/index.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import { type SettingChange, settingChanges } from '../resources/setting-changes.ts'
import { nameOfTopic, settingsOfTopic } from '../resources/topic.ts'
import type { TopicReason } from '../resources/condition-reasons.ts'
import type { TopicStatus } from '../resources/topic-status.ts'
import { replicasByBroker } from './observed-cluster.ts'
import { replicasFor } from './move-replicas.ts'
import {
  type ActualTopic,
  type ObservedTopic,
  ownerSetting,
  ownerText,
  type TopicInKafka,
} from './observed-topic.ts'
import { isSameTopicSetting } from './same-setting.ts'
import { type Drift, keptStatus, topicStatus, type TopicVerdict } from './topic-status.ts'

export const topicFinalizer = 'barnabas.dev/topic'

export type TopicAction =
  | { readonly kind: 'setFinalizer'; readonly isWanted: boolean }
  | {
      readonly kind: 'createTopic'
      readonly name: string
      readonly partitions: number | undefined
      readonly replicationFactor: number | undefined
      readonly settings: ReadonlyMap<string, string>
    }
  | { readonly kind: 'addPartitions'; readonly name: string; readonly partitions: number }
  | { readonly kind: 'alterSettings'; readonly name: string; readonly changes: readonly SettingChange[] }
  | { readonly kind: 'moveReplicas'; readonly moves: readonly Reassignment[] }
  | { readonly kind: 'deleteTopic'; readonly name: string }

export interface TopicReconciliation {
  /** While there are any, the status is not written: it is about what is there when they are done. */
  readonly actions: readonly TopicAction[]
  readonly status: TopicStatus
  /** Undefined: not before something changes. */
  readonly againAfterMs: number | undefined
}

/** How often it is looked whether somebody changed the topic. */
const driftMs = 120_000
const movingMs = 5000
const retryMs = 10_000
/** How often it is looked whether a namespace was let in: its labels are not watched. */
const grantMs = 30_000

export function reconcileTopic(observed: ObservedTopic): TopicReconciliation {
  const { object } = observed
  if (object.metadata.deletionTimestamp !== undefined) return reconcileDeletion(observed)
  const { cluster, kafka, topic } = observed
  // The rights to release it later may go with the namespace.
  if (cluster.kind === 'deleting' && hasFinalizer(object))
    return act(observed, finalizerAction(object, false))
  if (cluster.kind !== 'present') {
    const message =
      cluster.kind === 'absent'
        ? `There is no Cluster ${topic.spec.clusterRef.name}; make one, or delete this Topic.`
        : `Cluster ${topic.spec.clusterRef.name} is being deleted.`
    return conclude(observed, { kind: 'unready', reason: 'ClusterNotFound', message }, retryMs)
  }
  if (cluster.refusal !== undefined) {
    return conclude(
      observed,
      { kind: 'unready', reason: 'NamespaceNotAllowed', message: cluster.refusal },
      grantMs,
    )
  }
  if (cluster.isPaused) return reconcileAway(observed, { reason: 'ClusterPaused', message: paused })
  if (kafka.kind === 'unreachable') {
    const message = `The brokers cannot be asked: ${kafka.reason}`
    return reconcileAway(observed, { reason: 'ClusterUnavailable', message })
  }
  const finalizer = finalizerAction(object, topic.spec.reclaimPolicy === 'Delete')
  if (finalizer.length > 0) return act(observed, finalizer)
  return reconcileInKafka(observed, kafka)
}

const paused = 'The state of the Cluster is Paused, so nothing is done about its topics.'

// ---- a topic that is to be there ----

function reconcileInKafka(observed: ObservedTopic, kafka: TopicInKafka): TopicReconciliation {
  const { topic, object, refusal } = observed
  const name = nameOfTopic(topic)
  const { actual } = kafka
  const wanted = new Map([...settingsOfTopic(topic), [ownerSetting, ownerText(object)]])
  if (actual === undefined) {
    if (refusal !== undefined) return refused(observed, refusal)
    const { partitions, replicationFactor, driftPolicy } = topic.spec
    const { topicId } = (object.status ?? {}) as TopicStatus
    if (driftPolicy === 'Report' && topicId !== undefined) {
      const message = `Topic ${name} of Kafka was deleted; driftPolicy is Report, so it is not made again.`
      return conclude(observed, { kind: 'unready', reason: 'Gone', message }, driftMs)
    }
    const beyond = beyondQuota(observed, 0)
    if (beyond !== undefined) return conclude(observed, beyond, retryMs)
    return act(observed, [{ kind: 'createTopic', name, partitions, replicationFactor, settings: wanted }])
  }
  const owner = actual.settings.get(ownerSetting)
  if (owner !== undefined && owner !== ownerText(object) && actual.hasLivingOwner) {
    const message = `Topic ${name} of Kafka is looked after by the Topic ${owner.split(' ')[0]}; delete one of the two, or give this one another topicName.`
    return conclude(observed, { kind: 'conflicted', message, actual }, driftMs)
  }
  const differences = differencesOf(observed, actual)
  if (owner !== ownerText(object)) {
    const notAdopted = reasonNotToAdopt(observed, differences)
    if (notAdopted !== undefined) {
      return conclude(
        observed,
        { kind: 'unready', reason: 'NotAdopted', message: notAdopted, actual, drift: driftOf(differences) },
        driftMs,
      )
    }
  }
  const isReported = topic.spec.driftPolicy === 'Report'
  if (isReported && owner === ownerText(object)) return reportDrift(observed, actual, differences)
  if (refusal !== undefined) return refused(observed, refusal, actual)
  const beyond = beyondQuota(observed, owner === ownerText(object) ? actual.partitions.length : 0, actual)
  if (beyond !== undefined) return conclude(observed, beyond, driftMs)
  if (isReported) {
    const change = { name: ownerSetting, from: owner, to: ownerText(object) }
    return act(observed, [{ kind: 'alterSettings', name, changes: [change] }])
  }
  const actions = enforce(observed, kafka, actual, {
    ...differences,
    settings: settingChanges(wanted, actual.settings, appliedBefore(object), isSameTopicSetting),
  })
  if (actions === 'too few brokers') {
    const message = `There are not enough brokers for ${topic.spec.replicationFactor} replicas of topic ${name}.`
    return conclude(observed, { kind: 'unready', reason: 'InvalidConfig', message, actual }, retryMs)
  }
  if (actions.length > 0) return act(observed, actions)
  if (differences.fewerPartitions !== undefined) {
    const message = `Topic ${name} has ${actual.partitions.length} partitions and cannot shrink to ${differences.fewerPartitions}, because records would be lost.`
    return conclude(
      observed,
      { kind: 'unready', reason: 'PartitionDecreaseRefused', message, actual },
      driftMs,
    )
  }
  if (actual.isMoving) return conclude(observed, { kind: 'moving', actual }, movingMs)
  return conclude(observed, { kind: 'inSync', actual }, driftMs)
}

/** Why the topic may not come or grow; one that is ours and stays as it is may always be. */
function beyondQuota(
  { topic, cluster, object }: ObservedTopic,
  has: number,
  actual?: ActualTopic,
): TopicVerdict | undefined {
  const quota = cluster.kind === 'present' ? cluster.quota : undefined
  if (quota === undefined) return undefined
  const { mostPartitions, others, defaultPartitions } = quota
  const wanted = Math.max(
    actual?.partitions.length ?? 0,
    topic.spec.partitions ?? (actual === undefined ? defaultPartitions : 0),
  )
  if (wanted <= has || others + wanted <= mostPartitions) return undefined
  const message = `Namespace ${object.metadata.namespace} may have ${mostPartitions} partitions in this Cluster, its other topics have ${others}, and this one asks for ${wanted}; ask for fewer, delete topics, or have topicPolicy.maxPartitionsPerNamespace raised.`
  return { kind: 'unready', reason: 'QuotaExceeded', message, ...(actual === undefined ? {} : { actual }) }
}

interface Differences {
  readonly settings: readonly SettingChange[]
  readonly morePartitions: number | undefined
  readonly fewerPartitions: number | undefined
  readonly replicationFactor: number | undefined
  readonly actual: ActualTopic
}

/** Without the note of its owner, which is no difference to people. */
function differencesOf({ topic, object }: ObservedTopic, actual: ActualTopic): Differences {
  const { partitions, replicationFactor } = topic.spec
  const has = actual.partitions.length
  const isOther = actual.partitions.some(({ replicas }) => replicas.length !== replicationFactor)
  return {
    settings: settingChanges(
      settingsOfTopic(topic),
      actual.settings,
      appliedBefore(object),
      isSameTopicSetting,
    ),
    morePartitions: partitions !== undefined && partitions > has ? partitions : undefined,
    fewerPartitions: partitions !== undefined && partitions < has ? partitions : undefined,
    // While replicas move there are more of them than before or after.
    replicationFactor:
      replicationFactor !== undefined && isOther && !actual.isMoving ? replicationFactor : undefined,
    actual,
  }
}

function driftOf({
  settings,
  morePartitions,
  fewerPartitions,
  replicationFactor,
  actual,
}: Differences): Drift[] {
  const partitions = morePartitions ?? fewerPartitions
  return [
    ...(partitions === undefined
      ? []
      : [{ key: 'partitions', desired: String(partitions), actual: String(actual.partitions.length) }]),
    ...(replicationFactor === undefined
      ? []
      : [
          {
            key: 'replicationFactor',
            desired: String(replicationFactor),
            actual: String(actual.partitions[0]?.replicas.length ?? 0),
          },
        ]),
    ...settings.map(({ name, from, to }) => ({
      key: name,
      ...(to === null ? {} : { desired: to }),
      ...(from === undefined ? {} : { actual: from }),
    })),
  ].slice(0, 20)
}

function reasonNotToAdopt({ topic }: ObservedTopic, differences: Differences): string | undefined {
  const name = nameOfTopic(topic)
  switch (topic.spec.adoptionPolicy) {
    case 'Always':
      return undefined
    case 'Never':
      return `Topic ${name} is there already, and adoptionPolicy is Never.`
    case 'IfMatching': {
      const drift = driftOf(differences)
      if (drift.length === 0) return undefined
      const keys = drift.map(({ key }) => key).join(', ')
      return `Topic ${name} is there already and differs in ${keys}; make the spec match it, or set adoptionPolicy to Always.`
    }
  }
}

function reportDrift(
  observed: ObservedTopic,
  actual: ActualTopic,
  differences: Differences,
): TopicReconciliation {
  const drift = driftOf(differences)
  if (drift.length === 0) return conclude(observed, { kind: 'inSync', actual }, driftMs)
  return conclude(observed, { kind: 'drifted', actual, drift }, driftMs)
}

function enforce(
  { topic }: ObservedTopic,
  { placement }: TopicInKafka,
  actual: ActualTopic,
  { settings, morePartitions, replicationFactor }: Differences,
): readonly TopicAction[] | 'too few brokers' {
  const name = nameOfTopic(topic)
  const actions: TopicAction[] = []
  if (settings.length > 0) actions.push({ kind: 'alterSettings', name, changes: settings })
  if (morePartitions !== undefined) actions.push({ kind: 'addPartitions', name, partitions: morePartitions })
  if (replicationFactor !== undefined && placement !== undefined && actions.length === 0) {
    const load = replicasByBroker(placement)
    const moves: Reassignment[] = []
    for (const { index, replicas } of actual.partitions) {
      if (replicas.length === replicationFactor) continue
      const chosen = replicasFor(placement, replicas, replicationFactor, load)
      if (chosen === undefined) return 'too few brokers'
      moves.push({ topic: name, partition: index, replicas: chosen })
    }
    actions.push({ kind: 'moveReplicas', moves })
  }
  return actions
}

function refused(
  observed: ObservedTopic,
  { error, message }: NonNullable<ObservedTopic['refusal']>,
  actual?: ActualTopic,
): TopicReconciliation {
  const told = {
    kind: 'unready',
    reason: 'InvalidConfig',
    message: `The brokers refuse it: ${message} (${error})`,
  } as const
  return conclude(observed, actual === undefined ? told : { ...told, actual }, retryMs)
}

function reconcileAway(
  observed: ObservedTopic,
  { reason, message }: { readonly reason: TopicReason; readonly message: string },
): TopicReconciliation {
  const { object } = observed
  const before = (object.status ?? {}) as TopicStatus
  // Brokers that are away for a moment are no news about the topic, and the Cluster says it.
  if (before.observedGeneration === object.metadata.generation) {
    return { actions: [], status: before, againAfterMs: retryMs }
  }
  return conclude(observed, { kind: 'unready', reason, message }, retryMs)
}

// ---- a topic that is to go ----

function reconcileDeletion(observed: ObservedTopic): TopicReconciliation {
  const { object, cluster, kafka, topic } = observed
  if (!hasFinalizer(object)) return { actions: [], status: keptStatus(observed), againAfterMs: undefined }
  const release = act(observed, [{ kind: 'setFinalizer', isWanted: false }])
  // Nothing is left to clean up, or nothing is to be.
  if (cluster.kind !== 'present' || topic.spec.reclaimPolicy === 'Retain') return release
  const alone = 'Set reclaimPolicy to Retain to delete the Topic alone.'
  if (cluster.isPaused) {
    return conclude(observed, { kind: 'deletionBlocked', message: `${paused} ${alone}` }, retryMs)
  }
  if (kafka.kind === 'unreachable') {
    const message = `The topic cannot be deleted while the brokers cannot be asked: ${kafka.reason} ${alone}`
    return conclude(observed, { kind: 'deletionBlocked', message }, retryMs)
  }
  const { actual } = kafka
  if (actual === undefined || actual.settings.get(ownerSetting) !== ownerText(object)) return release
  if (observed.refusal !== undefined) {
    const message = `The brokers do not delete the topic: ${observed.refusal.message} (${observed.refusal.error})`
    return conclude(observed, { kind: 'deletionBlocked', message }, retryMs)
  }
  return act(observed, [
    { kind: 'deleteTopic', name: nameOfTopic(topic) },
    { kind: 'setFinalizer', isWanted: false },
  ])
}

function hasFinalizer({ metadata }: KubeObject): boolean {
  return metadata.finalizers?.includes(topicFinalizer) === true
}

/** A topic that stays when its Topic goes needs none. */
function finalizerAction(object: KubeObject, isWanted: boolean): readonly TopicAction[] {
  return hasFinalizer(object) === isWanted ? [] : [{ kind: 'setFinalizer', isWanted }]
}

function appliedBefore(object: KubeObject): readonly string[] {
  return ((object.status ?? {}) as TopicStatus).appliedSettings ?? []
}

function act(observed: ObservedTopic, actions: readonly TopicAction[]): TopicReconciliation {
  return { actions, status: keptStatus(observed), againAfterMs: 0 }
}

function conclude(observed: ObservedTopic, verdict: TopicVerdict, againAfterMs: number): TopicReconciliation {
  return { actions: [], status: topicStatus(observed, verdict), againAfterMs }
}
