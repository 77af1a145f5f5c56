import type { ClassicGroup } from './classic-group.ts'
import { memberMetadata } from './classic-group.ts'
import type { GroupRecord } from './group-records.ts'

/** The group as a whole; `assignments` in the place of those that members have. */
export function groupMetadata(
  group: ClassicGroup,
  nowMs: number,
  assignments?: ReadonlyMap<string, Buffer>,
): GroupRecord {
  return {
    kind: 'GroupMetadata',
    key: { group: group.groupId },
    value: {
      protocolType: group.protocolType ?? '',
      generation: group.generation,
      protocol: group.protocol,
      leader: group.leader,
      currentStateTimestamp: nowMs,
      members: Array.from(group.members.values(), member => ({
        memberId: member.id,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: memberMetadata(group, member),
        assignment: assignments?.get(member.id) ?? member.assignment,
      })),
    },
  }
}

export function groupMetadataTombstone(groupId: string): GroupRecord {
  return { kind: 'GroupMetadata', key: { group: groupId }, value: null }
}
