import type { BrokerParts } from './broker-parts.ts'
import type { ClusterMembership } from './controller/cluster-membership.ts'
import type { ControllerClient } from './controller/controller-client.ts'
import { hasDirectory } from './controller/replica-directories.ts'
import type { LogDirectories } from './log/log-directories.ts'
import { isActive } from './metadata/image.ts'
import type { TopicTraffic } from './metrics/topic-traffic.ts'
import { DirectoryReports } from './replication/directory-reports.ts'
import { Followers } from './replication/followers.ts'
import { InSyncSetChanges } from './replication/in-sync-set-changes.ts'
import { Partitions } from './replication/partitions.ts'
import { ReplicationThrottle } from './replication/replication-throttle.ts'
import { type ReplicationCounters, replicationCounters } from './replication/replication-counters.ts'
import type { SettingsInForce } from './settings-in-force.ts'
import { peersWithin, watchPeers } from './watch-peers.ts'

/** This broker's replicas with what lets them lead and follow: ways to other brokers and to the controller. */
export interface Replication {
  readonly partitions: Partitions
  readonly followers: Followers
  readonly counters: ReplicationCounters
  readonly directoryReports: DirectoryReports
  /** Nothing is copied and no in-sync set changed any more when it resolves; what is led is led on. */
  stop(): Promise<void>
}

export function openReplication(
  parts: BrokerParts,
  of: {
    readonly membership: ClusterMembership
    readonly controller: ControllerClient
    readonly inForce: SettingsInForce
    readonly logs: LogDirectories
    readonly traffic: TopicTraffic
  },
): Replication {
  const { loaded, clock, random, turn, logger } = parts
  const { membership, controller, inForce, logs, traffic } = of
  const brokerId = loaded.settings['node.id']
  const image = () => membership.image
  const settings = () => inForce.broker
  const brokerEpoch = () => membership.brokerEpoch
  const counters = replicationCounters()
  const changes = new InSyncSetChanges({
    authority: controller,
    brokerId,
    brokerEpoch,
    timeoutMs: () => settings()['controller.socket.timeout.ms'],
    clock,
    turn,
    random,
    logger,
  })
  const peers = peersWithin(parts, of, () => settings()['replica.socket.timeout.ms'])
  const watch = watchPeers(parts, of)
  const followers = new Followers({
    peers,
    brokerId,
    brokerEpoch,
    settings,
    clock,
    random,
    turn,
    logger,
    traffic,
    throttle: new ReplicationThrottle(clock, () => settings()['follower.replication.throttled.rate']),
  })
  inForce.dynamic.onChange((next, previous) => {
    if (next['num.replica.fetchers'] !== previous['num.replica.fetchers']) followers.spreadAnew()
  })
  const partitions = new Partitions({
    brokerId,
    clock,
    turn,
    logs,
    logger,
    topicSettings: topic => inForce.topic(topic),
    followers,
    leaderParts: {
      brokerId,
      clock,
      registeredEpoch: id => membership.image.brokers.get(id)?.epoch,
      mayJoin: (id, partition) => {
        const broker = membership.image.brokers.get(id)
        return broker !== undefined && isActive(membership.image, id) && hasDirectory(broker, partition)
      },
      maxLagMs: () => settings()['replica.lag.time.max.ms'],
      changes,
      counters,
      logger,
    },
  })
  const directoryReports = new DirectoryReports({
    brokerId,
    brokerEpoch,
    image,
    directoryOf: (topic, partition) => logs.directoryOf(topic, partition),
    assign: command => controller.assignDirectories(command),
    timeoutMs: () => settings()['controller.socket.timeout.ms'],
    clock,
    random,
    logger,
  })
  return {
    partitions,
    followers,
    counters,
    directoryReports,
    async stop() {
      await directoryReports.close()
      changes.close()
      await watch.stop()
      await followers.stop()
    },
  }
}
