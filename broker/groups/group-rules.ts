import type { ErrorName, Uuid } from '../../protocol/index.ts'
import { classicGroupRules } from './classic-group-rules.ts'
import { consumerGroupRules } from './consumer-group-rules.ts'
import type { Group, GroupKind } from './group.ts'
import type { GroupRecord } from './group-records.ts'
import type { GroupEffect, GroupDecision } from './group-state.ts'
import type { GroupParts } from './group-settings.ts'

/** What positions, expiry and administration ask of a group whatever its kind. Pure functions. */
export interface GroupRules<Kind extends Group> {
  /** As in ListGroups and its filter: 'classic', 'consumer', … */
  readonly type: string
  /** As clients see it: 'Empty', 'Stable', … */
  stateName(group: Kind): string
  /** '' for groups made by commits alone. */
  protocolType(group: Kind): string
  memberCount(group: Kind): number
  /** NONE, or why a commit is refused; or a function that says it partition by partition (zero uuid: id unknown). */
  checkCommit(
    group: Kind,
    commit: CommitIdentity,
  ): ErrorName | ((topicId: Uuid, partition: number) => ErrorName)
  /** What a commit that was let in does to the group besides: it keeps the member's session alive. */
  effectsOfCommit(group: Kind, commit: CommitIdentity, parts: GroupParts): readonly GroupEffect[]
  checkOffsetFetch(group: Kind, member: { readonly id: string | null; readonly epoch: number }): ErrorName
  /** A topic that members want: its positions neither expire nor may be deleted. */
  isSubscribedTo(group: Kind, topic: string): boolean
  checkOffsetDelete(group: Kind): ErrorName
  checkDelete(group: Kind): ErrorName
  /** From when the retention of positions counts: never, each from its commit, or all from a moment (wall clock). */
  offsetsExpireSince(group: Kind): 'never' | 'commit' | number
  /** Every record that makes the group forgotten; its positions are not among them. */
  tombstones(group: Kind): readonly GroupRecord[]
  /** After a load: sessions that begin anew, limits that have changed. */
  loaded(group: Kind, parts: GroupParts): GroupDecision
}

export interface CommitIdentity {
  readonly memberId: string
  readonly instanceId: string | null
  /** Or member epoch; negative: no member. */
  readonly generation: number
  readonly apiVersion: number
  readonly isTransactional: boolean
}

const rules: { readonly [Kind in GroupKind]: GroupRules<Extract<Group, { readonly kind: Kind }>> } = {
  classic: classicGroupRules,
  consumer: consumerGroupRules,
}

export function rulesOf<Kind extends Group>(group: Kind): GroupRules<Kind> {
  return rules[group.kind] as GroupRules<Kind>
}
