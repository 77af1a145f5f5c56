import { apiHandlers, type ApiHandlers } from './api/handler.ts'
import { AutoTopicCreation } from './api/auto-topic-creation.ts'
import { BrokerLoggers } from './api/broker-loggers.ts'
import { Dispatcher } from './api/dispatch.ts'
import { FetchSessions } from './api/fetch-sessions.ts'
import { servedApis } from './api/served-apis.ts'
import type { BrokerParts } from './broker-parts.ts'
import { replicaSelectors } from './config/replica-selectors.ts'
import type { ClusterMembership } from './controller/cluster-membership.ts'
import type { ControllerClient } from './controller/controller-client.ts'
import { type GroupCoordinator, internalTopicCreation } from './group-coordinator.ts'
import type { LogDirectories } from './log/log-directories.ts'
import type { TopicTraffic } from './metrics/topic-traffic.ts'
import { Network } from './network/network.ts'
import type { Partitions } from './replication/partitions.ts'
import { ReplicationThrottle } from './replication/replication-throttle.ts'
import { ProducerIds } from './replication/producer-ids.ts'
import type { SettingsInForce } from './settings-in-force.ts'

/** Connects the handlers of all APIs to the parts they use, and opens the listeners. */
export async function serveClients(
  parts: BrokerParts,
  served: {
    readonly membership: ClusterMembership
    readonly controller: ControllerClient
    readonly inForce: SettingsInForce
    readonly partitions: Partitions
    readonly logs: LogDirectories
    readonly traffic: TopicTraffic
    readonly groupCoordinator: GroupCoordinator
  },
): Promise<{
  readonly network: Network
  readonly dispatcher: Dispatcher
  readonly sessions: FetchSessions
  /** Each ends the wait of one fetch. */
  readonly waitingFetches: ReadonlySet<() => void>
}> {
  const { loaded, clock, random, turn, logger } = parts
  const { settings } = loaded
  const brokerId = settings['node.id']
  const { membership, controller, inForce, partitions, logs, traffic, groupCoordinator } = served
  const sessions = new FetchSessions(settings['max.incremental.fetch.session.cache.slots'], clock, random)
  const waitingFetches = new Set<() => void>()
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
      interBrokerListener: loaded.listeners.interBroker,
      leaderThrottle: new ReplicationThrottle(
        clock,
        () => inForce.broker['leader.replication.throttled.rate'],
      ),
      selectsByRack: settings['replica.selector.class'] === replicaSelectors.rack,
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
  return { network, dispatcher, sessions, waitingFetches }
}
