import type { MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import type { DecisionContext } from './decision.ts'
import { changePartition } from './partition-change.ts'
import { viewOf } from './partition-view.ts'

/** Notes that the broker is about to stop: from then on it is given nothing to lead and joins no in-sync set. */
export function markStopping(image: MetadataImage, brokerId: number): MetadataChange[] {
  const broker = image.brokers.get(brokerId)
  const before = image.brokerStates.get(brokerId)
  if (broker === undefined || before === undefined || broker.stopping) return []
  const { id: _, modRevision: __, ...state } = before
  return [{ kind: 'brokerState', id: brokerId, state: { ...state, stoppingEpoch: broker.epoch } }]
}

/**
 * Takes a stopping broker out of leaderships and in-sync sets, as far as others can take over. Where nobody can, it
 * goes on to lead until it is gone: that costs nothing and keeps the partition up a little longer.
 */
export function moveOff(image: MetadataImage, brokerId: number, context: DecisionContext): MetadataChange[] {
  const changes: MetadataChange[] = []
  for (const topic of image.topicsById.values()) {
    const view = viewOf(image, topic, context)
    for (const [index, before] of topic.partitions.entries()) {
      if (before.leader !== brokerId && !before.isr.includes(brokerId)) continue
      const isr = before.isr.filter(id => id !== brokerId)
      if (isr.length === 0) continue
      const partition = changePartition(before, { isr }, view(before))
      if (partition === null || partition.leader === -1) continue
      changes.push({ kind: 'partition', topicId: topic.id, index, partition })
    }
  }
  return changes
}

/** Partitions that the broker leads. */
export function countLed(image: MetadataImage, brokerId: number): number {
  let count = 0
  for (const { partitions } of image.topicsById.values()) {
    for (const { leader } of partitions) if (leader === brokerId) count++
  }
  return count
}
