import { hostname } from 'node:os'
import { brokerMetrics } from './broker-metrics.ts'
import type { BrokerParts } from './broker-parts.ts'
import type { Listener } from './config/listeners.ts'
import type { Control } from './control/control.ts'
import type { ClusterMembership } from './controller/cluster-membership.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import type { Cleaner } from './log/cleaner.ts'
import { cleanerMetrics } from './log/cleaner-metrics.ts'
import type { LogDirectories } from './log/log-directories.ts'
import type { BrokerListener, ControlAddress } from './metadata/image.ts'
import type { MetadataStore } from './metadata/metadata-store.ts'
import type { Metrics } from './metrics/metrics.ts'
import { idleMetrics } from './metrics/idle-metrics.ts'
import { requestMetrics } from './metrics/request-stats.ts'
import { TopicTraffic } from './metrics/topic-traffic.ts'
import type { Network } from './network/network.ts'
import { openControl } from './open-control.ts'
import { openMetadata } from './open-metadata.ts'
import { openReplication, type Replication } from './open-replication.ts'
import { openStorage } from './open-storage.ts'
import type { Partitions } from './replication/partitions.ts'
import { serveClients } from './serve-clients.ts'
import { SettingsInForce } from './settings-in-force.ts'
import type { StartingHealth } from './starting-health.ts'

/** What a started broker consists of, for whoever stops it. */
export interface RunningBroker {
  readonly store: MetadataStore
  readonly membership: ClusterMembership
  /** Of a broker that is one of a cluster. */
  readonly control: Control | undefined
  readonly controlAddress: ControlAddress | null
  readonly logs: LogDirectories
  readonly cleaner: Cleaner
  readonly partitions: Partitions
  readonly replication: Replication
  readonly groupCoordinator: GroupCoordinator
  readonly network: Network
  readonly advertised: readonly BrokerListener[]
  readonly health: StartingHealth
  readonly waitingFetches: ReadonlySet<() => void>
}

/** Notes in `opened` how to undo each step, for a start that fails on the way. */
export async function runBroker(
  parts: BrokerParts,
  metrics: Metrics,
  health: StartingHealth,
  opened: (() => Promise<unknown>)[],
): Promise<RunningBroker> {
  const { loaded, clock, random, turn, logger } = parts
  const { settings } = loaded
  const brokerId = settings['node.id']

  const metadata = await openMetadata(parts, health, opened)
  const { store, membership } = metadata
  const later: { logs?: LogDirectories; replication?: Replication } = {}
  const shared = metadata.isShared
    ? await openControl(parts, { membership, health, opened: () => later })
    : null
  if (shared !== null) opened.push(() => shared.control.stop())
  const inForce = new SettingsInForce(loaded, brokerId, membership.image)

  inForce.dynamic.onChange((next, previous) => {
    if (next['log.level'] !== previous['log.level']) logger.level = next['log.level']
    if (next['cordoned.log.dirs'] !== previous['cordoned.log.dirs']) membership.registrationChanged()
  })

  const { logs, cleaner } = await openStorage(parts, {
    inForce,
    clusterId: membership.clusterId,
    onDirectoryOffline: () => membership.registrationChanged(),
    onProgress: progress => health.recovering(progress),
    onReplicaMoved: (topic, partition, log) => {
      partitions.replaceLog(topic, partition, log)
      const id = membership.image.topicsByName.get(topic)?.id
      if (id !== undefined) replication.directoryReports.check([id])
    },
    opened,
  })
  const controller = shared?.control.controller ?? membership.controller
  const traffic = new TopicTraffic()
  later.logs = logs
  const replication = openReplication(parts, { membership, controller, inForce, logs, traffic })
  later.replication = replication
  opened.push(() => replication.stop())
  const { partitions } = replication
  // Until a broker has registered for the first time, the metadata tells nothing of what directories may hold.
  if (membership.image.brokerStates.size === 0) refuseUnknownReplicas(logs)
  partitions.start(membership.image)
  replication.directoryReports.check(membership.image.topicsById.keys())
  const groupCoordinator = new GroupCoordinator({
    brokerId,
    image: () => membership.image,
    settings: () => inForce.broker,
    partitions,
    clock,
    random,
    turn,
    logger,
    askLeader:
      shared === null
        ? undefined
        : (leader, positions, withinMs, signal) =>
            shared.control.describePositions(leader, positions, withinMs, signal),
  })
  opened.push(async () => groupCoordinator.close())
  membership.images.onChange((next, previous, changed) => {
    inForce.apply(next, changed.configs)
    partitions.apply(next, previous, changed.topics)
    replication.directoryReports.check(changed.topics)
    groupCoordinator.apply(next, previous, changed.topics)
    for (const id of changed.topics) {
      const gone = previous.topicsById.get(id)
      if (gone !== undefined && !next.topicsByName.has(gone.name)) traffic.forget(gone.name)
    }
  })

  const { network, dispatcher, sessions, waitingFetches } = await serveClients(parts, {
    membership,
    controller,
    inForce,
    partitions,
    logs,
    traffic,
    groupCoordinator,
  })
  opened.push(() => network.stop(0))

  metrics.registerProcess()
  metrics.register(
    ...network.metrics(),
    ...requestMetrics(
      () => dispatcher.stats(),
      () => clock.monotonicMs(),
    ),
    ...idleMetrics(() => performance.eventLoopUtilization()),
    ...cleanerMetrics(cleaner),
    ...brokerMetrics({
      brokerId,
      image: () => membership.image,
      isController: () => membership.controllerEpoch !== undefined,
      elections: membership.elections,
      replication,
      logs,
      traffic,
      sessions,
    }),
    ...groupCoordinator.metrics(),
    ...metadata.metrics,
  )

  const advertised = advertisedListeners(loaded.listeners.advertised, network.listeners)
  health.waitsFor('the controller', 'The controller has not let this broker in yet.')
  await membership.join(
    {
      brokerId,
      listeners: advertised,
      control: shared?.address ?? null,
      rack: settings['broker.rack'],
      logDirectories: () => logs.directoryIds,
      isCordoned: () => logs.isCordoned,
      previousEpoch: logs.previousBrokerEpoch,
      minInsyncReplicas: settings['min.insync.replicas'],
      sessionTimeoutMs: settings['broker.session.timeout.ms'],
      heartbeatMs: settings['broker.heartbeat.interval.ms'],
      rules: inForce.controllerRules,
    },
    parts.stopAsked,
  )
  cleaner.start()
  health.isReady()
  return {
    store,
    membership,
    control: shared?.control,
    controlAddress: shared?.address ?? null,
    logs,
    cleaner,
    partitions,
    replication,
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
      'Start the broker with the metadata it had (metadata.log.dir; or etcd.connect, etcd.prefix and cluster.id), or with empty data directories.',
  )
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
