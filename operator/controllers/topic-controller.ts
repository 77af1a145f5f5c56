/** Looks after Topics: gathers what is seen, lets the pure part decide, carries it out, and tells. */
import type { AdminResult } from '../../client/index.ts'
import { unreachable } from '../../runtime/assert.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { type KafkaCluster, reasonOf } from '../brokers/kafka-cluster.ts'
import type { Events } from '../kube/events.ts'
import {
  type ObservedTopic,
  ownerSetting,
  type OwningCluster,
  parseOwner,
  type TopicRefusal,
} from '../reconcile/observed-topic.ts'
import { reconcileTopic, type TopicAction, topicFinalizer } from '../reconcile/reconcile-topic.ts'
import { quotaOf, refusalOfNamespace } from '../reconcile/topic-grant.ts'
import type { Cluster } from '../resources/cluster.ts'
import { type KubeObject, keyOf, refOf } from '../resources/kube-object.ts'
import { formatPath, readResource } from '../resources/read-resource.ts'
import { nameOfTopic, type Topic } from '../resources/topic.ts'
import type { Outcome } from './controller.ts'
import type { GoingClusters } from './going-clusters.ts'
import type { KafkaClusters } from './kafka-clusters.ts'
import { clusterOfTopic, type KubeCache } from './kube-cache.ts'
import { readCluster } from './read-cluster.ts'
import { writeStatus } from './status-writer.ts'

export interface TopicControllerParts {
  readonly cache: KubeCache
  readonly going: GoingClusters
  readonly kafka: KafkaClusters
  readonly events: Events
  readonly clock: Clock
  readonly logger: Logger
}

/** Brokers tell each other what was done a moment later. */
const seenAfterMs = 200

/** How long what was refused is not tried again, while the spec stays the same; what may be over soon, sooner. */
const refusalLastsMs = 60_000
const shortRefusalMs = 2000
const mayBeOverSoon =
  /^(INVALID_REPLICATION_FACTOR|NOT_CONTROLLER|REQUEST_TIMED_OUT|TOPIC_ALREADY_EXISTS|BROKER_NOT_AVAILABLE|COORDINATOR_NOT_AVAILABLE|REASSIGNMENT_IN_PROGRESS)$/

interface RememberedRefusal extends TopicRefusal {
  readonly generation: number | undefined
  readonly atMs: number
}

export class TopicController {
  readonly #parts: TopicControllerParts
  readonly #refusals = new Map<string, RememberedRefusal>()

  constructor(parts: TopicControllerParts) {
    this.#parts = parts
  }

  async reconcile(key: string): Promise<Outcome> {
    const { cache } = this.#parts
    const object = cache.topic(key)
    if (object === undefined) {
      this.#refusals.delete(key)
      return {}
    }
    const topic = readTopic(object)
    // The API server lets no such object in; one from before its schema was as it is cannot be followed.
    if (typeof topic === 'string') throw new Error(`Topic ${key} cannot be read: ${topic}`)
    const clusterKey = clusterOfTopic(object)
    const place = await this.#owningCluster(object, topic, clusterKey)
    const kafka =
      place.cluster === undefined
        ? undefined
        : this.#parts.kafka.of(clusterKey, place.cluster.spec.brokers.replicas)
    const observed = await this.#observe(key, object, topic, { kafka, cluster: place.seen })
    const { actions, status, againAfterMs } = reconcileTopic(observed)
    if (actions.length === 0) {
      await writeStatus(cache, object, status)
      await this.#tellOfTrouble(object, status)
      return { againAfterMs }
    }
    for (const action of actions) {
      const result = await this.#act(action, object, kafka)
      if (result !== undefined && result.error !== 'NONE') {
        this.#refusals.set(key, {
          ...result,
          generation: object.metadata.generation,
          atMs: this.#parts.clock.monotonicMs(),
        })
        break
      }
    }
    // What was done is told only once it is seen.
    return { againAfterMs: seenAfterMs }
  }

  async #observe(
    key: string,
    object: KubeObject,
    topic: Topic,
    { kafka, cluster }: { readonly kafka: KafkaCluster | undefined; readonly cluster: OwningCluster },
  ): Promise<ObservedTopic> {
    const { clock } = this.#parts
    return {
      object,
      topic,
      cluster,
      kafka:
        kafka === undefined || cluster.kind !== 'present'
          ? { kind: 'unreachable', reason: 'There is no Cluster to ask.' }
          : await this.#observeInKafka(topic, kafka),
      refusal: this.#refusalOf(key, object),
      nowMs: clock.nowMs(),
    }
  }

  async #observeInKafka(topic: Topic, kafka: KafkaCluster): Promise<ObservedTopic['kafka']> {
    const name = nameOfTopic(topic)
    try {
      const described = await kafka.describeTopic(name)
      if (described === undefined) return { kind: 'reached', actual: undefined, placement: undefined }
      const { replicationFactor } = topic.spec
      const differs =
        replicationFactor !== undefined &&
        described.partitions.some(({ replicas }) => replicas.length !== replicationFactor)
      const wasMoving =
        differs ||
        topic.status?.conditions?.some(({ type, status }) => type === 'Reassigning' && status === 'True') ===
          true
      const isMoving = wasMoving && (await kafka.isMoving(name))
      const seen = differs && !isMoving ? await kafka.observe() : undefined
      const owner = parseOwner(described.settings.get(ownerSetting) ?? '')
      const living = owner === undefined ? undefined : this.#parts.cache.topic(owner.key)
      return {
        kind: 'reached',
        actual: {
          ...described,
          isMoving,
          hasLivingOwner: owner !== undefined && living?.metadata.uid === owner.uid,
        },
        placement: seen?.kind === 'reached' ? seen : undefined,
      }
    } catch (error) {
      return { kind: 'unreachable', reason: reasonOf(error) }
    }
  }

  async #owningCluster(
    object: KubeObject,
    topic: Topic,
    clusterKey: string,
  ): Promise<{ readonly seen: OwningCluster; readonly cluster?: Cluster }> {
    const owning = this.#parts.cache.cluster(clusterKey)
    if (owning === undefined) return { seen: { kind: 'absent' } }
    if (this.#parts.going.isGoing(owning)) return { seen: { kind: 'deleting' } }
    const { cluster } = readCluster(owning)
    if (cluster === undefined) {
      return {
        seen: {
          kind: 'present',
          refusal: 'The spec of the Cluster cannot be followed; its status says why.',
          isPaused: false,
        },
      }
    }
    const topicNamespace = object.metadata.namespace ?? ''
    const refusal = refusalOfNamespace(cluster, {
      clusterNamespace: owning.metadata.namespace ?? '',
      topicNamespace,
      namespaceLabels: await this.#labelsOf(topicNamespace, cluster),
      topicName: nameOfTopic(topic),
    })
    const quota = quotaOf(cluster, object, this.#parts.cache.topicsOf(clusterKey))
    const isPaused = cluster.spec.state === 'Paused'
    return { seen: { kind: 'present', refusal, isPaused, quota }, cluster }
  }

  async #labelsOf(
    namespace: string,
    { spec }: Cluster,
  ): Promise<Readonly<Record<string, string>> | undefined> {
    if (spec.topicPolicy.namespaces.from !== 'Selector') return undefined
    const found = await this.#parts.cache.api.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace })
    return found?.metadata.labels ?? {}
  }

  #refusalOf(key: string, { metadata }: KubeObject): TopicRefusal | undefined {
    const refusal = this.#refusals.get(key)
    if (refusal === undefined) return undefined
    const lastsMs = mayBeOverSoon.test(refusal.error) ? shortRefusalMs : refusalLastsMs
    const isOld = this.#parts.clock.monotonicMs() - refusal.atMs > lastsMs
    if (!isOld && refusal.generation === metadata.generation) return refusal
    this.#refusals.delete(key)
    return undefined
  }

  /** Undefined: nothing that brokers could have refused. */
  async #act(
    action: TopicAction,
    object: KubeObject,
    kafka: KafkaCluster | undefined,
  ): Promise<AdminResult | undefined> {
    const { logger, events } = this.#parts
    const key = keyOf(object.metadata)
    if (action.kind === 'setFinalizer') {
      await this.#setFinalizer(object, action.isWanted)
      return undefined
    }
    if (kafka === undefined) return undefined
    logger.info({ topic: key, action: action.kind }, 'A topic is changed.')
    switch (action.kind) {
      case 'createTopic':
        return kafka.createTopic(action)
      case 'addPartitions':
        return kafka.addPartitions(action.name, action.partitions)
      case 'alterSettings':
        return kafka.alterTopic(
          action.name,
          action.changes.map(({ name, to }) => ({ name, value: to })),
        )
      case 'moveReplicas':
        return kafka.move(action.moves)
      case 'deleteTopic': {
        const result = await kafka.deleteTopic(action.name)
        // One that is gone already is as good.
        if (result.error !== 'UNKNOWN_TOPIC_OR_PARTITION') return result
        await events.tell(object, {
          type: 'Normal',
          reason: 'Deleted',
          message: `Topic ${action.name} was deleted.`,
        })
        return undefined
      }
      default:
        return unreachable(action)
    }
  }

  /** Only if nobody wrote in between: the list is replaced as a whole. */
  async #setFinalizer(object: KubeObject, isWanted: boolean): Promise<void> {
    const { cache } = this.#parts
    const { finalizers = [], resourceVersion } = object.metadata
    const others = finalizers.filter(each => each !== topicFinalizer)
    const patched = await cache.api.mergePatch(refOf(object), {
      metadata: { resourceVersion, finalizers: isWanted ? [...others, topicFinalizer] : others },
    })
    // The last finalizer gone, the object is gone too.
    if (isWanted || others.length > 0) cache.note(patched)
  }

  async #tellOfTrouble(object: KubeObject, { conditions = [] }: NonNullable<Topic['status']>): Promise<void> {
    const stalled = conditions.find(({ type, status }) => type === 'Stalled' && status === 'True')
    if (stalled === undefined) return
    const { reason, message } = stalled
    await this.#parts.events.tell(object, { type: 'Warning', reason, message })
  }
}

function readTopic(object: KubeObject): Topic | string {
  const { apiVersion, kind, metadata, spec, status } = object
  const { resource, mistakes } = readResource({ apiVersion, kind, metadata, spec })
  if (resource?.kind === 'Topic') return { ...resource.topic, status: status as Topic['status'] }
  return mistakes.map(({ path, sentence }) => `${formatPath(path)} ${sentence}`).join('; ')
}
