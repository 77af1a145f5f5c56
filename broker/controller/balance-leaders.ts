import type { MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import type { DecisionContext } from './decision.ts'
import { changePartition } from './partition-change.ts'
import { viewOf } from './partition-view.ts'

/** Leaders moved at a time: each one costs its clients a moment. */
const mostMoves = 1000

/**
 * Elections that are due without a broker coming or going: the first replica where another leads and it may lead
 * (auto.leader.rebalance.enable), and anyone where nobody leads and the topic elects uncleanly.
 */
export function balanceLeaders(image: MetadataImage, context: DecisionContext): MetadataChange[] {
  const movesBack = context.rules.balancesLeaders()
  const changes: MetadataChange[] = []
  for (const topic of image.topicsById.values()) {
    const view = viewOf(image, topic, context)
    for (const [index, before] of topic.partitions.entries()) {
      const isDue = before.leader === -1 || (movesBack && before.leader !== before.replicas[0])
      if (!isDue) continue
      const partition = changePartition(before, { election: 'preferred' }, view(before))
      if (partition === null || partition.leader === before.leader) continue
      changes.push({ kind: 'partition', topicId: topic.id, index, partition })
      if (changes.length === mostMoves) return changes
    }
  }
  return changes
}
