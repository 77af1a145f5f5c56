import type { BrokerStatus } from './control/broker-status.ts'
import type { ClusterMembership } from './controller/cluster-membership.ts'
import type { LogDirectories } from './log/log-directories.ts'
import type { Replication } from './open-replication.ts'
import { release } from './release.ts'
import { isAtMinInsyncReplicas } from './broker-metrics.ts'
import type { StartingHealth } from './starting-health.ts'

/** Undefined until they are opened. */
export interface OpenedParts {
  readonly logs?: LogDirectories | undefined
  readonly replication?: Replication | undefined
}

/** What this broker says of itself. */
export function describeBroker(
  of: OpenedParts & {
    readonly brokerId: number
    readonly membership: ClusterMembership
    readonly health: StartingHealth
  },
): BrokerStatus {
  const { brokerId, membership, health, logs, replication } = of
  const { image } = membership
  const { controller } = image
  return {
    brokerId,
    clusterId: membership.clusterId,
    release,
    state: health.state,
    notReady: health.ready(),
    recovery: health.progress,
    replicas: replication === undefined ? null : countReplicas(replication),
    isRegistered: membership.isRegistered,
    brokerEpoch: membership.brokerEpoch ?? -1,
    isController: membership.controllerEpoch !== undefined,
    controller: controller === null ? null : { brokerId: controller.id, epoch: controller.epoch },
    revision: image.revision,
    logDirectories: (logs?.facts() ?? []).map(
      ({ path, error, message, isFull, totalBytes, usableBytes }) => ({
        path,
        failure: error === 'NONE' ? '' : (message ?? error),
        isFull,
        totalBytes,
        usableBytes,
      }),
    ),
  }
}

function countReplicas({ partitions, followers }: Replication): NonNullable<BrokerStatus['replicas']> {
  let leaders = 0
  let underReplicated = 0
  let underMinIsr = 0
  let atMinIsr = 0
  let offline = 0
  for (const partition of partitions.all()) {
    if (partition.isOffline) offline++
    if (!partition.isLeader) continue
    leaders++
    if (partition.isr.length < partition.state.replicas.length) underReplicated++
    if (partition.isUnderMinInsyncReplicas) underMinIsr++
    else if (isAtMinInsyncReplicas(partition)) atMinIsr++
  }
  const { maxLag } = followers
  return { total: partitions.size, leaders, underReplicated, underMinIsr, atMinIsr, offline, maxLag }
}
