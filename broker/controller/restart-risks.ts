import {
  type BrokerImage,
  isActive,
  isAlive,
  type MetadataImage,
  type PartitionImage,
} from '../metadata/image.ts'
import type { RestartReason, SomePartitions } from './controller-client.ts'
import { minInsyncReplicasRange } from './partition-view.ts'

/** What a restart of the broker would do to the partitions. Looks at all of them. */
export interface RestartRisks {
  /** Empty: no partition falls below what it needs, and nobody else is on its way back. */
  readonly reasons: readonly RestartReason[]
  readonly tolerated: SomePartitions
}

export const noPartitions: SomePartitions = { count: 0, names: [] }

/** Names that are told; the rest is counted. */
const mostNames = 20

/**
 * A partition keeps as many live members of its in-sync set as min.insync.replicas asks for, without this broker. One
 * that has no more replicas than that goes without acknowledged writes for as long as the broker is away: that is
 * known, told, and no reason against it, or such a broker could never be restarted.
 */
export function findRestartRisks(image: MetadataImage, brokerId: number): RestartRisks {
  const underMinIsr = new Names()
  const tolerated = new Names()
  const lagging = new Map<number, Names>()
  for (const topic of image.topicsByName.values()) {
    const minInsync = minInsyncReplicasRange(image, topic.name).most
    for (const [index, partition] of topic.partitions.entries()) {
      const name = `${topic.name}-${index}`
      for (const id of laggingReplicas(image, partition)) {
        if (id === brokerId) continue
        const names = lagging.get(id) ?? new Names()
        lagging.set(id, names.add(name))
      }
      if (!partition.isr.includes(brokerId) || !isAlive(image, brokerId)) continue
      const left = partition.isr.filter(id => id !== brokerId && isActive(image, id))
      if (left.length >= minInsync) continue
      const target = partition.replicas.filter(id => !partition.removing.includes(id))
      if (target.length <= minInsync) tolerated.add(name)
      else underMinIsr.add(name)
    }
  }
  const reasons = [...onTheirWay(image, brokerId)]
  for (const [id, names] of lagging) {
    reasons.push({
      kind: 'BrokerCatchingUp',
      message: `Broker ${id} is not in sync yet for ${names.inWords()}.`,
      partitions: names.some(),
    })
  }
  if (underMinIsr.some().count > 0) {
    reasons.push({
      kind: 'UnderMinIsr',
      message: `Without broker ${brokerId} there are fewer replicas in sync than min.insync.replicas asks for: ${underMinIsr.inWords()}.`,
      partitions: underMinIsr.some(),
    })
  }
  return { reasons, tolerated: tolerated.some() }
}

/** Whether the broker's process is another one than then, and every replica on it is in sync. */
export function isBack(image: MetadataImage, brokerId: number, incarnationBefore: string | null): boolean {
  const broker = image.brokers.get(brokerId)
  if (broker === undefined || broker.incarnationId === incarnationBefore || !isActive(image, brokerId))
    return false
  for (const { partitions } of image.topicsById.values()) {
    for (const partition of partitions) {
      if (laggingReplicas(image, partition).includes(brokerId)) return false
    }
  }
  return true
}

/** Replicas on brokers that are here and are to be in sync, but are not. New ones of a reassignment are not yet to be. */
function laggingReplicas(image: MetadataImage, partition: PartitionImage): readonly number[] {
  const { isr, replicas, adding, removing } = partition
  if (isr.length === replicas.length) return []
  return replicas.filter(
    id => !isr.includes(id) && !adding.includes(id) && !removing.includes(id) && isAlive(image, id),
  )
}

function* onTheirWay(image: MetadataImage, brokerId: number): Generator<RestartReason> {
  for (const broker of image.brokers.values()) {
    if (broker.id === brokerId) continue
    const reason = stateOf(broker)
    if (reason !== null) yield { ...reason, partitions: noPartitions }
  }
}

function stateOf({ id, fenced, stopping }: BrokerImage): Omit<RestartReason, 'partitions'> | null {
  if (fenced) return { kind: 'BrokerStarting', message: `Broker ${id} is starting.` }
  if (stopping) return { kind: 'BrokerStopping', message: `Broker ${id} is stopping.` }
  return null
}

/** Names of partitions, as many as are worth reading. */
class Names {
  readonly #names: string[] = []
  #count = 0

  add(name: string): this {
    this.#count++
    if (this.#names.length < mostNames) this.#names.push(name)
    return this
  }

  some(): SomePartitions {
    return { count: this.#count, names: this.#names }
  }

  inWords(): string {
    const rest = this.#count - this.#names.length
    return `${this.#names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
  }
}
