import type { ErrorName } from '../../protocol/index.ts'
import { isAlive, type MetadataImage, type PartitionImage } from '../metadata/image.ts'
import type { AlterPartition, AlterPartitionItem, NewInSyncSet, Outcome } from './controller-client.ts'
import type { Decision } from './decision.ts'

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

/** One partition's new in-sync set as its leader asks for it (KIP-497, KIP-841, KIP-903). */
export function changeInSyncSet(
  image: MetadataImage,
  brokerId: number,
  request: NewInSyncSet,
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
  const changed = {
    ...partition,
    isr,
    recovering: request.recovering,
    partitionEpoch: partition.partitionEpoch + 1,
  }
  const { modRevision: _, ...state } = changed
  return {
    changes: [{ kind: 'partition', topicId: topic.id, index: request.partitionIndex, partition: state }],
    result: describe(request, changed, { error: 'NONE', message: null }),
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
    if (!isAlive(image, brokerId)) {
      if (partition.isr.includes(brokerId)) continue
      return { error: 'INELIGIBLE_REPLICA', message: `Broker ${brokerId} is fenced or away.` }
    }
    const epoch = image.brokers.get(brokerId)?.epoch
    if (brokerEpoch !== -1 && brokerEpoch !== epoch) {
      return {
        error: 'INELIGIBLE_REPLICA',
        message: `Broker ${brokerId} has epoch ${epoch}, the request says ${brokerEpoch}.`,
      }
    }
  }
  return null
}

function refuse(
  request: NewInSyncSet,
  partition: PartitionImage | undefined,
  error: ErrorName,
  message: string,
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
