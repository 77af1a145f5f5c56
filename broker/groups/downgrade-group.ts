// A consumer group becomes a classic one when the last member that speaks the newer protocol is gone (KIP-848). Its
// members keep what they have until they join again, which they are told to do at once.

import { groupTombstones } from './consumer-group-records.ts'
import type { ClassicMemberMetadata, ConsumerMember } from './consumer-member.ts'
import { writeAssignment } from './consumer-protocol.ts'
import type { ConsumerStep } from './consumer-step.ts'
import type { GroupRecord } from './group-records.ts'
import { consumerProtocolType } from './classic-group.ts'

type ClassicMember = ConsumerMember & { readonly classic: ClassicMemberMetadata }

/**
 * When only classic members are left besides those that are `leaving`, and conversion is allowed, makes a classic group
 * of them; the answer tells whether it did.
 */
export function downgradeIfLast(step: ConsumerStep, leaving: ReadonlySet<string>): boolean {
  const { group, context } = step
  const staying = [...group.members.values()].filter(({ memberId }) => !leaving.has(memberId))
  const classic = staying.filter(speaksClassic)
  if (staying.length === 0 || classic.length < staying.length) return false
  if (!context.settings.downgrades || staying.length > context.settings.classicMaxSize) return false

  const record = classicGroup(step, classic)
  for (const memberId of group.members.keys()) step.cancel(memberId)
  step.emit(...groupTombstones(group))
  step.records.push(record)
  step.effects.push({ kind: 'downgraded' })
  return true
}

function speaksClassic(member: ConsumerMember): member is ClassicMember {
  return member.classic !== null
}

function classicGroup({ group, context }: ConsumerStep, members: readonly ClassicMember[]): GroupRecord {
  const protocol = commonProtocol(members)
  return {
    kind: 'GroupMetadata',
    key: { group: group.groupId },
    value: {
      protocolType: consumerProtocolType,
      generation: group.epoch,
      protocol,
      leader: members[0]?.memberId ?? null,
      currentStateTimestamp: context.nowMs,
      members: members.map(member => {
        const subscription = metadataOf(member, protocol)
        return {
          memberId: member.memberId,
          groupInstanceId: member.instanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeout: member.rebalanceTimeoutMs,
          sessionTimeout: member.classic.sessionTimeoutMs,
          subscription,
          assignment: writeAssignment(member.assigned, context.topics, subscription),
        }
      }),
    },
  }
}

/** Of the protocols that all support the one that the first likes best: they have one, or they were not let in. */
function commonProtocol(members: readonly ClassicMember[]): string {
  const [first, ...others] = members
  const common = first?.classic.supportedProtocols.find(({ name }) =>
    others.every(({ classic }) => classic.supportedProtocols.some(protocol => protocol.name === name)),
  )
  return common?.name ?? ''
}

function metadataOf({ classic }: ClassicMember, protocol: string): Buffer {
  return classic.supportedProtocols.find(({ name }) => name === protocol)?.metadata ?? Buffer.alloc(0)
}
