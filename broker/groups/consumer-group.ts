// A newer consumer group (KIP-848): all that its records say. It changes by applying a record and in no other way. What
// is decided about it is decided on a fork, which applies the same records, and then thrown away.

import type { Uuid } from '../../protocol/index.ts'
import { unreachable } from '../../runtime/assert.ts'
import { partitionKey } from './assignment-draft.ts'
import { type Assignment, noPartitions } from './assignor.ts'
import { type ConsumerGroupRecord, ownedFrom } from './consumer-group-records.ts'
import {
  type ConsumerMember,
  isReconciledTo,
  leaveEpoch,
  memberStates,
  newMember,
  nothingOwned,
} from './consumer-member.ts'
import { count, DraftMap } from './draft-map.ts'
import type { GroupTopics } from './group-topics.ts'

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

export interface ResolvedExpression {
  /** In order. */
  readonly topics: readonly string[]
  /** Revision of the cluster's metadata it was resolved against. */
  readonly version: number
  readonly timestampMs: number
}

/** What is known of a group and worth no record: lost with the coordinator, found again. */
export interface ConsumerGroupNotes {
  /** Topics that the group's hash was last compared with. */
  checkedTopics: GroupTopics | undefined
  /** When its expressions were last given out to be resolved. */
  expressionsAskedAtMs: number
  /** Whether they are being resolved now. */
  resolving: boolean
}

export class ConsumerGroup {
  readonly kind = 'consumer'
  readonly groupId: string
  readonly notes: ConsumerGroupNotes
  #epoch = 0
  #metadataHash = 0n
  #targetEpoch = 0
  #targetTimestampMs = 0
  #deleted = false
  #members = new DraftMap<string, ConsumerMember>()
  #targets = new DraftMap<string, Assignment>()
  #expressions = new DraftMap<string, ResolvedExpression>()
  /** Member id by instance id. */
  #staticMembers = new DraftMap<string, string>()
  /** Epoch of the owner by partition, pending revocations included. */
  #owners = new DraftMap<string, number>()
  #nameCounts = new DraftMap<string, number>()
  #expressionCounts = new DraftMap<string, number>()
  #assignorCounts = new DraftMap<string, number>()
  #classicProtocolCounts = new DraftMap<string, number>()
  #classicMemberCount = 0

  constructor(groupId: string, notes?: ConsumerGroupNotes) {
    this.groupId = groupId
    this.notes = notes ?? {
      checkedTopics: undefined,
      expressionsAskedAtMs: Number.NEGATIVE_INFINITY,
      resolving: false,
    }
  }

  /** The same group to try records on. Must be dropped before this one changes. */
  fork(): ConsumerGroup {
    const fork = new ConsumerGroup(this.groupId, this.notes)
    fork.#epoch = this.#epoch
    fork.#metadataHash = this.#metadataHash
    fork.#targetEpoch = this.#targetEpoch
    fork.#targetTimestampMs = this.#targetTimestampMs
    fork.#classicMemberCount = this.#classicMemberCount
    fork.#members = this.#members.fork()
    fork.#targets = this.#targets.fork()
    fork.#expressions = this.#expressions.fork()
    fork.#staticMembers = this.#staticMembers.fork()
    fork.#owners = this.#owners.fork()
    fork.#nameCounts = this.#nameCounts.fork()
    fork.#expressionCounts = this.#expressionCounts.fork()
    fork.#assignorCounts = this.#assignorCounts.fork()
    fork.#classicProtocolCounts = this.#classicProtocolCounts.fork()
    return fork
  }

  /** 0 until the first member joined. */
  get epoch(): number {
    return this.#epoch
  }

  get metadataHash(): bigint {
    return this.#metadataHash
  }

  /** Epoch of the group that the target was made for; 0 before the first. */
  get targetEpoch(): number {
    return this.#targetEpoch
  }

  /** When the target was made; 0 when that is unknown. */
  get targetTimestampMs(): number {
    return this.#targetTimestampMs
  }

  /** Its last record was a tombstone: it is no more. */
  get deleted(): boolean {
    return this.#deleted
  }

  get members(): ReadonlyMap<string, ConsumerMember> {
    return this.#members.view
  }

  get expressions(): ReadonlyMap<string, ResolvedExpression> {
    return this.#expressions.view
  }

  /** Expressions that members are subscribed to, resolved or not. */
  get subscribedExpressions(): ReadonlyMap<string, number> {
    return this.#expressionCounts.view
  }

  get state(): ConsumerGroupState {
    if (this.#members.size === 0) return 'Empty'
    if (this.#epoch > this.#targetEpoch) return 'Assigning'
    for (const member of this.#members.view.values())
      if (!isReconciledTo(member, this.#targetEpoch)) return 'Reconciling'
    return 'Stable'
  }

  get classicMemberCount(): number {
    return this.#classicMemberCount
  }

  target(memberId: string): Assignment {
    return this.#targets.get(memberId) ?? noPartitions
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    const memberId = this.#staticMembers.get(instanceId)
    return memberId === undefined ? undefined : this.#members.get(memberId)
  }

  /** Epoch of the member that has the partition or has not given it up yet, or -1 when it is free. */
  ownerEpoch(topicId: Uuid, partition: number): number {
    return this.#owners.get(partitionKey(topicId, partition)) ?? -1
  }

  /** Names of topics that any member is subscribed to, by name or by a resolved expression. */
  subscribedTopicNames(): Set<string> {
    const names = new Set(this.#nameCounts.view.keys())
    for (const expression of this.#expressionCounts.view.keys())
      for (const name of this.#expressions.get(expression)?.topics ?? []) names.add(name)
    return names
  }

  isSubscribedTo(topicName: string): boolean {
    if (this.#nameCounts.has(topicName)) return true
    for (const expression of this.#expressionCounts.view.keys())
      if (this.#expressions.get(expression)?.topics.includes(topicName)) return true
    return false
  }

  /** The assignor that most members ask for; of those with equal votes the one that `configured` names first. */
  preferredAssignor(configured: readonly string[]): string {
    let preferred = configured[0] ?? 'uniform'
    let votes = 0
    for (const name of configured) {
      const own = this.#assignorCounts.get(name) ?? 0
      if (own > votes) {
        preferred = name
        votes = own
      }
    }
    return preferred
  }

  /** Whether one of `names` is supported by every classic member of the group. */
  supportsClassicProtocols(names: Iterable<string>): boolean {
    if (this.#classicMemberCount === 0) return true
    for (const name of names)
      if (this.#classicProtocolCounts.get(name) === this.#classicMemberCount) return true
    return false
  }

  apply(record: ConsumerGroupRecord): void {
    switch (record.kind) {
      case 'ConsumerGroupMetadata':
        this.#deleted = record.value === null
        if (record.value === null) return
        this.#epoch = record.value.epoch
        this.#metadataHash = record.value.metadataHash
        return
      case 'ConsumerGroupPartitionMetadata':
        return
      case 'ConsumerGroupMemberMetadata':
        this.#applyMember(record)
        return
      case 'ConsumerGroupTargetAssignmentMetadata':
        this.#targetEpoch = record.value?.assignmentEpoch ?? 0
        this.#targetTimestampMs = record.value?.assignmentTimestamp ?? 0
        return
      case 'ConsumerGroupTargetAssignmentMember':
        if (record.value === null) this.#targets.delete(record.key.memberId)
        else
          this.#targets.set(
            record.key.memberId,
            new Map(record.value.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions])),
          )
        return
      case 'ConsumerGroupCurrentMemberAssignment':
        this.#applyCurrentAssignment(record)
        return
      case 'ConsumerGroupRegularExpression': {
        const { regularExpression } = record.key
        if (record.value === null) {
          this.#expressions.delete(regularExpression)
          return
        }
        const { topics, version, timestamp } = record.value
        this.#expressions.set(regularExpression, { topics, version, timestampMs: timestamp })
        return
      }
      default:
        unreachable(record)
    }
  }

  #applyMember({ key, value }: Extract<ConsumerGroupRecord, { kind: 'ConsumerGroupMemberMetadata' }>): void {
    const before = this.#members.get(key.memberId)
    if (value === null) {
      if (before === undefined) return
      this.#countMember(before, -1)
      this.#countOwned(before, -1)
      this.#members.delete(key.memberId)
      if (before.instanceId !== null && this.#staticMembers.get(before.instanceId) === key.memberId)
        this.#staticMembers.delete(before.instanceId)
      return
    }
    const member: ConsumerMember = {
      ...(before ?? newMember(key.memberId)),
      instanceId: value.instanceId,
      rackId: value.rackId,
      clientId: value.clientId,
      clientHost: value.clientHost,
      subscribedTopicNames: value.subscribedTopicNames,
      subscribedTopicRegex: value.subscribedTopicRegex,
      rebalanceTimeoutMs: value.rebalanceTimeoutMs,
      serverAssignor: value.serverAssignor,
      classic: value.classicMemberMetadata,
    }
    if (before !== undefined) this.#countMember(before, -1)
    this.#countMember(member, 1)
    this.#members.set(key.memberId, member)
    if (member.instanceId !== null) this.#staticMembers.set(member.instanceId, key.memberId)
  }

  #applyCurrentAssignment({
    key,
    value,
  }: Extract<ConsumerGroupRecord, { kind: 'ConsumerGroupCurrentMemberAssignment' }>): void {
    const before = this.#members.get(key.memberId)
    // A compacted log may have lost the member's own record already: then its tombstones follow.
    if (before === undefined && value === null) return
    const member: ConsumerMember =
      value === null
        ? {
            ...(before ?? newMember(key.memberId)),
            memberEpoch: leaveEpoch,
            previousMemberEpoch: leaveEpoch,
            assigned: nothingOwned,
            pendingRevocation: nothingOwned,
          }
        : {
            ...(before ?? newMember(key.memberId)),
            memberEpoch: value.memberEpoch,
            previousMemberEpoch: value.previousMemberEpoch,
            state: memberStates[value.state] ?? 'unknown',
            assigned: ownedFrom(value.assignedPartitions, value.memberEpoch),
            pendingRevocation: ownedFrom(value.partitionsPendingRevocation, value.memberEpoch),
          }
    if (before !== undefined) this.#countOwned(before, -1)
    this.#countOwned(member, 1)
    this.#members.set(key.memberId, member)
  }

  #countMember(member: ConsumerMember, change: 1 | -1): void {
    for (const name of member.subscribedTopicNames) count(this.#nameCounts, name, change)
    if (isExpression(member.subscribedTopicRegex))
      count(this.#expressionCounts, member.subscribedTopicRegex, change)
    if (member.serverAssignor !== null) count(this.#assignorCounts, member.serverAssignor, change)
    if (member.classic === null) return
    this.#classicMemberCount += change
    for (const { name } of member.classic.supportedProtocols) count(this.#classicProtocolCounts, name, change)
  }

  #countOwned(member: ConsumerMember, change: 1 | -1): void {
    for (const owned of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, epochs] of owned) {
        for (const partition of epochs.keys()) {
          const key = partitionKey(topicId, partition)
          if (change === 1) this.#owners.set(key, member.memberEpoch)
          else this.#owners.delete(key)
        }
      }
    }
  }
}

/** An empty text is no subscription. */
export function isExpression(regex: string | null): regex is string {
  return regex !== null && regex !== ''
}
