import type { ErrorName } from '../../protocol/index.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ElectLeaders, PartitionResult, PartitionName } from './controller-client.ts'
import type { Decision, DecisionContext } from './decision.ts'
import { changePartition } from './partition-change.ts'
import { viewOf } from './partition-view.ts'

/** What the command names; for null all partitions that do not have the leader it is about. */
export function partitionsToElect(image: MetadataImage, command: ElectLeaders): readonly PartitionName[] {
  if (command.partitions !== null) return command.partitions
  const partitions: PartitionName[] = []
  for (const { name: topic, partitions: states } of image.topicsByName.values()) {
    for (const [partition, { leader, replicas }] of states.entries()) {
      const hasWanted = command.election === 'preferred' ? leader === replicas[0] : leader !== -1
      if (!hasWanted) partitions.push({ topic, partition })
    }
  }
  return partitions
}

/** ElectLeaders for one partition (KIP-460). */
export function electLeader(
  image: MetadataImage,
  item: PartitionName,
  election: ElectLeaders['election'],
  context: DecisionContext,
): Decision<PartitionResult> {
  const topic = image.topicsByName.get(item.topic)
  const before = topic?.partitions[item.partition]
  if (topic === undefined || before === undefined) {
    const what = topic === undefined ? `topic ${item.topic}` : `partition ${item.topic}-${item.partition}`
    return refuseElection(item, 'UNKNOWN_TOPIC_OR_PARTITION', `There is no ${what}.`)
  }
  const preferred = before.replicas[0]
  if (election === 'preferred' ? before.leader === preferred : before.leader !== -1) {
    return refuseElection(item, 'ELECTION_NOT_NEEDED', `Broker ${before.leader} leads the partition already.`)
  }
  const partition = changePartition(before, { election }, viewOf(image, topic, context)(before))
  const isElected =
    election === 'preferred' ? partition?.leader === preferred : (partition?.leader ?? -1) !== -1
  if (partition === null || !isElected) {
    return election === 'preferred'
      ? refuseElection(
          item,
          'PREFERRED_LEADER_NOT_AVAILABLE',
          `The first replica, broker ${preferred}, is not in sync, or is away or stopping.`,
        )
      : refuseElection(item, 'ELIGIBLE_LEADERS_NOT_AVAILABLE', 'None of the replicas is there.')
  }
  return {
    changes: [{ kind: 'partition', topicId: topic.id, index: item.partition, partition }],
    result: { ...item, error: 'NONE', message: null },
  }
}

export function refuseElection(
  item: PartitionName,
  error: ErrorName,
  message: string,
): Decision<PartitionResult> {
  return { changes: [], result: { ...item, error, message } }
}
