import type { ErrorName } from '../../protocol/index.ts'
import {
  checkMember,
  type ClassicGroup,
  classicStateNames,
  subscribedTopics,
  usesConsumerProtocol,
} from './classic-group.ts'
import { groupMetadataTombstone } from './classic-group-records.ts'
import { classicDecision, sessionEffect } from './classic-decision.ts'
import { afterLoad } from './classic-members.ts'
import type { CommitIdentity, GroupRules } from './group-rules.ts'

export const classicGroupRules: GroupRules<ClassicGroup> = {
  type: 'classic',
  stateName: group => classicStateNames[group.state],
  protocolType: group => group.protocolType ?? '',
  memberCount: group => group.members.size,
  checkCommit,
  effectsOfCommit(group, { memberId }, parts) {
    const member = group.members.get(memberId)
    const refreshes = group.state === 'stable' || group.state === 'preparingRebalance'
    if (member === undefined || !refreshes) return []
    return [sessionEffect(group.groupId, memberId, member.sessionTimeoutMs, parts)]
  },
  checkOffsetFetch: () => 'NONE',
  isSubscribedTo(group, topic) {
    if (group.protocolType === null) return false
    return subscribedTopics(group)?.has(topic) ?? usesConsumerProtocol(group)
  },
  checkOffsetDelete: group =>
    group.state === 'empty' || usesConsumerProtocol(group) ? 'NONE' : 'NON_EMPTY_GROUP',
  checkDelete: group => (group.state === 'empty' ? 'NONE' : 'NON_EMPTY_GROUP'),
  offsetsExpireSince(group) {
    if (group.protocolType === null) return 'commit'
    if (group.state === 'empty') return group.stateSinceMs === -1 ? 'commit' : group.stateSinceMs
    return group.state === 'stable' && usesConsumerProtocol(group) && subscribedTopics(group) !== null
      ? 'commit'
      : 'never'
  },
  tombstones: group => [groupMetadataTombstone(group.groupId)],
  loaded: (group, parts) => classicDecision(afterLoad(group, parts.now()), parts),
}

/**
 * Without a generation (an administrator, a consumer without group management) only while nobody is in. Members may
 * commit while others join again, but not between joining and the assignment.
 */
function checkCommit(group: ClassicGroup, commit: CommitIdentity): ErrorName {
  const { memberId, instanceId, generation, isTransactional } = commit
  if (generation < 0 && group.state === 'empty') return 'NONE'
  if (generation >= 0 || memberId !== '' || instanceId !== null) {
    const error = checkMember(group, memberId, instanceId)
    if (error !== 'NONE') return error
    if (generation !== group.generation) return 'ILLEGAL_GENERATION'
  } else if (!isTransactional) {
    return 'UNKNOWN_MEMBER_ID'
  }
  return !isTransactional && group.state === 'completingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE'
}
