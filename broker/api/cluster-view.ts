import type { ErrorName } from '../../protocol/index.ts'
import { type BrokerImage, isAlive, type MetadataImage, type PartitionImage } from '../metadata/image.ts'

/** How the cluster looks to a client of one listener: what Metadata and DescribeTopicPartitions both say. */

export interface BrokerEndpoint {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
  readonly fenced: boolean
}

/**
 * Brokers that can be reached on `listenerName`, by id; those that are not let in, or are away, only when asked for.
 */
export function brokerEndpoints(
  image: MetadataImage,
  listenerName: string,
  options: { readonly includeFenced?: boolean } = {},
): BrokerEndpoint[] {
  const endpoints: BrokerEndpoint[] = []
  const add = (broker: Pick<BrokerImage, 'id' | 'rack' | 'listeners'>, fenced: boolean): void => {
    const listener = broker.listeners.find(({ name }) => name === listenerName)
    if (listener === undefined) return
    endpoints.push({ id: broker.id, host: listener.host, port: listener.port, rack: broker.rack, fenced })
  }
  for (const broker of image.brokers.values())
    if (!broker.fenced || options.includeFenced === true) add(broker, broker.fenced)
  if (options.includeFenced === true)
    for (const state of image.brokerStates.values()) if (!image.brokers.has(state.id)) add(state, true)
  return endpoints.sort((a, b) => a.id - b.id)
}

/** Any live broker will do: it passes on what only the controller can decide. The controller itself when it is alive. */
export function controllerForClients(image: MetadataImage, endpoints: readonly BrokerEndpoint[]): number {
  const controllerId = image.controller?.id ?? -1
  return endpoints.some(({ id }) => id === controllerId) ? controllerId : (endpoints[0]?.id ?? -1)
}

export interface PartitionView {
  readonly error: ErrorName
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offlineReplicas: readonly number[]
}

/** A partition without a live leader says LEADER_NOT_AVAILABLE; a leader without this listener LISTENER_NOT_FOUND. */
export function partitionView(
  image: MetadataImage,
  partition: PartitionImage,
  listenerName: string,
): PartitionView {
  const leader = image.brokers.get(partition.leader)
  const error: ErrorName =
    leader === undefined || leader.fenced
      ? 'LEADER_NOT_AVAILABLE'
      : leader.listeners.some(({ name }) => name === listenerName)
        ? 'NONE'
        : 'LISTENER_NOT_FOUND'
  return {
    error,
    leader: error === 'NONE' ? partition.leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicas: partition.replicas,
    isr: partition.isr,
    offlineReplicas: partition.replicas.filter(id => !isAlive(image, id)),
  }
}
