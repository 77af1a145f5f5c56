import type { ErrorName } from '../../protocol/index.ts'
import type { BrokerImage, MetadataImage, PartitionImage } from '../metadata/image.ts'
import type { AlterPartition, AlterPartitionItem, NewInSyncSet, Outcome } from './controller-client.ts'
import type { Decision, DecisionContext } from './decision.ts'
import { changePartition } from './partition-change.ts'
import { viewOf } from './partition-view.ts'
import { hasDirectory } from './replica-directories.ts'

/** Whether the sender is who it says, in the registration it says. */
export function checkSender(
  image: MetadataImage,
  { brokerId, brokerEpoch }: Pick<AlterPartition, 'brokerId' | 'brokerEpoch'>,
): Outcome {
  const broker = image.brokers.get(brokerId)
  if (broker === undefined) {
    return { error: 'BROKER_ID_NOT_REGISTERED', message: `Broker ${brokerId} is not registered.` }
  }
  if (broker.epoch !== brokerEpoch) {
    return {
      error: 'STALE_BROKER_EPOCH',
      message: `Broker ${brokerId} has epoch ${broker.epoch}, the request says ${brokerEpoch}.`,
    }
  }
  return { error: 'NONE', message: null }
}

/**
 * One partition's new in-sync set as its leader asks for it (KIP-497, KIP-841, KIP-903). Where it finishes a
 * reassignment that takes the leader away, the change is made and the answer is NEW_LEADER_ELECTED.
 */
export function changeInSyncSet(
  image: MetadataImage,
  brokerId: number,
  request: NewInSyncSet,
  context: DecisionContext,
): Decision<AlterPartitionItem> {
  const topic = image.topicsById.get(request.topicId)
  if (topic === undefined) return refuse(request, undefined, 'UNKNOWN_TOPIC_ID', 'No topic has this id.')
  const partition = topic.partitions[request.partitionIndex]
  if (partition === undefined) {
    return refuse(request, undefined, 'UNKNOWN_TOPIC_OR_PARTITION', 'The topic has no such partition.')
  }
  const refusal = findRefusal(image, brokerId, partition, request)
  if (refusal !== null) return refuse(request, partition, refusal.error, refusal.message)

  const isr = request.newIsr.map(member => member.brokerId)
  const edit = { isr, recovering: request.recovering }
  const changed = changePartition(partition, edit, viewOf(image, topic, context)(partition))
  if (changed === null) return refuse(request, partition, 'NONE', null)
  const outcome: Outcome =
    changed.leader === brokerId
      ? { error: 'NONE', message: null }
      : { error: 'NEW_LEADER_ELECTED', message: `Broker ${changed.leader} leads the partition now.` }
  return {
    changes: [{ kind: 'partition', topicId: topic.id, index: request.partitionIndex, partition: changed }],
    result: describe(request, changed, outcome),
  }
}

interface Refusal {
  readonly error: ErrorName
  readonly message: string
}

function findRefusal(
  image: MetadataImage,
  brokerId: number,
  partition: PartitionImage,
  request: NewInSyncSet,
): Refusal | null {
  const { leader, leaderEpoch, partitionEpoch, replicas } = partition
  if (request.leaderEpoch > leaderEpoch || request.partitionEpoch > partitionEpoch) {
    return { error: 'NOT_CONTROLLER', message: 'The request knows a newer epoch than this controller.' }
  }
  if (request.leaderEpoch < leaderEpoch) {
    return { error: 'FENCED_LEADER_EPOCH', message: `The partition's leader epoch is ${leaderEpoch}.` }
  }
  if (brokerId !== leader) {
    return { error: 'INVALID_REQUEST', message: `Broker ${leader} leads the partition, not ${brokerId}.` }
  }
  if (request.partitionEpoch < partitionEpoch) {
    return { error: 'INVALID_UPDATE_VERSION', message: `The partition's epoch is ${partitionEpoch}.` }
  }
  const members = request.newIsr.map(member => member.brokerId)
  const isSubset = members.every((id, at) => replicas.includes(id) && members.indexOf(id) === at)
  if (!isSubset || !members.includes(leader)) {
    return {
      error: 'INVALID_REQUEST',
      message: 'The in-sync set must be some of the replicas, each once, and include the leader.',
    }
  }
  if (request.recovering && members.length > 1) {
    return {
      error: 'INVALID_REQUEST',
      message: 'A leader that is still recovering is alone in the in-sync set.',
    }
  }
  if (request.recovering && !partition.recovering) {
    return {
      error: 'INVALID_REQUEST',
      message: 'A partition does not go from recovered to recovering by its leader.',
    }
  }
  return findIneligibleMember(image, partition, request)
}

/** Only members that join are looked at: one that is to leave would otherwise hold up every other change. */
function findIneligibleMember(
  image: MetadataImage,
  partition: PartitionImage,
  request: NewInSyncSet,
): Refusal | null {
  for (const { brokerId, brokerEpoch } of request.newIsr) {
    const broker = image.brokers.get(brokerId)
    const obstacle = findObstacle(broker, brokerEpoch, partition)
    if (obstacle === null) continue
    const isMember = partition.isr.includes(brokerId)
    if (isMember && (broker === undefined || isLeaving(broker, partition))) continue
    return { error: 'INELIGIBLE_REPLICA', message: `Broker ${brokerId} ${obstacle}.` }
  }
  return null
}

function isLeaving(broker: BrokerImage, partition: PartitionImage): boolean {
  return broker.fenced || broker.stopping || !hasDirectory(broker, partition)
}

function findObstacle(
  broker: BrokerImage | undefined,
  epoch: number,
  partition: PartitionImage,
): string | null {
  if (broker === undefined) return 'is away'
  if (broker.fenced) return 'is not let in yet'
  if (broker.stopping) return 'is about to stop'
  if (!hasDirectory(broker, partition)) return 'does not have the directory of this replica any more'
  if (epoch === -1 || epoch === broker.epoch) return null
  return `has epoch ${broker.epoch}, the request says ${epoch}`
}

function refuse(
  request: NewInSyncSet,
  partition: PartitionImage | undefined,
  error: ErrorName,
  message: string | null,
): Decision<AlterPartitionItem> {
  return { changes: [], result: describe(request, partition, { error, message }) }
}

export function describe(
  { topicId, partitionIndex }: NewInSyncSet,
  partition: Omit<PartitionImage, 'modRevision'> | undefined,
  { error, message }: Outcome,
): AlterPartitionItem {
  return {
    error,
    message,
    topicId,
    partitionIndex,
    leader: partition?.leader ?? -1,
    leaderEpoch: partition?.leaderEpoch ?? -1,
    isr: partition?.isr ?? [],
    recovering: partition?.recovering ?? false,
    partitionEpoch: partition?.partitionEpoch ?? -1,
  }
}
