import { errorName, findCoordinator, listGroups, offsetCommit, offsetFetch } from '../../protocol/index.ts'
import type { BrokerConnection } from './broker-connection.ts'

/** What tests of groups on a whole broker ask for. Positions are those of partition 1 of the topic `t`. */

export const groupBrokerSettings = {
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '3',
  'group.initial.rebalance.delay.ms': '0',
}

/** Asks until the coordinator is there, and its partitions are loaded. */
export async function coordinatorOf(asking: BrokerConnection, key: string): Promise<number> {
  for (const deadlineMs = performance.now() + 20_000; performance.now() < deadlineMs; ) {
    const { coordinators } = await asking.request(findCoordinator, 4, { keyType: 0, coordinatorKeys: [key] })
    const listed = await asking.request(listGroups, 4, {})
    if (coordinators[0]?.errorCode === 0 && listed.errorCode === 0) return coordinators[0].nodeId
    const error = errorName(coordinators[0]?.errorCode ?? 0)
    if (error !== 'COORDINATOR_NOT_AVAILABLE' && error !== 'NONE') throw new Error(error)
  }
  throw new Error('There is no coordinator.')
}

export async function commit(
  asking: BrokerConnection,
  version: number,
  groupId: string,
  offset: number,
  given: { readonly member?: string; readonly topicId?: string } = {},
) {
  const partitions = [{ partitionIndex: 1, committedOffset: offset, committedMetadata: 'note' }]
  const named = version >= 10 ? { topicId: given.topicId ?? '' } : { name: 't' }
  const answer = await asking.request(offsetCommit, version, {
    groupId,
    generationIdOrMemberEpoch: given.member === undefined ? -1 : 1,
    memberId: given.member ?? '',
    topics: [{ ...named, partitions }],
  })
  return errorName(answer.topics[0]?.partitions[0]?.errorCode ?? -1)
}

export async function committed(asking: BrokerConnection, version: number, groupId: string, topicId = '') {
  const named = version >= 10 ? { topicId } : { name: 't' }
  const asked = { ...named, partitionIndexes: [1, 2] }
  if (version >= 8) {
    const answer = await asking.request(offsetFetch, version, { groups: [{ groupId, topics: [asked] }] })
    return answer.groups[0]?.topics[0]?.partitions.map(({ committedOffset, metadata: note }) => [
      committedOffset,
      note,
    ])
  }
  const topics = [{ name: 't', partitionIndexes: [1, 2] }]
  const answer = await asking.request(offsetFetch, version, { groupId, topics })
  return answer.topics[0]?.partitions.map(({ committedOffset, metadata: note }) => [committedOffset, note])
}

/** Both ends included. */
export const versions = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)
