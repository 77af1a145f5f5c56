// Works out who should have what, when the group has moved on and the last target is old enough.

import type { Uuid } from '../../protocol/index.ts'
import { assert } from '../../runtime/assert.ts'
import { assignors, sameAssignment } from './assignor.ts'
import { type ConsumerGroup, isExpression } from './consumer-group.ts'
import { targetEpochRecord, targetMemberRecord } from './consumer-group-records.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { ConsumerStep } from './consumer-step.ts'
import type { GroupTopics } from './group-topics.ts'

/** Makes a new target now, or sees to it that one is made when it is due. */
export function updateTarget(step: ConsumerStep): void {
  const { group, context } = step
  if (group.epoch <= group.targetEpoch || group.members.size === 0) return
  const sinceMs = context.nowMs - group.targetTimestampMs
  const waitMs = context.settings.assignmentIntervalMs - sinceMs
  // A clock that was set back must not hold the group up.
  if (group.targetEpoch > 0 && waitMs > 0 && sinceMs >= 0) {
    step.effects.push({ kind: 'assignLater', afterMs: waitMs })
    return
  }
  makeTarget(step)
}

function makeTarget(step: ConsumerStep): void {
  const { group, context } = step
  const assignor = assignors.get(group.preferredAssignor(context.settings.assignors))
  assert(assignor !== undefined, 'A group wants an assignor that does not exist.', { groupId: group.groupId })

  const subscriptions = new Subscriptions(group, context.topics)
  const members = [...group.members.values()].map(member => ({
    memberId: member.memberId,
    subscribedTopicIds: subscriptions.of(member),
    assignment: group.target(member.memberId),
  }))
  const targets = assignor({ members, partitionCounts: subscriptions.partitionCounts })
  for (const [memberId, target] of targets)
    if (!sameAssignment(target, group.target(memberId)))
      step.emit(targetMemberRecord(group.groupId, memberId, target))
  step.emit(targetEpochRecord(group.groupId, group.epoch, context.nowMs))
}

/** Topic ids per member; members that subscribe alike share one set. */
class Subscriptions {
  readonly partitionCounts = new Map<Uuid, number>()
  readonly #group: ConsumerGroup
  readonly #topics: GroupTopics
  readonly #known = new Map<string, ReadonlySet<Uuid>>()

  constructor(group: ConsumerGroup, topics: GroupTopics) {
    this.#group = group
    this.#topics = topics
  }

  of({ subscribedTopicNames, subscribedTopicRegex }: ConsumerMember): ReadonlySet<Uuid> {
    // No topic's name has a space in it.
    const key = `${subscribedTopicNames.join(' ')} ${subscribedTopicRegex ?? ''}`
    let ids = this.#known.get(key)
    if (ids === undefined) {
      const resolved = isExpression(subscribedTopicRegex)
        ? (this.#group.expressions.get(subscribedTopicRegex)?.topics ?? [])
        : []
      ids = this.#find([...subscribedTopicNames, ...resolved])
      this.#known.set(key, ids)
    }
    return ids
  }

  #find(names: readonly string[]): ReadonlySet<Uuid> {
    const ids = new Set<Uuid>()
    for (const name of names) {
      const topic = this.#topics.byName(name)
      if (topic === undefined) continue
      ids.add(topic.id)
      this.partitionCounts.set(topic.id, topic.partitionCount)
    }
    return ids
  }
}
