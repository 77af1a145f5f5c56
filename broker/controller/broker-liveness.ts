import type { BrokerImage, MetadataImage, PartitionImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import type { DecisionContext } from './decision.ts'
import { changePartition } from './partition-change.ts'
import { viewOf } from './partition-view.ts'
import { hasDirectory } from './replica-directories.ts'

/** What has to follow from which brokers are registered: first the partitions, then the brokers that are let in. */
export interface LivenessDecision {
  readonly partitions: readonly MetadataChange[]
  readonly admissions: readonly MetadataChange[]
}

/**
 * Compares the registrations with the partitions' states. A registration that the controller has not dealt with yet
 * stands for a time away: the leaderships and places in in-sync sets from before are lost; then the broker may be
 * elected again. If it was away because its process died, it also is no eligible leader any more. Admission is
 * written after the partitions: a controller that fails in between does it all again, which only moves epochs on.
 *
 * Looks at every partition; called when registrations change, not otherwise.
 */
export function decideLiveness(image: MetadataImage, context: DecisionContext): LivenessDecision {
  const fresh = [...image.brokers.values()].filter(broker => broker.fenced)
  const staying = new Map([...image.brokers].filter(([, broker]) => !broker.fenced))
  const unclean = new Set(fresh.filter(broker => !stoppedCleanly(image, broker)).map(broker => broker.id))
  const isUnclean = (id: number): boolean => unclean.has(id)

  const partitions: MetadataChange[] = []
  for (const topic of image.topicsById.values()) {
    const view = viewOf(image, topic, context, { letsIn: true })
    for (const [index, before] of topic.partitions.entries()) {
      const isLost = (id: number): boolean => {
        const broker = staying.get(id)
        return broker === undefined || !hasDirectory(broker, before)
      }
      if (!isConcerned(before, isLost, isUnclean)) continue
      const isr = before.isr.filter(id => !isLost(id))
      const isNewTerm = before.leader !== -1 && isLost(before.leader)
      const partition = changePartition(before, { isr, isUnclean, isNewTerm }, view(before))
      if (partition !== null) partitions.push({ kind: 'partition', topicId: topic.id, index, partition })
    }
  }
  return { partitions, admissions: fresh.map(broker => admission(image, broker)) }
}

function isConcerned(
  { leader, isr, elr }: PartitionImage,
  isLost: (id: number) => boolean,
  isUnclean: (id: number) => boolean,
): boolean {
  return leader === -1 || isLost(leader) || isr.some(isLost) || elr.some(isUnclean)
}

/** The process of the last admitted registration lives on, or closed its disks in that registration. */
function stoppedCleanly(image: MetadataImage, { id, incarnationId, previousEpoch }: BrokerImage): boolean {
  const state = image.brokerStates.get(id)
  if (state === undefined || state.admittedEpoch === -1) return false
  return state.incarnationId === incarnationId || state.admittedEpoch === previousEpoch
}

function admission(image: MetadataImage, broker: BrokerImage): MetadataChange {
  const before = image.brokerStates.get(broker.id)
  return {
    kind: 'brokerState',
    id: broker.id,
    state: {
      admittedEpoch: broker.epoch,
      incarnationId: broker.incarnationId,
      cleanStopEpoch: before?.cleanStopEpoch ?? -1,
      stoppingEpoch: before?.stoppingEpoch ?? -1,
      rack: broker.rack,
      listeners: broker.listeners,
      cordoned: before?.cordoned ?? false,
    },
  }
}
