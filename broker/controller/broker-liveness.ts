import type { BrokerImage, MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import type { DecisionContext } from './decision.ts'
import { afterBrokerChange } from './partition-election.ts'

/** What has to follow from which brokers are registered: first the partitions, then the brokers that are let in. */
export interface LivenessDecision {
  readonly partitions: readonly MetadataChange[]
  readonly admissions: readonly MetadataChange[]
}

/**
 * Compares the registrations with the partitions' states. A registration that the controller has not dealt with yet
 * is a new process: the one before it is lost, with the leaderships and places in in-sync sets that it had; then the
 * new one may be elected. Admission is written after the partitions: a controller that fails in between does it all
 * again, which only moves epochs on.
 *
 * Looks at every partition; called when registrations change, not otherwise.
 */
export function decideLiveness(image: MetadataImage, context: DecisionContext): LivenessDecision {
  const fresh = [...image.brokers.values()].filter(broker => broker.fenced)
  const freshIds = new Set(fresh.map(broker => broker.id))
  const isAlive = (id: number): boolean => image.brokers.has(id)
  const isLost = (id: number): boolean => freshIds.has(id) || !image.brokers.has(id)

  const partitions: MetadataChange[] = []
  for (const topic of image.topicsById.values()) {
    const electsUncleanly = context.rules.electsUncleanly(topic.name)
    for (const [index, before] of topic.partitions.entries()) {
      const partition = afterBrokerChange(before, { isAlive, isLost, electsUncleanly })
      if (partition !== null) partitions.push({ kind: 'partition', topicId: topic.id, index, partition })
    }
  }
  return { partitions, admissions: fresh.map(broker => admission(image, broker)) }
}

function admission(image: MetadataImage, broker: BrokerImage): MetadataChange {
  const before = image.brokerStates.get(broker.id)
  return {
    kind: 'brokerState',
    id: broker.id,
    state: {
      admittedEpoch: broker.epoch,
      cleanStopEpoch: before?.cleanStopEpoch ?? -1,
      rack: broker.rack,
      cordoned: before?.cordoned ?? false,
    },
  }
}
