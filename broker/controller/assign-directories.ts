import { type ErrorName, type Uuid, zeroUuid } from '../../protocol/index.ts'
import type { BrokerImage, MetadataImage } from '../metadata/image.ts'
import type { AssignDirectories, DirectoryAssignment, Outcome } from './controller-client.ts'
import type { Decision, DecisionContext } from './decision.ts'
import { changePartition } from './partition-change.ts'
import { viewOf } from './partition-view.ts'

/**
 * Notes in which of its directories a broker has a replica (KIP-858). Where it was in a directory that the broker does
 * not have any more, its records are gone: it counts as neither in sync nor eligible nor as the last known leader.
 */
export function assignDirectory(
  image: MetadataImage,
  { brokerId }: AssignDirectories,
  { topicId, partitionIndex: index, directory }: DirectoryAssignment,
  context: DecisionContext,
): Decision<Outcome> {
  const broker = image.brokers.get(brokerId)
  const topic = image.topicsById.get(topicId)
  const before = topic?.partitions[index]
  if (topic === undefined || before === undefined || broker === undefined)
    return refuseAssignment('UNKNOWN_TOPIC_OR_PARTITION', 'There is no such partition.')
  const at = before.replicas.indexOf(brokerId)
  if (at === -1)
    return refuseAssignment('NOT_LEADER_OR_FOLLOWER', `Broker ${brokerId} has no replica of the partition.`)
  if (!broker.logDirectories.includes(directory))
    return refuseAssignment('INVALID_REQUEST', `Broker ${brokerId} has no directory ${directory}.`)

  const directories = before.replicas.map((_, place) => before.directories[place] ?? zeroUuid)
  const isGone = isLostFrom(broker, directories[at] ?? zeroUuid)
  directories[at] = directory
  const edit = {
    directories,
    isr: isGone ? before.isr.filter(id => id !== brokerId) : before.isr,
    isUnclean: (id: number) => isGone && id === brokerId,
    isGone: (id: number) => isGone && id === brokerId,
  }
  const partition = changePartition(before, edit, viewOf(image, topic, context)(before))
  return {
    changes: partition === null ? [] : [{ kind: 'partition', topicId, index, partition }],
    result: { error: 'NONE', message: null },
  }
}

function refuseAssignment(error: ErrorName, message: string): Decision<Outcome> {
  return { changes: [], result: { error, message } }
}

function isLostFrom({ logDirectories }: BrokerImage, directory: Uuid): boolean {
  return directory !== zeroUuid && !logDirectories.includes(directory)
}
