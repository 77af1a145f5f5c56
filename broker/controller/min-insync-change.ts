import { configsOf, type MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import { type DecisionContext, withUncommitted } from './decision.ts'
import { changePartition } from './partition-change.ts'
import { viewOf } from './partition-view.ts'

const setting = 'min.insync.replicas'

/**
 * What has to be written before these changes of configuration: where a smaller min.insync.replicas lets a leader move
 * its high watermark again, nobody outside the in-sync set is eligible any more. In the other order, leaders would
 * learn of the new value while others still count as eligible.
 */
export function eligibleBeforeConfigs(
  image: MetadataImage,
  changes: readonly MetadataChange[],
  context: DecisionContext,
): MetadataChange[] {
  const topics = new Set<string>()
  let isClusterWide = false
  for (const change of changes) {
    if (change.kind !== 'config') continue
    const before = configsOf(image, change.type, change.name).get(setting)
    if (before === change.overrides?.get(setting)) continue
    if (change.type === 'topic') topics.add(change.name)
    else if (change.type === 'broker') isClusterWide = true
  }
  if (topics.size === 0 && !isClusterWide) return []

  const draft = withUncommitted(image, changes)
  const partitions: MetadataChange[] = []
  for (const topic of draft.topicsById.values()) {
    if (!isClusterWide && !topics.has(topic.name)) continue
    const view = viewOf(draft, topic, context)
    for (const [index, before] of topic.partitions.entries()) {
      if (before.elr.length === 0) continue
      const partition = changePartition(before, {}, view(before))
      if (partition !== null) partitions.push({ kind: 'partition', topicId: topic.id, index, partition })
    }
  }
  return partitions
}
