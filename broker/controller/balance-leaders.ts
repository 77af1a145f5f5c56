import type { MetadataImage, PartitionImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import type { DecisionContext } from './decision.ts'
import { changePartition } from './partition-change.ts'
import { viewOf } from './partition-view.ts'
import { isCordoned } from './placement.ts'

/** Leaders moved at a time: each one costs its clients a moment. */
const mostMoves = 1000

/**
 * Elections that are due without a broker coming or going: the first replica where another leads and it may lead
 * (auto.leader.rebalance.enable), and anyone where nobody leads and the topic elects uncleanly.
 */
export function balanceLeaders(image: MetadataImage, context: DecisionContext): MetadataChange[] {
  const movesBack = context.rules.balancesLeaders()
  const soonAway = aboutToRestart(image)
  return elections(image, context, ({ leader, replicas: [preferred] }) => {
    return leader === -1 || (movesBack && leader !== preferred && preferred !== soonAway)
  })
}

/**
 * What the broker is the first replica of, may lead, and does not lead. Nothing where leaders are not balanced
 * (auto.leader.rebalance.enable), nor for a cordoned broker: it is being emptied, and what it leads would move once more.
 */
export function returnLeaders(
  image: MetadataImage,
  brokerId: number,
  context: DecisionContext,
): MetadataChange[] {
  if (!context.rules.balancesLeaders() || isCordoned(image, brokerId)) return []
  return elections(image, context, ({ leader, isr, replicas: [preferred] }) => {
    return preferred === brokerId && leader !== brokerId && isr.includes(brokerId)
  })
}

function elections(
  image: MetadataImage,
  context: DecisionContext,
  isDue: (partition: PartitionImage) => boolean,
): MetadataChange[] {
  const changes: MetadataChange[] = []
  for (const topic of image.topicsById.values()) {
    const view = viewOf(image, topic, context)
    for (const [index, before] of topic.partitions.entries()) {
      if (!isDue(before)) continue
      const partition = changePartition(before, { election: 'preferred' }, view(before))
      if (partition === null || partition.leader === before.leader) continue
      changes.push({ kind: 'partition', topicId: topic.id, index, partition })
      if (changes.length === mostMoves) return changes
    }
  }
  return changes
}

/** It may restart any moment; undefined when nobody may, or its next process is there already. */
function aboutToRestart({ restartGrant, brokers }: MetadataImage): number | undefined {
  if (restartGrant === null) return undefined
  const { brokerId, incarnationId } = restartGrant
  return brokers.get(brokerId)?.incarnationId === incarnationId ? brokerId : undefined
}
