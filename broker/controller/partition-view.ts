import { configsOf, type MetadataImage, type PartitionImage, type TopicImage } from '../metadata/image.ts'
import type { DecisionContext } from './decision.ts'
import type { PartitionView } from './partition-change.ts'
import { hasDirectory, onlyDirectoryOf } from './replica-directories.ts'

/** The feature level from which eligible leader replicas are kept (KIP-966). */
const eligibleLeaderReplicas = 'eligible.leader.replicas.version'

/**
 * What changes of the topic's partitions are decided on. `letsIn`: brokers that wait to be let in may lead already,
 * since that is decided together with their admission.
 */
export function viewOf(
  image: MetadataImage,
  topic: TopicImage,
  { rules }: DecisionContext,
  { letsIn = false }: { readonly letsIn?: boolean } = {},
): TopicView {
  const electsUncleanly = rules.electsUncleanly(topic.name)
  const minInsyncReplicas = minInsyncReplicasOf(image, topic.name)
  const keepsEligible = (image.features.finalized.get(eligibleLeaderReplicas) ?? 0) > 0
  const isHere = (id: number, partition: PartitionImage): boolean => {
    const broker = image.brokers.get(id)
    return broker !== undefined && (letsIn || !broker.fenced) && hasDirectory(broker, partition)
  }
  return partition => ({
    canLead: id => isHere(id, partition) && image.brokers.get(id)?.stopping === false,
    canStay: id => isHere(id, partition),
    electsUncleanly,
    minInsyncReplicas,
    keepsEligible,
    directoryOf: id => onlyDirectoryOf(image, id),
  })
}

export type TopicView = (partition: PartitionImage) => PartitionView

/**
 * The smallest min.insync.replicas that a leader of the topic may go by: brokers can have been started with different
 * ones. Who is counted as eligible leader by it is so for every leader, since none moves its high watermark meanwhile.
 */
export function minInsyncReplicasOf(image: MetadataImage, topic: string): number {
  return minInsyncReplicasRange(image, topic).least
}

/** The smallest and the largest that a leader may go by. */
export function minInsyncReplicasRange(
  image: MetadataImage,
  topic: string,
): { readonly least: number; readonly most: number } {
  const setting = 'min.insync.replicas'
  const override =
    configsOf(image, 'topic', topic).get(setting) ?? configsOf(image, 'broker', '').get(setting)
  if (override !== undefined) return { least: Number(override), most: Number(override) }
  const started = Array.from(image.brokers.values(), broker => broker.minInsyncReplicas)
  if (started.length === 0) return { least: 1, most: 1 }
  return { least: Math.min(...started), most: Math.max(...started) }
}
