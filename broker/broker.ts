import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Uuid } from '../protocol/index.ts'
import { assert } from '../runtime/assert.ts'
import type { Clock } from '../runtime/clock.ts'
import type { EndOfTurn } from '../runtime/end-of-turn.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Random } from '../runtime/random.ts'
import { apiHandlers, type ApiHandlers } from './api/handler.ts'
import { AutoTopicCreation } from './api/auto-topic-creation.ts'
import { BrokerLoggers } from './api/broker-loggers.ts'
import { Dispatcher } from './api/dispatch.ts'
import { FetchSessions } from './api/fetch-sessions.ts'
import { servedApis } from './api/served-apis.ts'
import { brokerMetrics } from './broker-metrics.ts'
import { logDirectories, parseHttpListener } from './config/check-broker-settings.ts'
import type { Listener } from './config/listeners.ts'
import type { ValidSettings } from './config/load-settings.ts'
import { SettingsInForce } from './settings-in-force.ts'
import { ClusterMembership } from './controller/cluster-membership.ts'
import { type HealthReason, HttpEndpoint } from './http/http-endpoint.ts'
import { GroupCoordinator, internalTopicCreation } from './group-coordinator.ts'
import { Cleaner } from './log/cleaner.ts'
import { cleanerMetrics } from './log/cleaner-metrics.ts'
import { compactionThreads } from './log/compaction-threads.ts'
import type { Disk } from './log/disk.ts'
import { LogDirectories } from './log/log-directories.ts'
import type { RecoveryProgress } from './log/recovery-progress.ts'
import { EmbeddedStore } from './metadata/embedded-store.ts'
import type { BrokerListener } from './metadata/image.ts'
import { Metrics } from './metrics/metrics.ts'
import { requestMetrics } from './metrics/request-stats.ts'
import { TopicTraffic } from './metrics/topic-traffic.ts'
import { Network } from './network/network.ts'
import { Partitions } from './replication/partitions.ts'
import { ProducerIds } from './replication/producer-ids.ts'

/**
 * One broker: makes the parts in order, connects them, and stops them in reverse. Whoever starts it gives it the
 * doors (clock, chance, disk, end of the turn), so that a whole broker can run in a test.
 */
export class Broker {
  readonly #parts: BrokerParts
  readonly #http: readonly HttpEndpoint[]
  readonly #running: Running
  #stopped: Promise<void> | undefined

  private constructor(parts: BrokerParts, http: readonly HttpEndpoint[], running: Running) {
    this.#parts = parts
    this.#http = http
    this.#running = running
  }

  /** Resolves when clients are served. Rejects with a sentence when that is not possible. */
  static async start(parts: BrokerParts): Promise<Broker> {
    const health = new StartingHealth()
    const metrics = new Metrics()
    const http: HttpEndpoint[] = []
    for (const address of parts.loaded.settings['http.listeners']) {
      const listener = parseHttpListener(address)
      assert(listener !== undefined, 'The addresses in http.listeners were checked when they were loaded.', {
        address,
      })
      http.push(
        await HttpEndpoint.open(listener.host, listener.port, { metrics, health, logger: parts.logger }),
      )
    }
    const opened: (() => Promise<unknown>)[] = http.map(endpoint => () => endpoint.stop())
    try {
      const running = await run(parts, metrics, health, opened)
      return new Broker(parts, http, running)
    } catch (error) {
      for (const close of opened.reverse()) await close()
      throw error
    }
  }

  /** As clients reach them. */
  get listeners(): readonly BrokerListener[] {
    return this.#running.advertised
  }

  get httpPorts(): readonly number[] {
    return this.#http.map(({ port }) => port)
  }

  get clusterId(): Uuid {
    return this.#running.membership.clusterId
  }

  /** Lets answers leave, writes and syncs everything, and marks the stop as clean. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    const {
      network,
      partitions,
      groupCoordinator,
      logs,
      cleaner,
      membership,
      store,
      health,
      waitingFetches,
    } = this.#running
    health.stopping()
    for (const answerNow of waitingFetches) answerNow()
    groupCoordinator.close()
    await network.stop(answersLeaveWithinMs)
    partitions.close()
    this.#parts.turn.flush()
    await cleaner.stop()
    await logs.checkpoint()
    const brokerEpoch = membership.brokerEpoch
    await logs.close({ clean: true, ...(brokerEpoch === undefined ? {} : { brokerEpoch }) })
    await membership.leave({ clean: true })
    await store.close()
    await Promise.all(this.#http.map(endpoint => endpoint.stop()))
  }
}

export interface BrokerParts {
  readonly loaded: ValidSettings
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly turn: EndOfTurn
  readonly logger: Logger
  /** The broker can no longer serve (its last log directory failed, its metadata is gone): the process has to end. */
  readonly onFatal: (error: Error) => void
}

interface Running {
  readonly store: EmbeddedStore
  readonly membership: ClusterMembership
  readonly logs: LogDirectories
  readonly cleaner: Cleaner
  readonly partitions: Partitions
  readonly groupCoordinator: GroupCoordinator
  readonly network: Network
  readonly advertised: readonly BrokerListener[]
  readonly health: StartingHealth
  readonly waitingFetches: ReadonlySet<() => void>
}

const answersLeaveWithinMs = 5000

/** Notes in `opened` how to undo each step, for a start that fails on the way. */
async function run(
  parts: BrokerParts,
  metrics: Metrics,
  health: StartingHealth,
  opened: (() => Promise<unknown>)[],
): Promise<Running> {
  const { loaded, clock, random, disk, turn, logger } = parts
  const { settings } = loaded
  const brokerId = settings['node.id']

  const store = await EmbeddedStore.open({ disk, clock, logger, directory: metadataDirectory(loaded) })
  opened.push(() => store.close())
  const membership = await ClusterMembership.open({
    store,
    clock,
    random,
    logger,
    clusterId: settings['cluster.id'],
  })
  opened.push(() => membership.leave({ clean: false }))
  membership.images.onEnd(reason => parts.onFatal(reason))
  const inForce = new SettingsInForce(loaded, brokerId, membership.image)

  inForce.dynamic.onChange(({ 'log.level': level }, { 'log.level': previous }) => {
    if (level !== previous) logger.level = level
  })

  const logs = await LogDirectories.open({
    settings: () => inForce.broker,
    topicSettings: topic => inForce.topic(topic),
    disk,
    clock,
    random,
    turn,
    logger,
    clusterId: membership.clusterId,
    nodeId: brokerId,
    onDirectoryOffline: (path, error, remaining) => {
      if (remaining === 0)
        parts.onFatal(new Error(`The last log directory, ${path}, has failed.`, { cause: error }))
    },
    onProgress: progress => health.recovering(progress),
    onReplicaMoved: (topic, partition, log) => partitions.replaceLog(topic, partition, log),
  })
  opened.push(() => logs.close({ clean: false }))
  const cleaner = new Cleaner({
    disk,
    clock,
    random,
    logger,
    settings: () => inForce.broker,
    topicSettings: topic => inForce.topic(topic),
    logs: () => logs.all(),
    compactor: compactionThreads(clock),
    settleRecoveryPoints: () => logs.settleRecoveryPoints(),
    checkpoint: () => logs.checkpoint(),
  })
  opened.push(() => cleaner.stop())
  const partitions = new Partitions({
    brokerId,
    clock,
    turn,
    logs,
    logger,
    topicSettings: topic => inForce.topic(topic),
  })
  const traffic = new TopicTraffic()
  // Until a broker has registered for the first time, the metadata tells nothing of what directories may hold.
  if (membership.image.brokerStates.size === 0) refuseUnknownReplicas(logs)
  partitions.start(membership.image)
  const groupCoordinator = new GroupCoordinator({
    brokerId,
    image: () => membership.image,
    settings: () => inForce.broker,
    partitions,
    clock,
    random,
    turn,
    logger,
  })
  membership.images.onChange((next, previous, changed) => {
    inForce.apply(next, changed.configs)
    partitions.apply(next, previous, changed.topics)
    groupCoordinator.apply(next, previous, changed.topics)
    for (const id of changed.topics) {
      const gone = previous.topicsById.get(id)
      if (gone !== undefined && !next.topicsByName.has(gone.name)) traffic.forget(gone.name)
    }
  })

  const sessions = new FetchSessions(settings['max.incremental.fetch.session.cache.slots'], clock, random)
  const waitingFetches = new Set<() => void>()
  const { controller } = membership
  const producerIds = new ProducerIds(() =>
    controller.allocateProducerIds({
      brokerId,
      brokerEpoch: membership.brokerEpoch ?? -1,
      timeoutMs: settings['request.timeout.ms'],
    }),
  )
  const internalTopics = internalTopicCreation({ controller, settings: () => inForce.broker, clock, logger })
  const handlers: ApiHandlers = apiHandlers(
    servedApis({
      brokerId,
      image: () => membership.image,
      served: () => handlers,
      controller,
      partitions,
      logs,
      sessions,
      waitingFetches,
      traffic,
      producerIds,
      groups: groupCoordinator.groups,
      consumerGroups: groupCoordinator.consumerGroups,
      internalTopics,
      brokerView: () => ({ settings: inForce.broker, levels: inForce.dynamic.levels }),
      loggers: new BrokerLoggers(brokerId, logger),
      timeoutMs: settings['request.timeout.ms'],
      maxBytes: settings['fetch.max.bytes'],
      mostPartitions: settings['max.request.partition.size.limit'],
      clock,
      turn,
      autoTopicCreation: new AutoTopicCreation({
        enabled: settings['auto.create.topics.enable'],
        controller,
        internalTopics,
        logger,
      }),
    }),
  )
  const dispatcher = new Dispatcher({ handlers, clock, logger })
  const network = await Network.open({
    listeners: loaded.listeners.bound,
    settings: () => inForce.broker,
    dispatcher,
    turn,
    clock,
    logger,
  })

  opened.push(() => network.stop(0))

  metrics.registerProcess()
  metrics.register(
    ...network.metrics(),
    ...requestMetrics(
      () => dispatcher.stats(),
      () => clock.monotonicMs(),
    ),
    ...cleanerMetrics(cleaner),
    ...brokerMetrics({
      brokerId,
      image: () => membership.image,
      isController: () => membership.controllerEpoch !== undefined,
      partitions,
      logs,
      traffic,
      sessions,
    }),
    ...groupCoordinator.metrics(),
  )

  const advertised = advertisedListeners(loaded.listeners.advertised, network.listeners)
  await membership.join({
    brokerId,
    listeners: advertised,
    rack: settings['broker.rack'],
    logDirectories: logs.directoryIds,
    previousEpoch: logs.previousBrokerEpoch,
    sessionTimeoutMs: settings['broker.session.timeout.ms'],
    heartbeatMs: settings['broker.heartbeat.interval.ms'],
    rules: inForce.controllerRules,
  })
  cleaner.start()
  health.isReady()
  return {
    store,
    membership,
    logs,
    cleaner,
    partitions,
    groupCoordinator,
    network,
    advertised,
    health,
    waitingFetches,
  }
}

/** With metadata that knows no topic every replica would be a stray: more likely the metadata is in another place. */
function refuseUnknownReplicas(logs: LogDirectories): void {
  const found = [...logs.all()].map(({ topic, partition }) => `${topic}-${partition}`)
  if (found.length === 0) return
  throw new Error(
    `The data directories hold ${found.length} replicas (${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}), but the metadata is new and knows none of them. ` +
      'Start the broker with the metadata it had (metadata.log.dir), or with empty data directories.',
  )
}

/** In `metadata.log.dir`, else in the first log directory; names that begin with a dot are no partitions. */
function metadataDirectory({ settings }: ValidSettings): string {
  return join(settings['metadata.log.dir'] ?? logDirectories(settings)[0] ?? '.', '.metadata')
}

/** Port 0 and an empty host become what was bound and what this machine is called. */
function advertisedListeners(
  advertised: readonly Listener[],
  bound: readonly { readonly name: string; readonly port: number }[],
): BrokerListener[] {
  return advertised.map(({ name, host, port, securityProtocol }) => ({
    name,
    host: host === '' ? hostname() : host,
    port: port === 0 ? (bound.find(listener => listener.name === name)?.port ?? 0) : port,
    securityProtocol,
  }))
}

/** What /healthz and /readyz say from the first moment to the last. */
class StartingHealth {
  #state: 'starting' | 'ready' | 'stopping' = 'starting'
  #progress: RecoveryProgress = { remainingLogs: 0, remainingSegments: 0, remainingBytes: 0 }

  alive(): readonly HealthReason[] {
    return []
  }

  ready(): readonly HealthReason[] {
    switch (this.#state) {
      case 'ready':
        return []
      case 'stopping':
        return [{ reason: 'Stopping', message: 'The broker is stopping.' }]
      case 'starting': {
        const { remainingLogs, remainingSegments, remainingBytes } = this.#progress
        if (remainingLogs === 0) return [{ reason: 'Starting', message: 'The broker is starting.' }]
        const details = { remainingLogs, remainingSegments, remainingBytes }
        return remainingSegments === 0
          ? [{ reason: 'OpeningLogs', message: 'The logs are being opened.', details }]
          : [{ reason: 'RecoveringLogs', message: 'Logs are read again after an unclean stop.', details }]
      }
    }
  }

  recovering(progress: RecoveryProgress): void {
    this.#progress = progress
  }

  isReady(): void {
    this.#state = 'ready'
  }

  stopping(): void {
    this.#state = 'stopping'
  }
}
