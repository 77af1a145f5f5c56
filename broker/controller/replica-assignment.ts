import type { ErrorName } from '../../protocol/index.ts'
import { isActive, type MetadataImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/keys.ts'
import type { DecisionContext } from './decision.ts'
import { brokersForPlacement, isCordoned, placeReplicas } from './placement.ts'
import { directoriesOf, onlyDirectoryOf } from './replica-directories.ts'

/** The replica lists of new partitions, or why there are none. */
export type Assignment =
  | { readonly kind: 'placed'; readonly replicas: readonly (readonly number[])[] }
  | { readonly kind: 'refused'; readonly error: ErrorName; readonly message: string }

/** Lets placement choose. Partition numbers go on from `firstPartition`. */
export function placeNewPartitions(
  image: MetadataImage,
  options: {
    readonly partitions: number
    readonly replicationFactor: number
    readonly firstPartition: number
  },
  context: DecisionContext,
): Assignment {
  const { replicationFactor } = options
  const brokers = brokersForPlacement(image)
  const alive = brokers.filter(broker => broker.isAlive).length
  if (alive === 0) {
    return refused(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicationFactor} time(s): no broker is alive and open to new replicas.`,
    )
  }
  if (replicationFactor > brokers.length) {
    return refused(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicationFactor} time(s): the replication factor cannot be reached because only ${brokers.length} broker(s) are registered.`,
    )
  }
  return { kind: 'placed', replicas: placeReplicas(brokers, options, context.random) }
}

/**
 * Checks replica lists given by hand. `replicationFactor` is what each must have; null: what the first one has.
 * `firstPartition` is for the sentences alone.
 */
export function checkManualAssignment(
  image: MetadataImage,
  lists: readonly (readonly number[])[],
  options: { readonly firstPartition: number; readonly replicationFactor: number | null },
): Assignment {
  const expected = options.replicationFactor ?? lists[0]?.length ?? 0
  for (const [at, replicas] of lists.entries()) {
    const partition = options.firstPartition + at
    const mistake = findMistakeInReplicas(image, replicas, partition, expected)
    if (mistake !== null) return refused('INVALID_REPLICA_ASSIGNMENT', mistake)
  }
  return { kind: 'placed', replicas: lists }
}

/** A new partition: its first active replica leads, all active ones are in sync. Some replica must be active. */
export function newPartition(image: MetadataImage, replicas: readonly number[]): PartitionState {
  const active = replicas.filter(id => isActive(image, id))
  return {
    leader: active[0] ?? -1,
    leaderEpoch: 0,
    isr: active.length === replicas.length ? replicas : active,
    replicas,
    adding: [],
    removing: [],
    elr: [],
    lastKnownLeader: -1,
    directories: directoriesOf(replicas, id => onlyDirectoryOf(image, id)),
    recovering: false,
    partitionEpoch: 0,
  }
}

function findMistakeInReplicas(
  image: MetadataImage,
  replicas: readonly number[],
  partition: number,
  expected: number,
): string | null {
  if (replicas.length === 0)
    return `The manual assignment of partition ${partition} is an empty replica list.`
  const unknown = replicas.find(id => !image.brokers.has(id) && !image.brokerStates.has(id))
  if (unknown !== undefined) {
    return `The manual assignment of partition ${partition} includes broker ${unknown}, but no such broker is registered.`
  }
  const cordoned = replicas.find(id => isCordoned(image, id))
  if (cordoned !== undefined) {
    return `The manual assignment of partition ${partition} includes broker ${cordoned}, which is cordoned: it takes no new replicas.`
  }
  const repeated = replicas.find((id, at) => replicas.indexOf(id) !== at)
  if (repeated !== undefined) {
    return `The manual assignment of partition ${partition} includes broker ${repeated} more than once.`
  }
  if (replicas.length !== expected) {
    return `The manual assignment of partition ${partition} has ${replicas.length} replica(s), but the other partitions have ${expected}.`
  }
  if (!replicas.some(id => isActive(image, id))) {
    return `All brokers in the manual assignment of partition ${partition} are fenced, stopping or away.`
  }
  return null
}

function refused(error: ErrorName, message: string): Assignment {
  return { kind: 'refused', error, message }
}
