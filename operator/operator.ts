/** The composition of the operator: client, caches, leader lease, controllers, started in order and stopped in reverse. */
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Random } from '../runtime/random.ts'
import { ControlGrants } from './brokers/control-grants.ts'
import { checkDefinitions } from './controllers/check-definitions.ts'
import { ClusterController } from './controllers/cluster-controller.ts'
import { Controller } from './controllers/controller.ts'
import { figuresOf, standingOf } from './controllers/count-resources.ts'
import { GoingClusters } from './controllers/going-clusters.ts'
import { HealthServer } from './controllers/health-server.ts'
import { KafkaClusters } from './controllers/kafka-clusters.ts'
import { clusterOfTopic, KubeCache } from './controllers/kube-cache.ts'
import { Nodes } from './controllers/nodes.ts'
import { OperatorMetrics } from './controllers/operator-metrics.ts'
import { RefusedPods } from './controllers/refused-pods.ts'
import { TopicController } from './controllers/topic-controller.ts'
import { ApiError, classOf, firstDelayMs } from './kube/api-error.ts'
import { ApiServer } from './kube/api-server.ts'
import type { ApiAccess } from './kube/credentials.ts'
import { Events } from './kube/events.ts'
import { LeaderLease } from './kube/leader-lease.ts'
import type { OperatorSettings } from './operator-settings.ts'
import { type KubeObject, keyOf } from './resources/kube-object.ts'

const topicsPerWorker = 8

export interface OperatorParts {
  readonly settings: OperatorSettings
  readonly access: ApiAccess
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export class Operator {
  readonly #parts: OperatorParts
  readonly #api: ApiServer
  readonly #cache: KubeCache
  readonly #going: GoingClusters
  readonly #lease: LeaderLease
  readonly #kafka: KafkaClusters
  readonly #grants: ControlGrants
  readonly #health: HealthServer
  readonly #controllers: { readonly cluster: Controller; readonly topic: Controller }

  private constructor(
    parts: OperatorParts,
    made: {
      readonly api: ApiServer
      readonly cache: KubeCache
      readonly going: GoingClusters
      readonly lease: LeaderLease
      readonly kafka: KafkaClusters
      readonly grants: ControlGrants
      readonly health: HealthServer
      readonly controllers: { readonly cluster: Controller; readonly topic: Controller }
    },
  ) {
    this.#parts = parts
    this.#api = made.api
    this.#cache = made.cache
    this.#going = made.going
    this.#lease = made.lease
    this.#kafka = made.kafka
    this.#grants = made.grants
    this.#health = made.health
    this.#controllers = made.controllers
  }

  /** Resolves when the caches are filled; the work begins when the lease is held. */
  static async start(parts: OperatorParts): Promise<Operator> {
    const { settings, access, clock, random, logger } = parts
    const metrics = new OperatorMetrics()
    const api = new ApiServer(access, { clock, observer: metrics.requestObserver() })
    const cache = new KubeCache(api, { clock, random, logger }, settings.watchedNamespaces)
    const lease = new LeaderLease({
      api,
      clock,
      logger,
      namespace: ownNamespace(parts),
      name: settings.leaseName,
      identity: settings.identity,
    })
    metrics.setLeader(settings.leaseName, false)
    const kafka = new KafkaClusters(settings.clusterDomain, clock)
    const grants = new ControlGrants(clock)
    const health = await HealthServer.open(settings.httpPort, {
      alive: () => [],
      ready: () => (cache.isListed ? [] : ['The caches are not filled yet.']),
      metrics: async () => {
        countResources(cache, metrics)
        return { contentType: metrics.registry.contentType, text: await metrics.registry.metrics() }
      },
    })
    const going = new GoingClusters(api, logger)
    const controllers = makeControllers(parts, {
      cache,
      going,
      kafka,
      grants,
      metrics,
      events: new Events(api, clock, logger),
    })
    const operator = new Operator(parts, { api, cache, going, lease, kafka, grants, health, controllers })
    cache.otherStatusSchemas = await checkDefinitions({ api, clock, random, logger, metrics })
    cache.start()
    await cache.listed()
    logger.info(
      { httpPort: health.port, namespaces: settings.watchedNamespaces },
      'The operator has seen everything.',
    )
    lease.start()
    void lease.acquired().then(() => {
      metrics.setLeader(settings.leaseName, true)
      operator.#work()
    })
    return operator
  }

  get httpPort(): number {
    return this.#health.port
  }

  /** Resolves when another may lead: the process must end. */
  lost(): Promise<void> {
    return this.#lease.lost()
  }

  async stop(): Promise<void> {
    await Promise.all([this.#controllers.cluster.stop(), this.#controllers.topic.stop()])
    await this.#lease.stop()
    await this.#cache.stop()
    await this.#kafka.close()
    this.#grants.close()
    await this.#health.stop()
    this.#api.close()
    this.#parts.logger.info('The operator has stopped.')
  }

  #work(): void {
    const { cluster, topic } = this.#controllers
    const cache = this.#cache
    const keyOfObject = ({ metadata }: KubeObject): string => keyOf(metadata)
    cache.onChange('Cluster', (object, before, change) => {
      const isNews = change !== 'changed' || !isOnlyStatus(object, before)
      if (isNews) cluster.enqueue(keyOfObject(object))
      // What a Cluster grants, that it goes, or that its brokers are there, is news to its Topics.
      if (!isNews && isReady(object) === isReady(before)) return
      for (const each of cache.topicsOf(keyOfObject(object))) topic.enqueue(keyOfObject(each))
    })
    cache.onChange('Topic', (object, before, change) => {
      if (change === 'changed' && isOnlyStatus(object, before)) return
      topic.enqueue(keyOfObject(object))
      if (change !== 'deleted') return
      // Another that asks for the same topic of Kafka may have it now.
      for (const each of cache.topicsOf(clusterOfTopic(object)))
        if (nameOf(each) === nameOf(object)) topic.enqueue(keyOfObject(each))
    })
    this.#going.onGoing(key => {
      for (const each of cache.topicsOf(key)) topic.enqueue(keyOfObject(each))
    })
    cache.onChildChange(key => {
      if (cache.cluster(key) !== undefined) cluster.enqueue(key)
    })
    for (const object of cache.all('Cluster')) cluster.enqueue(keyOfObject(object))
    for (const object of cache.all('Topic')) topic.enqueue(keyOfObject(object))
    cluster.start()
    topic.start()
  }
}

function makeControllers(
  { settings, access, clock, random, logger }: OperatorParts,
  {
    cache,
    going,
    kafka,
    grants,
    metrics,
    events,
  }: {
    readonly cache: KubeCache
    readonly going: GoingClusters
    readonly kafka: KafkaClusters
    readonly grants: ControlGrants
    readonly metrics: OperatorMetrics
    readonly events: Events
  },
): { readonly cluster: Controller; readonly topic: Controller } {
  const clusters = new ClusterController({
    cache,
    going,
    nodes: new Nodes(cache.api, clock),
    refusedPods: new RefusedPods(cache.api, clock, logger),
    kafka,
    grants,
    events,
    metrics,
    clock,
    logger,
    images: settings.images,
    clusterDomain: settings.clusterDomain,
    operatorNamespace: ownNamespace({ settings, access }),
  })
  const topics = new TopicController({ cache, going, kafka, events, clock, logger })
  const shared = { workers: settings.workers, clock, random, logger, metrics, retryAfterMs }
  return {
    cluster: new Controller({ ...shared, name: 'cluster', reconcile: key => clusters.reconcile(key) }),
    topic: new Controller({
      ...shared,
      // They mostly wait for brokers, which answer for many of them at once.
      workers: settings.workers * topicsPerWorker,
      name: 'topic',
      reconcile: key => topics.reconcile(key),
    }),
  }
}

function ownNamespace({ settings, access }: Pick<OperatorParts, 'settings' | 'access'>): string {
  return settings.namespace ?? access.namespace
}

function retryAfterMs(error: unknown): number {
  const kind = classOf(error)
  if (kind === undefined) return 0
  return Math.max(firstDelayMs[kind], error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0)
}

/** In Kafka. */
function nameOf({ metadata, spec }: KubeObject): string {
  return (spec as { readonly topicName?: string } | undefined)?.topicName ?? metadata.name
}

/** What we wrote ourselves is no news. */
function isOnlyStatus(object: KubeObject, before: KubeObject | undefined): boolean {
  return (
    before !== undefined &&
    object.metadata.uid === before.metadata.uid &&
    object.metadata.generation === before.metadata.generation &&
    object.metadata.deletionTimestamp === before.metadata.deletionTimestamp &&
    JSON.stringify(object.metadata.annotations) === JSON.stringify(before.metadata.annotations) &&
    JSON.stringify(object.metadata.finalizers) === JSON.stringify(before.metadata.finalizers)
  )
}

function countResources(cache: KubeCache, metrics: OperatorMetrics): void {
  for (const kind of ['Cluster', 'Topic'] as const)
    metrics.setResources(kind, cache.all(kind).map(standingOf))
  metrics.setClusters(cache.all('Cluster').map(figuresOf))
}

function isReady(object: KubeObject | undefined): boolean {
  return object !== undefined && standingOf(object) === 'ready'
}
