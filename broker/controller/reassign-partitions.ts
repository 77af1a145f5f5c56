import type { ErrorName } from '../../protocol/index.ts'
import { isActive, type MetadataImage, type PartitionImage, type TopicImage } from '../metadata/image.ts'
import type { PartitionResult, Reassignment } from './controller-client.ts'
import type { Decision, DecisionContext } from './decision.ts'
import { changePartition, type PartitionEdit, type PartitionView } from './partition-change.ts'
import { viewOf } from './partition-view.ts'
import { isCordoned } from './placement.ts'

/**
 * AlterPartitionReassignments for one partition (KIP-455). The state of a running one is in the partition itself:
 * replicas are the wanted ones and then those to be removed; without `adding` they are the old ones, without `removing`
 * the wanted ones. So any controller goes on with it, and it ends when the leader reports that all are in sync.
 */
export function reassignPartition(
  image: MetadataImage,
  item: Reassignment,
  { allowsReplicationFactorChange }: { readonly allowsReplicationFactorChange: boolean },
  context: DecisionContext,
): Decision<PartitionResult> {
  const topic = image.topicsByName.get(item.topic)
  const before = topic?.partitions[item.partition]
  if (topic === undefined || before === undefined) {
    const what = topic === undefined ? `topic ${item.topic}` : `partition ${item.topic}-${item.partition}`
    return refuseReassignment(item, 'UNKNOWN_TOPIC_OR_PARTITION', `There is no ${what}.`)
  }
  const view = viewOf(image, topic, context)(before)
  if (item.replicas === null) return cancel(topic, item, before, view)

  const old = without(before.replicas, before.adding)
  const mistake = findMistake(image, item.replicas, old)
  if (mistake !== null) return refuseReassignment(item, 'INVALID_REPLICA_ASSIGNMENT', mistake)
  if (!allowsReplicationFactorChange && item.replicas.length !== old.length) {
    return refuseReassignment(
      item,
      'INVALID_REPLICATION_FACTOR',
      `The replication factor would change from ${old.length} to ${item.replicas.length}, which the request does not allow.`,
    )
  }
  return change(topic, item, before, editTo(before, item.replicas), view)
}

export function refuseReassignment(
  { topic, partition }: Reassignment,
  error: ErrorName,
  message: string,
): Decision<PartitionResult> {
  return { changes: [], result: { topic, partition, error, message } }
}

function editTo(before: PartitionImage, wanted: readonly number[]): PartitionEdit {
  const old = without(before.replicas, before.adding)
  // What an earlier reassignment was adding and nobody wants any more goes now, unless nobody else is in sync.
  const unwanted = without(before.adding, wanted)
  const isr = without(before.isr, unwanted)
  const kept = isr.length > 0 ? without(before.replicas, unwanted) : before.replicas
  return {
    isr: isr.length > 0 ? isr : before.isr,
    replicas: [...wanted, ...without(kept, wanted)],
    adding: ascending([...without(wanted, old), ...(isr.length > 0 ? [] : unwanted)]),
    removing: ascending(without(kept, wanted)),
  }
}

function cancel(
  topic: TopicImage,
  item: Reassignment,
  before: PartitionImage,
  view: PartitionView,
): Decision<PartitionResult> {
  if (before.adding.length + before.removing.length === 0) {
    return refuseReassignment(item, 'NO_REASSIGNMENT_IN_PROGRESS', 'No reassignment of it is in progress.')
  }
  const isr = without(before.isr, before.adding)
  if (isr.length === 0 && !view.electsUncleanly) {
    return refuseReassignment(
      item,
      'INVALID_REPLICA_ASSIGNMENT',
      'Only replicas that are being added are in sync: going back would lose records.',
    )
  }
  const replicas = without(before.replicas, before.adding)
  return change(topic, item, before, { isr, replicas, adding: [], removing: [] }, view)
}

function change(
  topic: TopicImage,
  { topic: name, partition: index }: Reassignment,
  before: PartitionImage,
  edit: PartitionEdit,
  view: PartitionView,
): Decision<PartitionResult> {
  const partition = changePartition(before, edit, view)
  return {
    changes: partition === null ? [] : [{ kind: 'partition', topicId: topic.id, index, partition }],
    result: { topic: name, partition: index, error: 'NONE', message: null },
  }
}

function findMistake(image: MetadataImage, wanted: readonly number[], old: readonly number[]): string | null {
  if (wanted.length === 0) return 'The replica list is empty.'
  const repeated = wanted.find((id, at) => wanted.indexOf(id) !== at)
  if (repeated !== undefined) return `The replica list includes broker ${repeated} more than once.`
  for (const id of without(wanted, old)) {
    if (!image.brokers.has(id) && !image.brokerStates.has(id))
      return `The replica list includes broker ${id}, but no such broker is registered.`
    if (!isActive(image, id))
      return `The replica list includes broker ${id}, which is fenced, stopping or away and could not get the replica now.`
    if (isCordoned(image, id))
      return `The replica list includes broker ${id}, which is cordoned: it takes no new replicas.`
  }
  return null
}

function without(ids: readonly number[], others: readonly number[]): number[] {
  return ids.filter(id => !others.includes(id))
}

function ascending(ids: readonly number[]): number[] {
  return ids.toSorted((one, other) => one - other)
}
