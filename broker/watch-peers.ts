import type { BrokerParts } from './broker-parts.ts'
import type { ClusterMembership } from './controller/cluster-membership.ts'
import { PeerWatch } from './peers/peer-watch.ts'
import { Peers } from './peers/peers.ts'
import type { SettingsInForce } from './settings-in-force.ts'

/** The ways to other brokers; `timeoutMs` for a connection to be made, and for answers whose request names no time. */
export function peersWithin(
  { loaded, clock, random }: BrokerParts,
  { membership, inForce }: { readonly membership: ClusterMembership; readonly inForce: SettingsInForce },
  timeoutMs: () => number,
): Peers {
  return new Peers({
    image: () => membership.image,
    listenerName: loaded.listeners.interBroker,
    clientId: `broker-${loaded.settings['node.id']}`,
    settings: () => ({
      timeoutMs: timeoutMs(),
      mostBackoffMs: inForce.broker['replica.fetch.backoff.ms'],
    }),
    clock,
    random,
  })
}

/** What is seen of other brokers goes to the membership; followed are those that are registered. */
export function watchPeers(
  parts: BrokerParts,
  of: { readonly membership: ClusterMembership; readonly inForce: SettingsInForce },
): PeerWatch {
  const { membership, inForce } = of
  const heartbeatMs = inForce.broker['broker.heartbeat.interval.ms']
  const watch = new PeerWatch({
    peers: peersWithin(parts, of, () => heartbeatMs),
    brokerId: parts.loaded.settings['node.id'],
    clock: parts.clock,
    heartbeatMs,
    isolatedAfterMs: inForce.broker['broker.session.timeout.ms'] + 2 * heartbeatMs,
    onDead: registration => membership.endDeadRegistration(registration),
    onIsolated: isIsolated => membership.isolated(isIsolated),
  })
  membership.images.onChange((next, _, { brokers }) => {
    if (brokers.size > 0) watch.apply(next)
  })
  watch.apply(membership.image)
  return watch
}
