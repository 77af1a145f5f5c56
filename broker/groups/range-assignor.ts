// Gives every subscriber of a topic a like number of its partitions, topic by topic, so that the same partitions of
// topics with equal numbers of them fall to the same member, which can then join them. What members have they keep
// where that allows it.

import type { Uuid } from '../../protocol/index.ts'
import {
  addPartition,
  compareText,
  type DraftMember,
  emptyDraft,
  finished,
  inOrder,
} from './assignment-draft.ts'
import type { Assignment, AssignorInput, AssignorMember } from './assignor.ts'

export function rangeAssignor(input: AssignorInput): ReadonlyMap<string, Assignment> {
  const members = inOrder(input)
  const drafts = members.map(emptyDraft)
  const topicIds = [...new Set(members.flatMap(({ subscribedTopicIds }) => [...subscribedTopicIds]))]
  for (const topicId of topicIds.sort(compareText)) {
    const subscribers = members.flatMap((member, index) =>
      member.subscribedTopicIds.has(topicId) ? [{ member, draft: drafts[index]! }] : [],
    )
    assignTopic(topicId, input.partitionCounts.get(topicId) ?? 0, subscribers)
  }
  return finished(drafts)
}

interface Subscriber {
  readonly member: AssignorMember
  readonly draft: DraftMember
}

function assignTopic(topicId: Uuid, partitionCount: number, subscribers: readonly Subscriber[]): void {
  const least = Math.floor(partitionCount / subscribers.length)
  let extras = partitionCount % subscribers.length
  const taken = new Set<number>()

  const unfilled: { draft: DraftMember; missing: number }[] = []
  for (const { member, draft } of subscribers) {
    const had = [...(member.assignment.get(topicId) ?? [])]
      .filter(partition => partition < partitionCount && !taken.has(partition))
      .sort((a, b) => a - b)
    let kept = had.slice(0, least)
    if (had.length > least && extras > 0) {
      extras--
      kept = had.slice(0, least + 1)
    } else {
      unfilled.push({ draft, missing: least - kept.length })
    }
    for (const partition of kept) {
      addPartition(draft, topicId, partition)
      taken.add(partition)
    }
  }

  let next = 0
  for (const { draft, missing } of unfilled) {
    let room = missing
    if (extras > 0) {
      extras--
      room++
    }
    for (; room > 0; room--) {
      while (taken.has(next)) next++
      addPartition(draft, topicId, next++)
    }
  }
}
