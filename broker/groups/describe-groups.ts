import type { ErrorName } from '../../protocol/index.ts'
import { type ClassicGroup, classicStateNames, memberMetadata, noBytes } from './classic-group.ts'
import { rulesOf } from './group-rules.ts'
import type { GroupState } from './group-state.ts'

/** What administrators see. Groups whose making is not replicated yet are not there for them. */

export interface ListedGroup {
  readonly groupId: string
  readonly protocolType: string
  readonly state: string
  readonly type: string
}

/** Names in any case; an empty list lets all pass. */
export interface GroupFilter {
  readonly states: readonly string[]
  readonly types: readonly string[]
}

export function listGroups(state: GroupState, filter: GroupFilter): ListedGroup[] {
  const states = new Set(filter.states.map(name => name.toLowerCase()))
  const types = new Set(filter.types.map(name => name.toLowerCase()))
  const listed: ListedGroup[] = []
  for (const [groupId, group] of state.groups.committedEntries()) {
    const rules = rulesOf(group)
    if (types.size > 0 && !types.has(rules.type)) continue
    const stateName = rules.stateName(group)
    if (states.size > 0 && !states.has(stateName.toLowerCase())) continue
    listed.push({ groupId, protocolType: rules.protocolType(group), state: stateName, type: rules.type })
  }
  return listed
}

export interface DescribedGroup {
  readonly error: ErrorName
  readonly message: string | null
  readonly groupId: string
  readonly state: string
  readonly protocolType: string
  readonly protocol: string
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly metadata: Buffer
    readonly assignment: Buffer
  }[]
}

/** DescribeGroups shows classic groups only; for it, others are not there. */
export function describeClassicGroup(state: GroupState, groupId: string): DescribedGroup {
  const group = state.groups.committed(groupId)
  if (group === undefined) return undescribed(groupId, 'GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
  if (group.kind !== 'classic') {
    return undescribed(groupId, 'GROUP_ID_NOT_FOUND', `Group ${groupId} is not a classic group.`)
  }
  const { protocolType, protocol } = group
  const isStable = group.state === 'stable'
  return {
    error: 'NONE',
    message: null,
    groupId,
    state: classicStateNames[group.state],
    protocolType: protocolType ?? '',
    protocol: isStable ? (protocol ?? '') : '',
    members: describeMembers(group, isStable),
  }
}

export function undescribed(groupId: string, error: ErrorName, message: string | null): DescribedGroup {
  const state = error === 'GROUP_ID_NOT_FOUND' ? classicStateNames.dead : ''
  return { error, message, groupId, state, protocolType: '', protocol: '', members: [] }
}

function describeMembers(group: ClassicGroup, isStable: boolean): DescribedGroup['members'] {
  return Array.from(group.members.values(), member => ({
    memberId: member.id,
    instanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    metadata: isStable ? memberMetadata(group, member) : noBytes,
    assignment: isStable ? member.assignment : noBytes,
  }))
}
