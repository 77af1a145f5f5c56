// A classic group of consumers becomes a consumer group when the first member that speaks the newer protocol joins
// (KIP-848). Its members stay what they are, with what they have; the newcomer's join sets the next rebalance off.

import { type ClassicGroup, memberMetadata, usesConsumerProtocol } from './classic-group.ts'
import { groupMetadataTombstone } from './classic-group-records.ts'
import { ConsumerGroup } from './consumer-group.ts'
import {
  currentAssignmentRecord,
  groupEpochRecord,
  memberRecord,
  targetEpochRecord,
  targetMemberRecord,
} from './consumer-group-records.ts'
import { ordered } from './consumer-heartbeat.ts'
import { type ConsumerMember, newMember } from './consumer-member.ts'
import { readAssignment, readSubscription, withTopicIds } from './consumer-protocol.ts'
import { type ConsumerContext, ConsumerStep, type Refusal } from './consumer-step.ts'
import { assignmentOf } from './reconcile-member.ts'
import { partitionKey } from './assignment-draft.ts'

/** A step on the new group, with the records that make it in the place of the old one. */
export function upgradeGroup(classic: ClassicGroup, context: ConsumerContext): ConsumerStep | Refusal {
  const { groupId, generation } = classic
  const { settings } = context
  if (!settings.upgrades) return cannot(groupId, 'the online upgrade is disabled')
  if (!usesConsumerProtocol(classic))
    return cannot(groupId, 'the group does not use the consumer embedded protocol')
  if (classic.members.size > settings.maxSize)
    return cannot(groupId, 'its size exceeds the maximum size of a consumer group')
  const members = convertMembers(classic, context)
  if (members === undefined) return cannot(groupId, 'the embedded consumer protocol is malformed')

  const step = new ConsumerStep(new ConsumerGroup(groupId), context)
  step.records.push(groupMetadataTombstone(groupId))
  step.emit(
    ...members.map(member => memberRecord(groupId, member)),
    groupEpochRecord(groupId, generation, 0n),
    ...members.map(member => targetMemberRecord(groupId, member.memberId, assignmentOf(member.assigned))),
    // Without a time: the newcomer's target need not wait.
    targetEpochRecord(groupId, generation, 0),
    ...members.map(member => currentAssignmentRecord(groupId, member)),
  )
  for (const { memberId, classic: own } of members) step.schedule('session', memberId, own!.sessionTimeoutMs)
  return step
}

function cannot(groupId: string, why: string): Refusal {
  return {
    error: 'GROUP_ID_NOT_FOUND',
    message: `Cannot upgrade classic group ${groupId} to consumer group because ${why}.`,
  }
}

/** Undefined when one of them speaks something else. */
function convertMembers(classic: ClassicGroup, { topics }: ConsumerContext): ConsumerMember[] | undefined {
  const members: ConsumerMember[] = []
  const taken = new Set<string>()
  for (const member of classic.members.values()) {
    const metadata = [...member.protocols.values()][0] ?? memberMetadata(classic, member)
    const subscription = readSubscription(metadata)
    const assignment = readAssignment(member.assignment)
    if (subscription === null || assignment === null) return undefined
    const assigned = new Map<string, Map<number, number>>()
    for (const { topicId, partitions } of withTopicIds(assignment, topics)) {
      for (const partition of partitions) {
        // A client's assignor may have given a partition twice; here the first keeps it.
        const key = partitionKey(topicId, partition)
        if (taken.has(key)) continue
        taken.add(key)
        const epochs = assigned.get(topicId)
        if (epochs === undefined) assigned.set(topicId, new Map([[partition, classic.generation]]))
        else epochs.set(partition, classic.generation)
      }
    }
    members.push({
      ...newMember(member.id),
      memberEpoch: classic.generation,
      previousMemberEpoch: classic.generation,
      instanceId: member.instanceId,
      rackId: subscription.rackId === '' ? null : subscription.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: ordered(subscription.topics),
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      classic: {
        sessionTimeoutMs: member.sessionTimeoutMs,
        supportedProtocols: Array.from(member.protocols, ([name, bytes]) => ({ name, metadata: bytes })),
      },
      assigned,
    })
  }
  return members
}
